"""All candles of a span of time, in as many pages as it takes; what is known is not asked for."""

from collections.abc import Callable
from typing import Final

from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.paging import PAGE
from bot_runtime.market.candles import Candles, Gap, find_gaps, from_rows, leave_out_broken, merge

PAGES_BETWEEN_SAVES: Final = 50
"""An attempt that is ended loses no more pages than these."""


def fetch_symbol(
    client: ExchangeClient,
    symbol: str,
    span: tuple[int, int],
    known: Candles | None,
    save: Callable[[Candles], None],
) -> Candles:
    """Return the rows that open in [start, end) ms, asking for what is not `known` only.

    Rows that cannot be candles are among them. `save` is given the candles that there are after
    every PAGES_BETWEEN_SAVES pages.
    """
    start_ms, end_ms = span
    candles = from_rows([], client.interval_ms)
    asked = [span]
    if known is not None:
        candles = known.between(*span)
        if len(candles):
            first, last = int(candles.open_time_ms[0]), int(candles.close_time_ms[-1])
            asked = [(start_ms, first), (last, end_ms)]
    stretch = PAGES_BETWEEN_SAVES * PAGE * client.interval_ms
    for begin, stop in asked:
        for cursor in range(begin, stop, stretch):
            more = client.candles(symbol, cursor, min(cursor + stretch, stop))
            candles = merge([candles, more])
            if cursor + stretch < stop and len(candles):
                save(leave_out_broken(candles))
    return candles


def repair_gaps(client: ExchangeClient, symbol: str, rows: Candles) -> Candles:
    """Return the rows, every hole asked for once more, and every row that cannot be a candle.

    What the exchange never had stays missing; what it has spoilt twice stays among the rows.
    """
    candles = leave_out_broken(rows)
    spans = spans_of(find_gaps(candles), candles.interval_ms)
    again = [client.candles(symbol, start_ms, end_ms) for start_ms, end_ms in spans]
    return merge([rows, *again, candles])


def spans_of(gaps: tuple[Gap, ...], interval_ms: int) -> list[tuple[int, int]]:
    """Return spans [start, end) in ms that cover the gaps; close ones share one page's request."""
    spans: list[tuple[int, int]] = []
    for gap in gaps:
        end_ms = gap.start_ms + gap.missing * interval_ms
        if spans and end_ms - spans[-1][0] <= PAGE * interval_ms:
            spans[-1] = (spans[-1][0], end_ms)
        else:
            spans.append((gap.start_ms, end_ms))
    return spans
