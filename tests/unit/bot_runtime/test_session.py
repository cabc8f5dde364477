"""A paper account that its journal remembers is the account of a backtest, one run later."""

import sqlite3
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from bot_runtime.backtest.journal_differences import compare_with_replay
from bot_runtime.backtest.replay import replay
from bot_runtime.journal.entries import AccountRow, DecisionRow, EquityRow, MarketRow, Rows
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.order_entries import (
    FillRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    TradeRow,
)
from bot_runtime.journal.run_entries import RunEnd, RunRow
from bot_runtime.market.candles import Candles
from bot_runtime.market.filters import Filters
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Track
from bot_runtime.trading.orders import TERMINAL
from bot_runtime.trading.precision import Market
from bot_runtime.trading.session import Session
from bot_runtime.trading.session_news import News
from bot_runtime.trading.session_state import SessionState
from bot_runtime.trading.session_status import trading_status
from tests.unit.bot_runtime.paper_accounts import (
    BEGUN,
    OWNER,
    TAKEN,
    PaperAccount,
    one_piece,
    outcome_of,
    start_of,
)
from tests.unit.bot_runtime.random_markets import (
    BEGIN_MS,
    FOUR_HOURS_MS,
    RandomMarket,
    random_market,
)
from tests.unit.bot_runtime.strategies import UNLIMITED, strategy_with

HELD, MANAGED = 1, 2
"""Seeds of markets under Thresholds and under VolatilityManaged."""
PARTLY_SOLD = 15
"""Seed of a market in which a target is filled in part, and the rest is sold by another order."""


def account_of(seed: int, folder: str | Path) -> PaperAccount:
    return PaperAccount(Path(folder) / "journal.db", random_market(seed))


def differences(account: PaperAccount) -> tuple[str, ...]:
    with read_journal(account.database) as journal:
        return compare_with_replay(journal).differences


def rows(account: PaperAccount, kind: Any) -> list[Any]:
    with read_journal(account.database) as journal:
        return list(journal.all(kind))


@pytest.mark.parametrize("seed", [HELD, MANAGED, 5])
def test_run_by_run_gives_the_rows_of_one_piece(seed: int) -> None:
    with TemporaryDirectory() as folder:
        assert_same_rows(account_of(seed, folder))


def assert_same_rows(account: PaperAccount) -> None:
    account.run_all()
    markets = {symbol: track.market for symbol, track in account.tracks.items()}
    expected = outcome_of(one_piece(account.market), markets)
    assert account.rows() == expected
    assert expected.trades
    with read_journal(account.database) as journal:
        parts = [part.followed for part in replay(journal)]
        assert outcome_of(parts, markets) == expected
        assert compare_with_replay(journal).differences == ()


def test_no_order_of_a_trade_that_is_closed_works_on(tmp_path: Path) -> None:
    account = account_of(PARTLY_SOLD, tmp_path)
    account.run_all()
    closed = {row.position_id for row in rows(account, TradeRow)}
    last = {row.client_order_id: row.state for row in rows(account, OrderEventRow)}
    orders = [row for row in rows(account, OrderRow) if row.position_id in closed]
    assert {last[row.client_order_id] for row in orders} <= {*TERMINAL}
    assert any(
        row.purpose == "Target" and last[row.client_order_id] == "Cancelled" for row in orders
    )
    assert differences(account) == ()


@pytest.mark.parametrize("seed", [HELD, MANAGED])
def test_runs_that_are_killed_or_missed_leave_what_the_replay_makes_of_it(seed: int) -> None:
    draw = np.random.default_rng(seed)
    with TemporaryDirectory() as folder:
        account = account_of(seed, folder)
        for close_ms in account.closes:
            what = draw.choice(["", BEGUN, TAKEN, "no signals", "missed"], p=[0.6, *[0.1] * 4])
            if what in (BEGUN, TAKEN):
                before = account.bytes() if account.path.exists() else {}
                account.run(close_ms, kill_at=what)
                assert account.bytes()["candles"] == before.get("candles", [])
                account.run(close_ms)
            elif what != "missed":
                account.run(close_ms, decided=what == "")
        assert differences(account) == ()
        outcomes = {row.outcome for row in rows(account, DecisionRow)}
        assert {"Missed", "NoSignal"} < outcomes
        assert any(row.ended_verdict is None for row in rows(account, RunRow))


@pytest.mark.parametrize("seed", [HELD, MANAGED])
def test_a_second_run_of_any_candle_changes_nothing(seed: int) -> None:
    with TemporaryDirectory() as folder:
        account = account_of(seed, folder)
        for close_ms in account.closes[:40]:
            account.run(close_ms)
            before = account.bytes()
            account.run(close_ms)
            assert account.bytes() == before


# --- one symbol by hand: prices that a test chooses, and a view at every candle


def track_of(prices: list[float], strategy: Any, *, lot: str = "0.001", **limits: str) -> Track:
    """Return flat candles at prices, each of which is predicted to rise."""
    n = len(prices)
    column = np.array(prices)
    times = BEGIN_MS + np.arange(n, dtype=np.int64) * FOUR_HOURS_MS
    candles = Candles(FOUR_HOURS_MS, times, column, column, column, column, np.full(n, 1e6))
    filters = {name: Decimal(value) for name, value in limits.items()}
    market = Market.of(Decimal("0.01"), Decimal(lot), strategy.costs, **filters)
    told = (0.9, -0.005, 0.02, 0.04, 0.1, 0.004)
    predictions = Predictions(*(np.full(n, value) for value in told))
    return Track(candles, market, np.arange(n), predictions, np.zeros(n, np.intp))


def by_hand(folder: Path, prices: dict[str, list[float]], **changes: Any) -> PaperAccount:
    risk = UNLIMITED | {"max_position": 0.5, "position_volatility": 0.1, "cvar_max": 0.5}
    settings = {"capital": "10000", "horizon_steps": 100, **risk, **changes}
    strategy = strategy_with(interval_ms=FOUR_HOURS_MS, **settings)
    tracks = {name: track_of(column, strategy) for name, column in prices.items()}
    return PaperAccount(folder / "journal.db", RandomMarket(strategy, tracks))


def filters(**told: str) -> Filters:
    return Filters(**{name: Decimal(value) for name, value in told.items()})


def state_of(account: PaperAccount) -> SessionState:
    with read_journal(account.database) as journal:
        return SessionState.of(journal)


def ledger_sum(account: PaperAccount, asset: str) -> Decimal:
    return sum((r.delta for r in rows(account, LedgerRow) if r.asset == asset), Decimal(0))


def test_capital_that_is_changed_again_before_anything_is_bought_is_given_twice(
    tmp_path: Path,
) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 4})
    for close_ms, capital in zip(account.closes, ("10000", "12000", "9000"), strict=False):
        account.changes = {"capital": capital}
        account.run(close_ms, decided=False)
    given = [row.delta for row in rows(account, LedgerRow)]
    assert sorted(given) == [-3000, 2000, 10_000]
    assert rows(account, EquityRow)[-1].equity == 9000
    assert differences(account) == ()


def test_capital_and_risk_that_change_while_a_position_is_open(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0, 101.0, 102.0, 103.0, 104.0]})
    account.run_all(account.closes[:3])
    held = state_of(account).account
    assert held is not None
    before = held.books["A/USDT"].position
    account.changes = {"capital": "15000", "risk": {"maxPosition": 0.01}}
    account.run_all(account.closes[3:])
    now = state_of(account).account
    assert now is not None
    assert now.books["A/USDT"].position == before, "what is held stays as it is"
    assert ledger_sum(account, "USDT") == rows(account, EquityRow)[-1].cash
    assert differences(account) == ()


@pytest.mark.parametrize("policy", ["Thresholds", "VolatilityManaged"])
def test_a_policy_that_changes_while_a_position_is_open(tmp_path: Path, policy: str) -> None:
    other = {"Thresholds": "VolatilityManaged", "VolatilityManaged": "Thresholds"}[policy]
    account = by_hand(tmp_path, {"A": [100.0 + n for n in range(9)]})
    account.changes = {"decision": {"policy": policy}}
    account.run_all(account.closes[:4])
    assert account.rows().fills
    account.changes = {"decision": {"policy": other}}
    account.run_all(account.closes[4:])
    assert differences(account) == ()


def test_a_symbol_that_is_removed_is_sold_at_the_last_price_known(
    tmp_path: Path,
) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 3 + [110.0] * 3, "B": [50.0] * 6})
    account.changes = {"symbols": ["A/USDT"]}
    account.run_all(account.closes[:4])
    account.changes = {"symbols": ["B/USDT"]}
    account.run_all(account.closes[4:])
    sold = [row for row in rows(account, OrderRow) if row.purpose == "Removed"]
    (fill,) = [f for f in rows(account, FillRow) if f.client_order_id == sold[0].client_order_id]
    assert fill.price == Decimal("109.94"), "110 less slippage"
    (trade,) = rows(account, TradeRow)
    assert trade.reason == "Removed"
    assert ledger_sum(account, "A") == 0
    assert state_of(account).actions[-1].purpose in ("Removed", "Entry")
    assert {f.symbol for f in rows(account, FillRow)} == {"A/USDT", "B/USDT"}
    assert differences(account) == ()


def dusty(folder: Path) -> PaperAccount:
    """Return an account that holds nothing but dust of A: a sale left less than an order takes."""
    prices = {"A": [100.0] * 6, "B": [50.0] * 6}
    trial = by_hand(folder / "trial", prices)
    trial.changes = {"symbols": ["A/USDT"]}
    trial.run_all(trial.closes[:2])
    (bought,) = (fill.quantity for fill in rows(trial, FillRow))
    account = by_hand(folder, prices)
    account.changes = {"symbols": ["A/USDT"], "risk": {"maxHoldingCandles": 1, "maxPosition": 0.5}}
    account.changes["risk"] |= {"positionVolatility": 0.1, "cvarMax": 0.5}
    candles = account.tracks["A/USDT"].candles
    candles.volume[2] = float(bought - Decimal("0.004")) * 10
    account.filters = {"A/USDT": filters(tick="0.01", lot="0.001", min_notional="5")}
    account.run_all(account.closes[:2])
    account.run(account.closes[2], decided=False)
    held = state_of(account).account
    assert held is not None
    assert held.books["A/USDT"].position is None
    assert held.books["A/USDT"].dust.lots == 4
    return account


def test_dust_of_a_symbol_that_is_removed_is_sold_and_told(tmp_path: Path) -> None:
    account = dusty(tmp_path)
    account.changes |= {"symbols": ["B/USDT"]}
    account.run_all(account.closes[3:])
    trade = rows(account, TradeRow)[1]
    assert (trade.reason, trade.quantity) == ("Removed", Decimal("0.004"))
    assert ledger_sum(account, "A") == 0
    assert differences(account) == ()


def test_dust_that_a_coarser_lot_cuts_to_nothing_ends_and_is_told(tmp_path: Path) -> None:
    account = dusty(tmp_path)
    account.filters = {"A/USDT": filters(tick="0.01", lot="0.1", min_notional="5")}
    account.run(account.closes[3], decided=False)
    trade = rows(account, TradeRow)[1]
    assert (trade.quantity, trade.received) == (Decimal("0.004"), 0)
    assert ledger_sum(account, "A") == 0
    (order,) = (row for row in rows(account, OrderRow) if row.purpose == "Removed")
    assert order.quantity == Decimal("0.004")
    states = [
        e.state for e in rows(account, OrderEventRow) if e.client_order_id == trade.position_id
    ]
    assert states == ["Open", "Rejected"]
    account.run_all(account.closes[4:])
    assert differences(account) == ()


def test_filters_that_change_while_a_position_is_open(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0, 101.0, 102.0, 103.0, 104.0]})
    account.run_all(account.closes[:3])
    held = ledger_sum(account, "A")
    account.filters = {"A/USDT": filters(tick="0.5", lot="0.1", min_notional="5")}
    account.run_all(account.closes[3:])
    lots = held // Decimal("0.1") * Decimal("0.1")
    assert ledger_sum(account, "A") == lots < held
    assert any(row.source.startswith("adjustment A/USDT") for row in rows(account, LedgerRow))
    assert differences(account) == ()


def test_an_order_that_is_cut_to_nothing_is_cancelled(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 3})
    account.run(account.closes[0])
    account.filters = {"A/USDT": filters(tick="0.01", lot="1000")}
    account.run(account.closes[1], decided=False)
    assert [(e.state, e.executed) for e in rows(account, OrderEventRow)] == [
        ("Open", 0),
        ("Cancelled", 0),
    ]
    assert differences(account) == ()


def test_what_was_executed_is_what_was_filled_also_where_a_lot_has_changed(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 6})
    account.changes = {"risk": {"maxHoldingCandles": 1, "maxPosition": 0.5, "cvarMax": 0.5}}
    candles = account.tracks["A/USDT"].candles
    candles.volume[2] = 1.234 * 10
    account.run_all(account.closes[:2])
    account.run(account.closes[2], decided=False)
    account.filters = {"A/USDT": filters(tick="0.01", lot="0.1")}
    account.run(account.closes[3], decided=False)
    last = rows(account, OrderEventRow)[-1]
    fills = [
        f.quantity for f in rows(account, FillRow) if f.client_order_id == last.client_order_id
    ]
    assert len(fills) == 2
    assert last.executed == sum(fills)
    assert differences(account) == ()


def test_a_market_without_filters_has_no_steps_before_it_has_a_price(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 5, "B": [2e-7] * 5})
    late = account.tracks["B/USDT"]
    account.tracks["B/USDT"] = late._replace(candles=late.candles[3:], rows=np.array([0, 1]))
    account.filters = {"B/USDT": None}
    account.run_all(account.closes[:3])
    assert {row.symbol for row in rows(account, MarketRow)} == {"A/USDT"}
    account.run_all(account.closes[3:])
    (steps,) = (row for row in rows(account, MarketRow) if row.symbol == "B/USDT")
    assert steps.since_ms == account.closes[3]
    assert steps.tick <= Decimal("1e-9")
    assert "B/USDT" in {row.symbol for row in rows(account, OrderRow)}
    assert differences(account) == ()


def test_a_restored_copy_goes_on_from_where_it_was(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0 + n for n in range(8)]})
    account.changes = {"risk": {"maxHoldingCandles": 2}}
    account.run_all(account.closes[:3])
    copy = account.path.read_bytes()
    account.run_all(account.closes[3:6])
    account.path.write_bytes(copy)
    with read_journal(account.database) as journal:
        assert journal.identity.sequence == 3, "the operator sees it fall from 6"
    account.run(account.closes[6])
    assert [row.outcome for row in rows(account, DecisionRow)[3:6]] == ["Missed"] * 3
    assert differences(account) == ()


def test_steps_that_are_finer_than_money_are_refused_by_the_symbols_name(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 3})
    account.filters = {"A/USDT": filters(tick="1e-12", lot="1e-9")}
    with pytest.raises(ConfigurationError, match=r"symbols: A/USDT: tick 1E-12 by lot 1E-9: finer"):
        account.run(account.closes[0])


def test_without_room_nothing_is_bought_and_what_is_open_is_sold(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 6})
    account.changes = {"risk": {"maxHoldingCandles": 2}}
    account.run_all(account.closes[:2])
    account.may_enter = False
    account.run_all(account.closes[2:])
    assert [f.side for f in rows(account, FillRow)] == ["BUY", "SELL"]
    outcomes = [row.outcome for row in rows(account, DecisionRow)]
    assert outcomes == ["LongSignal", "LongSignal", *["NoRoom"] * 4]
    assert differences(account) == ()


def test_a_version_promoted_between_decision_and_fill_is_named_by_both_rows(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 4})
    account.run(account.closes[0])
    account.version = "bot-00000000-00000001"
    account.run_all(account.closes[1:])
    with sqlite3.connect(account.path) as database:
        asked = (
            "SELECT model_version FROM named_orders UNION ALL SELECT model_version FROM named_fills"
        )
        versions = [version for (version,) in database.execute(asked)]
    assert versions == ["bot-00000000-00000000", "bot-00000000-00000001"]
    assert differences(account) == ()


def test_a_part_of_a_long_pause_is_missed_and_decides_on_nothing(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 5})
    account.run(account.closes[0])
    configuration = account.configuration()
    with open_journal(account.database, OWNER, 0) as journal:
        run_id = journal.begin_run(start_of(configuration, 0))
        candles = account.tracks["A/USDT"].candles[1:4]
        signals = account.signals(account.closes[4], configuration)
        news = News({"A/USDT": candles}, {}, signals, decides=False)
        taken = Session(configuration, journal).take(news)
        assert [row.outcome for row in taken.rows.decisions] == ["Missed"] * 3
        assert run_id == 2


def test_an_entry_price_is_what_was_paid_by_what_was_bought(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 3})
    account.run_all()
    (fill,) = rows(account, FillRow)
    with read_journal(account.database) as journal:
        found = trading_status(
            state_of(account), journal.identity, account.closes[-1], journal.last_equity()
        )
    (position,) = found.positions
    paid = (fill.quote_quantity + fill.fee) / fill.quantity
    assert Decimal(position.entry_price) == round(paid, 8)


def test_a_state_of_a_newer_release_is_refused_in_words(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 3})
    account.run_all(account.closes[:2])
    with open_journal(account.database, OWNER, 0) as journal:
        run_id = journal.begin_run(start_of(account.configuration(), 0))
        row = journal.last_state()
        assert row is not None
        newer = AccountRow(
            account.closes[2], row.state.replace('{"account"', '{"newer":1,"account"')
        )
        journal.finish(run_id, Rows(accounts=(newer,)), RunEnd(0, "Settled"))
    with pytest.raises(ConfigurationError, match=r"state of 2024-.* run the image that"):
        account.run(account.closes[2])


def test_an_entry_that_is_refused_is_told_by_the_rule_that_refused_it(tmp_path: Path) -> None:
    account = by_hand(tmp_path, {"A": [100.0] * 3})
    account.filters = {"A/USDT": filters(tick="0.01", lot="0.001", min_notional="1000000")}
    account.run_all()
    assert [row.outcome for row in rows(account, DecisionRow)] == ["MinOrder"] * 3
    assert rows(account, OrderRow) == []
    assert differences(account) == ()
