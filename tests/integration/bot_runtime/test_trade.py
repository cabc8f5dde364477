"""A paper account on a real test exchange: the signals of inference become orders and fills."""

import time
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bot_runtime.contract.names import ENV_POD_UID, ENV_TELEGRAM
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.traderesult import TradeResult
from bot_runtime.exchange.retries import Patience
from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import DecisionRow, EquityRow, OutboxRow
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.order_entries import FillRow, LedgerRow, TradeRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps.infer import infer
from bot_runtime.steps.trade import trade
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.telegram_server import telegram_server
from tests.unit.bot_runtime.markets import bot_spec, inference_configuration, publish_version

QUICK = Patience(wait_seconds=0.5, jitter_seconds=0.0, timeout_seconds=0.4)
EAGER: dict[str, Any] = {
    # No stop is near enough for the generated market, which follows the real clock.
    "risk": {"stopLoss": {"min": 0.5, "max": 0.9}},
    "decision": {"riskMax": 1, "probMin": 0.5, "minExpectedReturn": 0, "feesBps": 0},
    "execution": {"deadlineSeconds": 11},
    "model": {"horizonSteps": 3},
}


class Paper:
    """A bot that decides and trades, each candle in a pod of its own."""

    def __init__(
        self, exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch, **changes: Any
    ) -> None:
        self.exchange, self.store, self.monkeypatch = exchange, store, monkeypatch
        spec = bot_spec(exchange.url, **{**EAGER, **changes})
        version = publish_version(store, spec, score=3.0)
        self.configuration: RunConfiguration = inference_configuration(spec, version)
        self.now_ms = exchange.stop_clock() - MINUTE_MS
        self.next_candle()

    def next_candle(self) -> None:
        self.now_ms += MINUTE_MS
        self.exchange.set_clock(self.now_ms)
        self.monkeypatch.setenv(ENV_POD_UID, str(uuid4()))

    def infer(self) -> None:
        infer(self.configuration, self.store, Reporter("Inference", stream=StringIO()), QUICK)

    def trade(self) -> TradeResult:
        return trade(self.configuration, self.store, Reporter("Trade", stream=StringIO()))

    @property
    def database(self) -> Database:
        return SqliteFile(self.store.journal)

    def rows(self, kind: Any) -> list[Any]:
        with read_journal(self.database) as journal:
            return list(journal.all(kind))


@pytest.fixture
def paper(exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch) -> Paper:
    return Paper(exchange, store, monkeypatch)


def test_a_long_signal_is_bought_at_the_next_open_and_sold_in_time(paper: Paper) -> None:
    paper.infer()
    first = paper.trade()
    assert first.state.positions == ()
    assert first.state.totals.orders == 1
    assert first.entries is None
    paper.next_candle()
    (position,) = paper.trade().state.positions
    assert position.symbol == "BTC/USDT"
    assert Decimal(position.quantity) > 0
    for _ in range(2):
        paper.next_candle()
        paper.trade()
    paper.next_candle()
    last = paper.trade()
    assert last.state.positions == ()
    assert last.state.last_action is not None
    assert last.state.last_action.purpose == "Time"
    assert last.state.totals.trades == 1
    buy, sell = paper.rows(FillRow)
    (trade_row,) = paper.rows(TradeRow)
    assert sell.at_ms - buy.at_ms == 3 * MINUTE_MS
    assert trade_row.profit == sell.quote_quantity - buy.quote_quantity
    ledger = [row.delta for row in paper.rows(LedgerRow) if row.asset == "USDT"]
    assert sum(ledger) == paper.rows(EquityRow)[-1].equity == 10_000 + trade_row.profit
    outcomes = [row.outcome for row in paper.rows(DecisionRow)]
    assert outcomes == ["LongSignal", *["NoSignal"] * 4]


def test_a_run_of_the_same_candle_changes_nothing(paper: Paper) -> None:
    paper.infer()
    first = paper.trade()
    again = paper.trade()
    assert again.state.totals == first.state.totals
    assert again.state.account == first.state.account
    assert again.state.journal is not None
    assert first.state.journal is not None
    assert again.state.journal.sequence == first.state.journal.sequence + 1


def test_a_run_without_signals_waits_and_buys_nothing(paper: Paper) -> None:
    began = time.monotonic()
    result = paper.trade()
    assert time.monotonic() - began > 0.9, "a second is left of its deadline but for the spare ones"
    assert result.entries is not None
    assert result.entries.reason == "SignalMissing"
    assert [row.outcome for row in paper.rows(DecisionRow)] == ["NoSignal"]


def test_what_is_bought_is_told_after_the_last_commit_and_once(
    paper: Paper, tmp_path: Path
) -> None:
    with telegram_server() as telegram:
        paper.monkeypatch.setenv(ENV_TELEGRAM, str(telegram.mount(tmp_path / "telegram")))
        paper.infer()
        paper.trade()
        paper.next_candle()
        telegram.always = "error"
        paper.trade()
        (row,) = paper.rows(OutboxRow)
        assert (row.kind, row.attempts, row.sent_ms) == ("Fill", 1, None)
        telegram.always = None
        paper.trade()
        paper.trade()
        (message,) = telegram.messages
    (row,) = paper.rows(OutboxRow)
    assert (row.attempts, message.split("\n")[1]) == (2, row.text)
    assert row.sent_ms is not None
