"""The tests of the paper run find faults: each one that is planted fails a quick test."""

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from bot_runtime.store.layout import Store
from tests.exchanges import Exchange
from tests.unit.bot_runtime.mutants import Mutant, run_test_on

CAPITAL = "test_session.test_capital_that_is_changed_again_before_anything_is_bought_is_given_twice"
OPEN_POSITION = "test_session.test_capital_and_risk_that_change_while_a_position_is_open"
REMOVED = "test_session.test_a_symbol_that_is_removed_is_sold_at_the_last_price_known"
DUST = "test_session.test_dust_of_a_symbol_that_is_removed_is_sold_and_told"
CUT = "test_session.test_dust_that_a_coarser_lot_cuts_to_nothing_ends_and_is_told"
EXECUTED = "test_session.test_what_was_executed_is_what_was_filled_also_where_a_lot_has_changed"
CANCELLED = "test_session.test_an_order_that_is_cut_to_nothing_is_cancelled"
NO_ROOM = "test_session.test_without_room_nothing_is_bought_and_what_is_open_is_sold"
REFUSED = "test_session.test_an_entry_that_is_refused_is_told_by_the_rule_that_refused_it"
PAUSE = "test_session.test_a_part_of_a_long_pause_is_missed_and_decides_on_nothing"
NO_FILTERS = "test_session.test_a_market_without_filters_has_no_steps_before_it_has_a_price"
RESTORED = "test_session.test_a_restored_copy_goes_on_from_where_it_was"
BOUGHT = "test_trade.test_what_a_signal_asks_for_is_bought_at_the_next_open"
OTHERS = "test_trade.test_signals_of_another_run_are_not_traded_by"
DOWN = "test_trade.test_an_exchange_that_is_down_is_told_and_the_next_run_settles_all"
WENT_BACK = "test_trade.test_candles_that_go_back_in_time_are_told_and_nothing_is_done"
REVISED = "test_session_candles.test_what_has_changed_is_named_with_both_numbers"

SESSION = [
    Mutant(
        "purchases are made without room",
        "trading.session",
        "signal is None or news.leaves_out(signal.decision)",
        "signal is None",
        NO_ROOM,
    ),
    Mutant(
        "the capital is not in the ledger",
        "trading.session",
        '(Adjustment(begin_ms, "", capital),)',
        "()",
        CAPITAL,
    ),
    Mutant(
        "the account is a new one in each run",
        "trading.session",
        "if account is not None:",
        "if account is None and self.settled_ms:",
        OPEN_POSITION,
    ),
    Mutant(
        "what is held of a removed symbol is forgotten",
        "trading.session",
        "(*configuration.symbols, *held)",
        "configuration.symbols",
        REMOVED,
    ),
    Mutant(
        "orders are not counted",
        "trading.session",
        "orders=len(rows.orders),",
        "",
        OPEN_POSITION,
    ),
    Mutant(
        "what was counted before is forgotten",
        "trading.session_state",
        "n + more[name]",
        "more[name]",
        OPEN_POSITION,
    ),
    Mutant(
        "a signal of another candle decides",
        "trading.session_news",
        "closed is None or ms_of(closed) == self.newest_ms",
        "closed is None or ms_of(closed) > 0",
        PAUSE,
    ),
    Mutant(
        "a revised candle is told as it is now alone",
        "trading.session_candles",
        "!= getattr(row, name)",
        "is None",
        REVISED,
    ),
]
ROWS = [
    Mutant(
        "a change of capital is named by the last mark",
        "trading.session_rows",
        "{what} {desk.since_ms}",
        "{what} {change.at_ms}",
        CAPITAL,
    ),
    Mutant(
        "a purchase brings money",
        "trading.session_rows",
        "1 if fill.side",
        "-1 if fill.side",
        OPEN_POSITION,
    ),
    Mutant("a fee costs nothing", "trading.session_rows", " - fill.fee)", ")", OPEN_POSITION),
    Mutant(
        "dust has an entry's id",
        "trading.session_desk",
        "if self._known(name) is not None:",
        "if name:",
        DUST,
    ),
    Mutant(
        "what is removed is counted in the steps of now",
        "trading.session_desk",
        "self.before if purpose is Purpose.REMOVED else self.markets",
        "self.markets",
        CUT,
    ),
    Mutant(
        "earlier fills are forgotten",
        "trading.session_desk",
        "base + fill.quantity",
        "fill.quantity",
        EXECUTED,
    ),
    Mutant(
        "an order that is cancelled stays open",
        "trading.session_desk",
        "worked.fill is not None or worked.state in TERMINAL",
        "worked.fill is not None",
        CANCELLED,
    ),
    Mutant(
        "a refusal is not told",
        "trading.session_decisions",
        "signal.decision_reason or signal.decision if refusal is None else refusal.rule",
        "signal.decision_reason",
        REFUSED,
    ),
    Mutant(
        "a pause looks like an inference that failed",
        "trading.session_decisions",
        "is_newest and news.decides",
        "is_newest",
        PAUSE,
    ),
    Mutant(
        "the share of a decision is lost",
        "trading.session_decisions",
        "share=signal.position_size",
        "share=0.0",
        OPEN_POSITION,
    ),
    Mutant(
        "a market is written down in every run",
        "trading.session_markets",
        "known is not None and known[2:] == row[2:]",
        "known == row",
        BOUGHT,
    ),
    Mutant(
        "a market has steps before it has a price",
        "trading.session_markets",
        "(known is not None or candles is None or len(candles) == 0)",
        "known is not None",
        NO_FILTERS,
    ),
]
STEP = [
    Mutant(
        "a marker is not waited for",
        "steps.trade",
        "> SPARE_SECONDS:",
        "> 1e9:",
        "test_trade.test_a_marker_that_comes_late_is_waited_for",
    ),
    Mutant(
        "candles after the decision are settled",
        "steps.trade",
        "None if marker is None else marker.candle_ms",
        "None",
        "test_trade.test_the_candle_that_was_decided_on_is_the_last_that_is_settled",
    ),
    Mutant(
        "the volume is not looked at",
        "steps.trade",
        "may_enter=not doubts.room_is_short",
        "may_enter=True",
        "test_trade.test_without_room_nothing_is_bought_and_exits_go_on",
    ),
    Mutant(
        "a run that fails has no end",
        "steps.trade",
        "journal.finish(run_id, Rows(), end)",
        "pass",
        DOWN,
    ),
    Mutant(
        "two quote assets are added up",
        "steps.trade",
        "    if others:",
        "    if not quote:",
        "test_trade.test_symbols_that_are_paid_for_in_two_assets_are_refused",
    ),
    Mutant(
        "another pod's marker will do",
        "store.marker",
        "(marker.pod_uid, marker.run_digest) == (pod_uid, run_digest)",
        "marker.run_digest == run_digest",
        OTHERS,
    ),
    Mutant(
        "another run's settings will do",
        "store.marker",
        "(marker.pod_uid, marker.run_digest) == (pod_uid, run_digest)",
        "marker.pod_uid == pod_uid",
        OTHERS,
    ),
    Mutant(
        "a clock that went back is believed",
        "exchange.unsettled",
        "if now_ms < begin_ms:",
        "if now_ms < 0:",
        WENT_BACK,
    ),
    Mutant(
        "a longer timeframe is a clock that went back",
        "exchange.unsettled",
        "if now_ms < begin_ms:",
        "if newest_ms < begin_ms:",
        "test_trade.test_a_longer_timeframe_is_no_clock_that_went_back",
    ),
]
JOURNAL = [
    Mutant(
        "the account is the oldest one",
        "journal.reading",
        "query = query.order_by(newest_first.desc())",
        "query = query.order_by(newest_first)",
        RESTORED,
    ),
    Mutant(
        "candles come without their decisions",
        "journal.writing",
        "candle.update(row)",
        "pass",
        RESTORED,
    ),
    Mutant(
        "an account that has changed is not written",
        "journal.on_change",
        "row[1:] != newest[1:]",
        "row[:0] != newest[:0]",
        RESTORED,
    ),
    Mutant(
        "a configuration is kept again and again",
        "journal.writing",
        "if found is None:",
        "if start:",
        RESTORED,
    ),
]
MUTANTS = [*SESSION, *ROWS, *STEP, *JOURNAL]


@pytest.fixture
def fixtures(
    exchange: Exchange, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    """What the tests ask for."""
    return {"exchange": exchange, "store": store, "tmp_path": tmp_path, "monkeypatch": monkeypatch}


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_each_planted_fault_fails_a_test(mutant: Mutant, fixtures: dict[str, object]) -> None:
    with pytest.raises((AssertionError, LookupError, IntegrityError, pytest.fail.Exception)):
        run_test_on(mutant, **fixtures)
