"""The step that trades: what it waits for, what it asks, and what it writes, by a real exchange."""

import shutil
import time
from collections import namedtuple
from io import StringIO
from typing import Any

import pytest

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.journal.entries import CandleRow, DecisionRow, MarketRow
from bot_runtime.journal.order_entries import FillRow, OrderRow
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.process.errors import (
    ConfigurationError,
    ExchangeUnavailableError,
    StoreUnavailableError,
)
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps.trade import POLL_SECONDS, SPARE_SECONDS, trade
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.paper_bots import FALLING, PaperBot


def bot_of(exchange: Exchange, store: Store, **changes: Any) -> PaperBot:
    return PaperBot(exchange, store, changes)


def test_what_a_signal_asks_for_is_bought_at_the_next_open(
    exchange: Exchange, store: Store
) -> None:
    bot = bot_of(exchange, store)
    first = bot.run()
    assert (first.entries, first.records) == (None, None)
    assert first.state.settled_at is not None
    bot.next_candle()
    second = bot.run()
    (position,) = second.state.positions
    (fill,) = bot.rows(FillRow)
    assert position.symbol == fill.symbol == "BTC/USDT"
    markets = bot.rows(MarketRow)
    assert len(markets) == 1, "what it takes has not changed"
    market = markets[0]
    assert (fill.market_ms, str(market.tick)) == (market.since_ms, "0.01")
    first_run, second_run = bot.rows(RunRow)
    assert (first_run.ended_verdict, second_run.ended_verdict) == ("Settled", "Settled")
    assert first_run.pod_uid != second_run.pod_uid == bot.pod_uid
    assert first_run.model_version == bot.version


def test_a_second_run_of_a_candle_does_nothing(exchange: Exchange, store: Store) -> None:
    bot = bot_of(exchange, store)
    first, again = bot.run(), bot.run()
    assert again.state.account == first.state.account
    assert [run.ended_verdict for run in bot.rows(RunRow)] == ["Settled", "Nothing"]
    assert len(bot.rows(DecisionRow)) == len(bot.rows(OrderRow)) == 1


def test_what_goes_wrong_after_the_last_commit_is_told_and_undoes_nothing(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailableError("journal: the connection was lost")

    bot = bot_of(exchange, store)
    monkeypatch.setattr("bot_runtime.steps.trade.result_of", refuse)
    with pytest.raises(StoreUnavailableError, match="the connection was lost"):
        bot.run()
    assert [run.ended_verdict for run in bot.rows(RunRow)] == ["Settled"]


@pytest.mark.parametrize("marker", [None, {"pod_uid": "other"}, {"run_digest": "other"}])
def test_signals_of_another_run_are_not_traded_by(
    exchange: Exchange, store: Store, marker: dict[str, str] | None
) -> None:
    bot = bot_of(exchange, store)
    bot.decide()
    if marker is None:
        store.marker.unlink()
    else:
        bot.mark(**marker)
    result = bot.trade()
    assert result.entries is not None
    assert result.entries.reason == "SignalMissing"
    assert [row.outcome for row in bot.rows(DecisionRow)] == ["NoSignal"]


def test_a_marker_that_comes_late_is_waited_for(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = bot_of(exchange, store, execution={"deadlineSeconds": int(SPARE_SECONDS) + 20})
    polled: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds == POLL_SECONDS:  # else it is a library's
            polled.append(seconds)
            if len(polled) == 3:
                bot.decide()

    monkeypatch.setattr(time, "sleep", sleep)
    assert bot.trade().entries is None
    assert len(polled) == 3
    assert [row.outcome for row in bot.rows(DecisionRow)] == ["LongSignal"]


def test_the_candle_that_was_decided_on_is_the_last_that_is_settled(
    exchange: Exchange, store: Store
) -> None:
    bot = bot_of(exchange, store)
    bot.run()
    bot.next_candle()
    bot.decide()
    decided_ms = bot.close_ms
    exchange.set_clock(bot.now_ms + MINUTE_MS)
    bot.trade()
    assert [row.candle_ms for row in bot.rows(CandleRow)][-1] == decided_ms
    assert [row.outcome for row in bot.rows(DecisionRow)] == ["LongSignal", "LongSignal"]


def test_an_exchange_that_is_down_is_told_and_the_next_run_settles_all(
    exchange: Exchange, store: Store
) -> None:
    bot = bot_of(exchange, store)
    bot.run()
    bot.next_candle()
    exchange.order(error_next=1000)
    with pytest.raises(ExchangeUnavailableError):
        bot.run()
    exchange.order()
    failed = bot.rows(RunRow)[-1]
    assert failed.ended_verdict == "Failed"
    assert failed.ended_reason.startswith("markets: no answer after 3 tries")
    bot.next_candle()
    result = bot.run()
    assert [row.outcome for row in bot.rows(DecisionRow)] == ["LongSignal", "Missed", "LongSignal"]
    assert result.state.totals.fills == 1


def test_candles_that_go_back_in_time_are_told_and_nothing_is_done(
    exchange: Exchange, store: Store
) -> None:
    bot = bot_of(exchange, store)
    bot.run()
    here = bot.now_ms
    exchange.set_clock(here - DAY_MS)
    bot.decide()
    result = bot.trade()
    assert result.records == result.entries
    assert result.records is not None
    assert result.records.reason == "CandleWentBack"
    assert len(bot.rows(CandleRow)) == 1
    bot.next_candle()
    assert bot.run().records is None
    assert len(bot.rows(CandleRow)) == 2


def test_a_longer_timeframe_is_no_clock_that_went_back(exchange: Exchange, store: Store) -> None:
    bot = bot_of(exchange, store)
    bot.now_ms = bot.now_ms // DAY_MS * DAY_MS + 7 * MINUTE_MS
    exchange.set_clock(bot.now_ms)
    bot.run()
    bot.changes["timeframe"] = "1h"
    result = bot.trade()
    assert result.records is None
    assert len(bot.rows(CandleRow)) == 1


def test_without_room_nothing_is_bought_and_exits_go_on(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = bot_of(exchange, store)
    for _ in range(2):
        bot.run()
        bot.next_candle()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 0, 16 * 2**20 - 1))
    result = bot.run(FALLING)
    assert result.entries is not None
    assert result.entries.reason == "JournalUnavailable"
    for _ in range(2):
        bot.next_candle()
        result = bot.run()
    assert result.state.positions == ()
    assert [fill.side for fill in bot.rows(FillRow)] == ["BUY", "SELL"]
    assert {row.outcome for row in bot.rows(DecisionRow)[-2:]} == {"NoRoom"}


def test_symbols_that_are_paid_for_in_two_assets_are_refused(
    exchange: Exchange, store: Store
) -> None:
    bot = bot_of(exchange, store, symbols=["BTC/USDT", "ETH/EUR", "SOL/USDT"])
    with pytest.raises(ConfigurationError, match=r"symbols: are paid for in USDT and EUR"):
        bot.run()
    assert not store.journal.exists()


def test_a_bot_of_another_name_is_refused_by_name(exchange: Exchange, store: Store) -> None:
    bot = bot_of(exchange, store)
    bot.run()
    before = store.journal.read_bytes()
    other = bot.configuration.model_copy(update={"owner": "phoenix"})
    refused = r"journal of the bot default/bot; give default/phoenix a volume of its own"
    with pytest.raises(ConfigurationError, match=refused):
        trade(other, store, Reporter("Trade", stream=StringIO()))
    assert store.journal.read_bytes() == before
