"""What is stored on change: rows that say what the newest one before them says are left out."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from bot_runtime.journal.entries import DecisionRow, Rows
from bot_runtime.journal.interned_names import InternedNames
from bot_runtime.journal.row_coding import EntryT
from bot_runtime.journal.tables import candles, runs

_Told = tuple[str | None, ...]


def changes(given: Iterable[EntryT], newest: EntryT | None) -> Iterator[EntryT]:
    """Yield the rows that differ from the one before in more than their candle."""
    for row in given:
        if newest is None or row[1:] != newest[1:]:
            yield row
        newest = row


def explained(
    rows: Rows, run_id: int, connection: Connection, names: InternedNames
) -> Iterator[DecisionRow]:
    """Yield the decisions whose explanation is stored.

    Those are the ones that an order follows, and those that differ from the decision before in
    outcome, view or regime, or are the first of a run configuration.
    """
    ordered = {(order.symbol, order.candle_ms) for order in rows.orders}
    by_candle = sorted(rows.decisions, key=attrgetter("symbol", "candle_ms"))
    for symbol, decisions in groupby(by_candle, attrgetter("symbol")):
        before: _Told | None = None
        for n, decision in enumerate(decisions):
            if n == 0:
                before = _before(decision, run_id, connection, names)
            told = (decision.outcome, decision.side, decision.regime)
            if told != before or (symbol, decision.candle_ms) in ordered:
                yield decision
            before = told


def _before(
    decision: DecisionRow, run_id: int, connection: Connection, names: InternedNames
) -> _Told | None:
    """Return what was told one decision earlier; None where that had another configuration."""
    earlier = (
        select(candles.c.outcome, candles.c.side, candles.c.regime, runs.c.configuration_id)
        .join_from(candles, runs)
        .where(
            candles.c.symbol == names.find(decision.symbol),
            candles.c.candle_ms < decision.candle_ms,
            candles.c.outcome.is_not(None),
        )
        .order_by(candles.c.candle_ms.desc())
        .limit(1)
    )
    found = connection.execute(earlier).one_or_none()
    own = select(runs.c.configuration_id).where(runs.c.run_id == run_id)
    if found is None or found.configuration_id != connection.scalar(own):
        return None
    words: list[Any] = list(found)[:3]
    return tuple(None if word is None else names.word(word) for word in words)
