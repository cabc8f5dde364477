"""What a run has to tell: written with what it tells of, and sent after that was committed.

A message whose answer does not come may arrive twice; none is lost within a day.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from bot_runtime.contract.intervals import DAY_MS, HOUR_MS
from bot_runtime.contract.signal import signal_in
from bot_runtime.contract.traderesult import NO_MESSAGES
from bot_runtime.journal.entries import OutboxRow
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.journal.writing import Journal
from bot_runtime.notices.messages import messages_of, news_of
from bot_runtime.notices.sending import SECONDS, send
from bot_runtime.notices.telegram import Telegram
from bot_runtime.notices.version_news import rejected_news, served_news
from bot_runtime.process.errors import StoreUnavailableError
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.layout import Store
from bot_runtime.trading.session import Taken

NEEDED_SECONDS: Final = SECONDS + 2.0
"""What must be left of a run's deadline: to send in, and to end in."""
PATIENCE: Final = 5
"""Runs that have tried in vain to reach Telegram before that is more than a line of the log."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """The news of one run of a bot that somebody wants to be told of."""

    telegram: Telegram
    journal: Journal
    store: Store
    reporter: Reporter

    def rows(self, taken: Taken, before: RunRow | None, served: str) -> tuple[OutboxRow, ...]:
        """Return what is new and not older than a day.

        `before` is the run before that did its work, and `served` the version of this one.
        """
        now_ms = _now_ms()
        since_ms = now_ms - DAY_MS
        begun_ms = self.journal.identity.created_ms  # before that nothing was served
        found = [
            *served_news(before, served, self.store, now_ms),
            *rejected_news(served, self.store, max(since_ms, begun_ms)),
            *news_of(taken, lambda order: self._why(taken, order)),
        ]
        recent = {row.key: row for row in found if row.created_ms >= since_ms}
        known = self.journal.known_news(recent) if recent else set()
        return tuple(row for key, row in recent.items() if key not in known)

    def send(self, seconds_left: float) -> None:
        """Send what waits, unless too little is left of the run's deadline; nothing is raised."""
        if seconds_left < NEEDED_SECONDS:
            self.reporter.log("messages wait", seconds_left=round(seconds_left, 1))
            return
        with suppress(StoreUnavailableError):  # the next run sends them, perhaps again
            now_ms = _now_ms()
            waiting = self.journal.unsent(now_ms - DAY_MS)
            if any(_is_due(row, now_ms) for row in waiting):
                self._send(waiting)
            elif waiting:
                self.reporter.warn(
                    f"{NO_MESSAGES}Telegram has taken none of {len(waiting)} news; they are tried "
                    "again within the hour, or with the next news"
                )

    def _send(self, waiting: Iterable[OutboxRow]) -> None:
        attempts = {row.key: row.attempts for row in waiting}
        owner = self.journal.identity.owner
        heading = f"{owner.namespace}/{owner.bot} ({owner.mode.lower()})"
        for message, answer in send(self.telegram, messages_of(heading, waiting)):
            self.journal.note_attempt(message.keys, _now_ms() if answer.is_sent else None)
            if answer.is_sent:
                self.reporter.log("message sent", news=len(message.keys))
            elif answer.is_refused or attempts[message.keys[0]] >= PATIENCE:
                self.reporter.warn(f"{NO_MESSAGES}Telegram {answer.why}")
            else:
                self.reporter.log("message waits", why=f"Telegram {answer.why}")

    def _why(self, taken: Taken, order_id: str) -> str | None:
        """Return why an order was placed: the signal's reason."""
        placed = {order.client_order_id: order for order in taken.rows.orders}
        order = placed.get(order_id) or self.journal.order(order_id)
        if order is None:
            return None
        decided = {(row.symbol, row.candle_ms): row for row in taken.rows.decisions}
        at = (order.symbol, order.candle_ms)
        decision = decided.get(at) or self.journal.decided(*at)
        if decision is None or decision.reason is None:
            return None
        return signal_in(decision.reason)


def _is_due(row: OutboxRow, now_ms: int) -> bool:
    """Tell whether news is to be tried: at first by every run, then once an hour.

    What arrives although its answer never does would else arrive at every candle of a day.
    """
    return row.attempts <= PATIENCE + (now_ms - row.created_ms) // HOUR_MS


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
