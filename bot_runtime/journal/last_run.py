"""What the newest run has written, for those who look on."""

from typing import NamedTuple

from bot_runtime.journal.entries import DecisionRow
from bot_runtime.journal.order_entries import FillRow, OrderRow, TradeRow
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.row_coding import TABLES, EntryT, sorted_query_of


class LastRun(NamedTuple):
    """Rows of one run; there are none where nothing was left to be done.

    Attributes:
        decisions: of every candle that it has settled, by symbol and time.
    """

    decisions: tuple[DecisionRow, ...] = ()
    orders: tuple[OrderRow, ...] = ()
    fills: tuple[FillRow, ...] = ()
    trades: tuple[TradeRow, ...] = ()


def last_run(reader: Reader) -> LastRun:
    """Return what the newest run has written; raises StoreUnavailableError."""
    run_id = reader.identity.sequence

    def rows(kind: type[EntryT]) -> tuple[EntryT, ...]:
        of_run = TABLES[kind].c.run_id == run_id
        return tuple(reader.read(kind, sorted_query_of(kind).where(of_run)))

    return LastRun(rows(DecisionRow), rows(OrderRow), rows(FillRow), rows(TradeRow))
