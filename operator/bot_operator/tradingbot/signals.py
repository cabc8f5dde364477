"""The signals of a bot's status: the newest of every symbol, what they say of feed and drift."""

from collections.abc import Iterable
from datetime import datetime

from bot_operator.api.resources import from_time
from bot_operator.planning.conditions import CLOCKS_DIFFER
from bot_runtime.contract.signal import FEED_REASONS
from bot_runtime.contract.signalstatus import StatusSignal


def is_feed_trouble(signal: StatusSignal) -> bool:
    """Tell whether a decision was taken for the feed's sake."""
    return signal.decision_reason in FEED_REASONS


def drift_since(known: str | None, signals: Iterable[StatusSignal]) -> str | None:
    """Return since which decision some symbol has drifted, `known` where it did before."""
    drifting = [signal.ts for signal in signals if signal.drift is not None]
    return (known or min(drifting)) if drifting else None


def merge_signals(
    known: Iterable[StatusSignal],
    found: Iterable[StatusSignal],
    symbols: Iterable[str],
    now: datetime,
) -> tuple[StatusSignal, ...]:
    """Return the newest signal of every symbol, in the order of `symbols`.

    One that nobody can have decided yet would stand in the way of all that follow: it is left out.
    """
    newest: dict[str, StatusSignal] = {}
    for signal in (*known, *found):
        if from_time(signal.ts) > now + CLOCKS_DIFFER:
            continue
        before = newest.get(signal.symbol)
        if before is None or signal.ts >= before.ts:
            newest[signal.symbol] = signal
    return tuple(newest[s] for s in symbols if s in newest)
