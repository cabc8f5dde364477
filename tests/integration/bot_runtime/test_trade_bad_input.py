"""What a paper account makes of an exchange, a clock, a volume and signals that are not right."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.backtest.journal_differences import compare_with_replay
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.exchange import unsettled
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.journal.entries import CandleRow, DecisionRow, EquityRow, MarketRow
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.order_entries import FillRow, OrderRow, TradeRow
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.journal_in_process import mounted
from tests.unit.bot_runtime.paper_bots import FALLING, PaperBot


@pytest.fixture
def bot(exchange: Exchange, store: Store) -> PaperBot:
    return PaperBot(exchange, store)


def check(bot: PaperBot) -> None:
    """Check that the journal is what its own material makes of it."""
    with read_journal(SqliteFile(bot.store.journal)) as journal:
        assert compare_with_replay(journal).differences == ()


def outcomes(bot: PaperBot, symbol: str = "BTC/USDT") -> list[str]:
    return [row.outcome for row in bot.rows(DecisionRow) if row.symbol == symbol]


def run_candles(bot: PaperBot, count: int) -> None:
    for _ in range(count):
        bot.run()
        bot.next_candle()


def test_a_candle_that_is_revised_after_its_decision_is_told_and_changes_nothing(
    exchange: Exchange, store: Store
) -> None:
    bot = PaperBot(exchange, store, {"timeframe": "5m"})
    bot.run()
    (before,) = bot.rows(CandleRow)
    minute = bot.close_ms - MINUTE_MS
    bot.next_candle()
    exchange.order(gaps=[[minute, minute + MINUTE_MS]])
    bot.run()
    (warning,) = bot.warnings
    assert warning.startswith("BTC/USDT: the candle that closed at")
    assert f"close {before.close!r} is" in warning
    assert bot.rows(CandleRow)[0] == before
    check(bot)


def test_a_symbol_is_removed_while_it_is_held_and_another_is_added(
    exchange: Exchange, store: Store
) -> None:
    bot = PaperBot(exchange, store, {"symbols": ["ETH/USDT"]})
    run_candles(bot, 2)
    last = bot.rows(CandleRow)[-1]
    bot.changes["symbols"] = ["BTC/USDT"]
    result = bot.run()
    (sold,) = (row for row in bot.rows(OrderRow) if row.purpose == "Removed")
    (fill,) = (f for f in bot.rows(FillRow) if f.client_order_id == sold.client_order_id)
    assert fill.symbol == "ETH/USDT"
    assert float(fill.price) == pytest.approx(last.close * 0.9995, rel=1e-4)
    assert result.state.positions == ()
    assert result.actions[-1].purpose == "Removed"
    assert outcomes(bot) == ["LongSignal"]
    check(bot)


@pytest.mark.parametrize("hours", [-48, 48])
def test_our_own_clock_jumps(bot: PaperBot, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    run_candles(bot, 1)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + hours * 3_600_000_000_000)
    run_candles(bot, 1)
    assert outcomes(bot) == ["LongSignal"] * 2
    assert [run.ended_verdict for run in bot.rows(RunRow)] == ["Settled"] * 2
    check(bot)


def test_capital_policy_and_risk_change_while_a_position_is_open(bot: PaperBot) -> None:
    run_candles(bot, 2)
    before = bot.rows(EquityRow)[-1]
    bot.changes["capital"] = "20000"
    run_candles(bot, 1)
    assert bot.rows(EquityRow)[-1].cash == before.cash + 10_000
    bot.changes["risk"] = {"cvarMax": 0.05, "dailyLossCap": 0.05, "maxHoldingCandles": 50}
    run_candles(bot, 1)
    bot.changes["decision"] = {"policy": "VolatilityManaged", "riskMax": 1}
    run_candles(bot, 2)
    check(bot)


def test_a_version_is_promoted_between_decision_and_fill(bot: PaperBot) -> None:
    bot.run()
    bot.version = "bot-00000000-00000001"
    bot.next_candle()
    bot.run()
    assert [run.model_version for run in bot.rows(RunRow)] == [
        "bot-00000000-00000000",
        "bot-00000000-00000001",
    ]
    assert len(bot.rows(FillRow)) == 1
    check(bot)


def killed_child(work: Callable[[], object]) -> None:
    """Do something in a process that is killed once the journal is about to be committed."""
    child = os.fork()
    if child == 0:
        from sqlalchemy import Engine, event

        commits = iter(range(10))

        def kill(_: object) -> None:
            if next(commits) == 1:  # the first is of the run's own row
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            event.listen(Engine, "commit", kill)
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)


def test_a_pod_that_is_evicted_in_mid_write_leaves_nothing_half_done(bot: PaperBot) -> None:
    run_candles(bot, 1)
    bot.decide()
    killed_child(bot.trade)
    assert [run.ended_verdict for run in bot.rows(RunRow)] == ["Settled", None]
    assert len(bot.rows(CandleRow)) == len(bot.rows(DecisionRow)) == 1
    bot.trade()
    assert outcomes(bot) == ["LongSignal"] * 2
    assert len(bot.rows(FillRow)) == 1
    check(bot)


def test_on_a_volume_with_little_room_nothing_is_bought_and_exits_go_on(
    bot: PaperBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_candles(bot, 3)
    bot.decide(FALLING)
    small = tmp_path / "small"
    small.mkdir()
    child = os.fork()
    if child == 0:
        told = 1
        try:
            if not mounted(small, 12 * 2**20):  # this user may mount nothing
                usage = shutil.disk_usage(small)._replace(free=12 * 2**20)
                monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
            bot.store = Store(Path(shutil.copytree(bot.store.root, small / "store")))
            entries = bot.trade().entries
            bot.next_candle()
            sold = bot.run().state
            is_told = entries is not None and entries.reason == "JournalUnavailable"
            told = 0 if is_told and sold.positions == () and sold.totals.orders == 2 else 2
        finally:
            os._exit(told)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_long_pause_is_made_good_in_several_runs(
    bot: PaperBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsettled, "MOST_CANDLES", 5)
    run_candles(bot, 1)
    bot.next_candle(7)
    result = bot.run()
    assert result.entries is not None
    assert "a long pause is made good" in result.entries.message
    assert outcomes(bot) == ["LongSignal", *["Missed"] * 5]
    bot.next_candle()
    assert bot.run().entries is None
    assert outcomes(bot) == ["LongSignal", *["Missed"] * 8, "LongSignal"]
    assert bot.rows(TradeRow)[0].reason == "Time"
    check(bot)


def test_no_candles_for_a_while(bot: PaperBot, exchange: Exchange) -> None:
    run_candles(bot, 2)
    gap = bot.close_ms - MINUTE_MS
    exchange.order(gaps=[[gap, gap + 3 * MINUTE_MS]])
    for _ in range(3):
        result = bot.trade()
        assert len(result.state.positions) == 1
        bot.next_candle()
    assert [run.ended_verdict for run in bot.rows(RunRow)][2:] == ["Nothing"] * 3
    run_candles(bot, 1)
    assert outcomes(bot)[-1] == "LongSignal"
    check(bot)


def test_an_exchange_that_tells_no_filters(bot: PaperBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ExchangeClient, "filters", lambda *_: {})
    run_candles(bot, 2)
    (market,) = bot.rows(MarketRow)
    assert market.min_notional == 0
    assert len(bot.rows(FillRow)) == 1
    check(bot)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"volatility": None}, "volatility: is missing; the image that decides"),
        ({"p10": None}, "p10: is missing"),
        ({"regime": "UNKNOWN"}, "regime: found UNKNOWN; it is one of BULL_TREND"),
        ({"run_digest": "other"}, "run_digest: is not of this run's settings"),
        ({"symbol": "ETH/USDT"}, "symbol: found ETH/USDT"),
        ({"prob_up": 7.0}, "prob_up: found 7"),
        ({"later": 1}, "later"),
    ],
)
def test_a_signal_that_cannot_be_traded_by_is_told_and_all_else_is_done(
    bot: PaperBot, fields: dict[str, Any], words: str
) -> None:
    run_candles(bot, 2)
    bot.decide(**fields)
    if None in fields.values():
        path = bot.store.signal("BTC/USDT")
        save_json(path, {k: v for k, v in load_json(path).items() if k not in fields})
    result = bot.trade()
    (warning,) = bot.warnings
    assert warning.startswith("signals/BTC-USDT.json: ")
    assert words in warning
    assert warning.endswith("nothing is bought on it")
    assert outcomes(bot)[-1] == "NoSignal"
    assert len(result.state.positions) == 1
    check(bot)


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_a_file_that_is_no_signal_is_told(bot: PaperBot, text: str) -> None:
    bot.decide()
    bot.store.signal("BTC/USDT").write_text(text, encoding="utf-8")
    bot.trade()
    assert bot.warnings[0].startswith("signals/BTC-USDT.json: ")
    assert outcomes(bot) == ["NoSignal"]


def test_a_feed_in_trouble_is_the_decisions_reason(bot: PaperBot) -> None:
    lacking = ("prob_up", "p10", "p50", "p90", "risk_score", "volatility", "bar_close_ts")
    bot.decide()
    path = bot.store.signal("BTC/USDT")
    trouble = {
        "bar_close_ts": None,
        "decision": "NO_TRADE",
        "decision_reason": "FeedSkew",
        "reason": "FeedSkew: the exchange's clock is ahead",
    }
    fields = {k: v for k, v in load_json(path).items() if k not in lacking}
    save_json(path, fields | trouble)
    bot.mark(candle_ms=None)
    assert bot.trade().entries is None
    assert outcomes(bot) == ["FeedSkew"]
    check(bot)


def test_a_day_without_runs_trips_no_limit_by_itself(bot: PaperBot) -> None:
    run_candles(bot, 1)
    bot.next_candle(DAY_MS // MINUTE_MS)
    result = bot.run()
    assert result.state.totals.missed == DAY_MS // MINUTE_MS
    check(bot)
