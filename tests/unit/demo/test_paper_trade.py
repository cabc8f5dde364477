"""The demo's paper trade: what is shown of a bot's status while it trades, and of its end."""

import json
from typing import Any

import pytest

from bot_runtime.contract.signalstatus import StatusSignal
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.tradingstatus import (
    AccountStatus,
    ActionStatus,
    TotalsStatus,
    TradingStatus,
)
from demo.paper_trade import PaperTrade, told_by_events

FIRST, SECOND, THIRD = (f"2026-01-02T03:0{n}:00Z" for n in (4, 5, 6))
ENTRY = ActionStatus(
    order="b7", symbol="BTC/USDT", purpose="Entry", quantity="0.02", price="70000", time=FIRST
)
EXIT = ENTRY.model_copy(
    update={"purpose": "Target", "price": "70100", "time": THIRD, "profit": "1.9"}
)
ACCOUNT = AccountStatus(
    equity="10001.9",
    cash="10001.9",
    exposure="0",
    peak="10001.9",
    day_start="10000",
    week_start="10000",
)


def signal(close: str, decision: str, reason: str) -> StatusSignal:
    return StatusSignal.model_validate(
        {
            "symbol": "BTC/USDT",
            "decision": decision,
            "reason": reason,
            "ts": close,
            "barCloseTs": close,
            "modelVersion": "v",
            "gitCommit": "c",
            "runDigest": "d",
            "producedBy": "job",
        }
    )


def status(
    signalled: StatusSignal, action: ActionStatus | None = None, trades: int = 0
) -> dict[str, Any]:
    """Return a status as the operator writes it."""
    trading = TradingStatus(
        settled_at=THIRD,
        account=ACCOUNT,
        last_action=action,
        totals=TotalsStatus(orders=2, fills=2, trades=trades),
    )
    found = TradingBotStatus(signals=(signalled,), trading=trading, position="flat")
    return found.to_json()


LONG = signal(FIRST, "LONG", "LongSignal: probability 0.8")
LATER = signal(SECOND, "NO_TRADE", "ReturnBelowMin: 0.1")


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def trade(shown: list[str]) -> PaperTrade:
    return PaperTrade(lambda subject, text: shown.append(f"{subject}: {text}"))


def test_a_bot_that_has_not_traded_is_looked_at_again(trade: PaperTrade, shown: list[str]) -> None:
    assert not trade.look({})
    assert not trade.look(TradingBotStatus(signals=(LONG,)).to_json())
    assert not trade.look(status(LONG))
    assert shown[-2:] == ["BTC/USDT: LONG  LongSignal: probability 0.8", "position: flat"]


def test_the_end_has_entry_exit_profit_reason_and_equity(
    trade: PaperTrade, shown: list[str]
) -> None:
    assert not trade.look(status(LONG))
    assert not trade.look(status(LATER, ENTRY))
    assert trade.look(status(LATER, EXIT, trades=1))
    assert dict(trade.lines()) == {
        "entry": f"Entry of 0.02 BTC/USDT at 70000, candle {FIRST}",
        "exit": f"Target of 0.02 BTC/USDT at 70100, candle {THIRD}, profit 1.9",
        "why": "LONG  LongSignal: probability 0.8",
        "equity": f"10001.9, cash 10001.9, at {THIRD}",
        "so far": "2 orders, 2 fills, 1 trades",
    }
    assert sum(line.startswith("last action: ") for line in shown) == 2


def test_a_trade_within_one_candle_has_the_reason_of_its_entry(trade: PaperTrade) -> None:
    trade.look(status(LONG))
    assert trade.look(status(LATER, EXIT.model_copy(update={"time": FIRST}), trades=1))
    lines = dict(trade.lines())
    assert "entry" not in lines
    assert lines["why"] == "LONG  LongSignal: probability 0.8"


def test_a_bot_of_an_earlier_run_has_its_last_action(trade: PaperTrade) -> None:
    assert trade.look(status(LATER, ENTRY, trades=3))
    assert [heading for heading, _ in trade.lines()] == ["entry", "equity", "so far"]


def test_what_keeps_purchases_away_is_shown(trade: PaperTrade, shown: list[str]) -> None:
    condition = {"type": "TradingAllowed", "status": "False", "message": "DailyLoss tripped"}
    trade.look({"conditions": [condition, {"type": "Ready", "status": "False"}]})
    assert shown == ["TradingAllowed: False: DailyLoss tripped"]


def test_events_are_told_oldest_first_and_a_purchase_before_its_sale() -> None:
    def event(reason: str, time: str | None, name: str = "lastTimestamp") -> dict[str, Any]:
        return {"reason": reason, "message": f"of {time}", name: time}

    items = [
        event("ExitFilled", FIRST),
        event("EntryFilled", SECOND, "eventTime"),
        event("TrainingStarted", FIRST),
        event("EntryFilled", FIRST),
    ]
    assert told_by_events(json.dumps({"items": items})) == [
        f"EntryFilled: of {FIRST}",
        f"ExitFilled: of {FIRST}",
        f"EntryFilled: of {SECOND}",
    ]
