"""The demo's last chapter on a cluster: from the first decision to a trade that is complete."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.signalstatus import StatusSignal
from bot_runtime.contract.tradingstatus import ActionStatus, TradingStatus

CANDLES: Final = 30
"""Within so many of them a trade comes to its end; two are enough half of the time, six mostly."""
TOLD: Final = (Reason.ENTRY_FILLED, Reason.EXIT_FILLED, Reason.STOP_HIT)
"""Reasons of the Events that tell of purchases and sales."""


@dataclass(slots=True)
class PaperTrade:
    """What a bot's status tells of its trading, looked at again and again.

    Attributes:
        show: is told what has changed: of what, and how it stands now.
    """

    show: Callable[[str, str], None]
    _signals: dict[tuple[str, str], str] = field(default_factory=dict)
    """Decisions with their reasons, by symbol and close of their candle."""
    _entry: ActionStatus | None = None
    _last: ActionStatus | None = None
    _trading: TradingStatus = field(default_factory=TradingStatus)

    def look(self, status: Mapping[str, Any]) -> bool:
        """Take in a status; tell whether a trade is complete."""
        for found in status.get("signals", []):
            signal = StatusSignal.model_validate(found)
            decision = f"{signal.decision}  {signal.reason}"
            self._signals[signal.symbol, signal.bar_close_ts or ""] = decision
            self.show(signal.symbol, decision)
        for condition in status.get("conditions", []):
            if condition["type"] == "TradingAllowed" and condition["status"] == "False":
                self.show("TradingAllowed", f"False: {condition.get('message', '')}")
        if "trading" not in status:
            return False
        self._trading = TradingStatus.model_validate(status["trading"])
        self.show("position", status.get("position", "flat"))
        action = self._trading.last_action
        if action is not None and action != self._last:
            self._last = action
            self.show("last action", _told(action))
            if action.is_purchase:
                self._entry = action
        return self._trading.totals.trades > 0

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield what came of the first trade: a heading and a text each."""
        if self._entry is not None:
            yield "entry", _told(self._entry)
        if self._last is not None and self._last != self._entry:
            yield "exit", _told(self._last)
        # Of an entry and its exit within one candle the status has the exit alone.
        began = self._entry or self._last
        if began is not None and (why := self._signals.get((began.symbol, began.time))):
            yield "why", why
        if self._trading.account is not None:
            account = self._trading.account
            yield "equity", f"{account.equity}, cash {account.cash}, at {self._trading.settled_at}"
        totals = self._trading.totals
        yield "so far", f"{totals.orders} orders, {totals.fills} fills, {totals.trades} trades"


def told_by_events(listed: str) -> list[str]:
    """Return what Events tell of purchases and sales, oldest first; `listed` is kubectl's JSON."""
    events = [event for event in json.loads(listed)["items"] if event["reason"] in TOLD]
    events.sort(key=lambda event: (_time_of(event), event["reason"] != Reason.ENTRY_FILLED))
    return [f"{event['reason']}: {event['message']}" for event in events]


def _time_of(event: Mapping[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _told(action: ActionStatus) -> str:
    profit = "" if action.profit is None else f", profit {action.profit}"
    done = f"{action.purpose} of {action.quantity} {action.symbol} at {action.price}"
    return f"{done}, candle {action.time}{profit}"
