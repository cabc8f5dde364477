"""What a run has done, in words for people, and how several of them become one message. Pure."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from bot_runtime.contract.trading_words import tell_action, tell_reset, tell_tripped
from bot_runtime.journal.entries import OutboxRow
from bot_runtime.market.candles import ms_of
from bot_runtime.trading.session import Taken

NEWS_MAX: Final = 1_000
"""Characters of one piece of news."""
MESSAGE_MAX: Final = 4_096
"""Characters of a message that Telegram takes; it counts those beyond U+FFFF twice."""


class Message(NamedTuple):
    """One message, and the keys of the news in it."""

    text: str
    keys: tuple[str, ...]


def news_of(taken: Taken, why: Callable[[str], str | None]) -> Iterator[OutboxRow]:
    """Yield what a run has bought and sold, and which limits have tripped or were reset.

    `why` gives the reason of the decision that an order was placed on, by the order's id.
    """
    for fill, action in zip(taken.rows.fills, taken.actions, strict=True):
        text, reason = tell_action(action), why(action.order) if action.is_purchase else None
        told = text if reason is None else f"{text}; {reason}"
        yield news("Fill", f"fill {fill.symbol} {fill.trade_id}", told, fill.at_ms)
    for limit in taken.tripped:
        key = f"limit {limit.limit} {limit.symbol} tripped {limit.tripped_at}"
        yield news("Limit", key, tell_tripped(limit), ms_of(limit.tripped_at))
    settled_ms = max((candle.candle_ms for candle in taken.rows.candles), default=0)
    for limit in taken.reset:  # resumeAfter may name a time of long ago, and is news now
        key = f"limit {limit.limit} {limit.symbol} reset {limit.tripped_at}"
        yield news("Limit", key, tell_reset(limit), settled_ms)


def news(kind: str, key: str, text: str, at_ms: int) -> OutboxRow:
    """Return a piece of news as it waits to be sent."""
    return OutboxRow(key, kind, text[:NEWS_MAX], at_ms)


def messages_of(heading: str, rows: Iterable[OutboxRow]) -> list[Message]:
    """Return news in as few messages as they fit into, each below the heading, in their order."""
    found: list[Message] = []
    for row in rows:
        last = found[-1] if found else None
        longer = None if last is None else f"{last.text}\n{row.text}"
        if last is None or longer is None or _length(longer) > MESSAGE_MAX:
            found.append(Message(f"{heading}\n{row.text}", (row.key,)))
        else:
            found[-1] = Message(longer, (*last.keys, row.key))
    return found


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
