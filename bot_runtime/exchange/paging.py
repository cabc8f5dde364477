"""A span of candles, asked for page by page, so that none that the exchange has is lost.

Exchanges differ in what a page is. Asked for N candles from a time on, they give

- the first N that exist from there on, however far they reach (binance),
- those of the span that N candles fill, none where nothing was traded (coinbase),
- either of both, but fewer than N or of a shorter span than ccxt says (mexc),
- the newest of that span where they are more than it gives at once (bitget), or
- the newest N of all, whatever is asked (kraken).

So a short page is no end, and a page without candles says nothing of what is after it. The next
page begins after the newest candle that came of what was asked, else after what was asked. What is
absent before the oldest one that came is asked for once more.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from bot_runtime.arrays import Values

PAGE: Final = 1000
"""Candles asked for at once at most."""
_DENSE: Final = 5
"""Candles at the begin of a page, none of them missing, that show a lively market."""
_SHORTER: Final = {"bullish": 100, "mexc": 500}
"""Candles of a page where ccxt knows of more than its own request asks for."""
_TOLD_THE_END: Final = (
    *("bingx", "bitrue", "deepcoin", "hollaex", "htx"),
    *("hyperliquid", "indodax", "nado", "revolutx", "zebpay"),
)
"""Exchanges that give the newest candles from a time on, up to the present, unless told an end."""

Span = tuple[int, int]
"""Times [begin, end) in ms."""
Ask = Callable[[int, int], Values]
"""Returns the rows (n, 6) of one page: since when in ms, and how many candles."""


def page_limit(client: Any) -> int:
    """Return how many candles an exchange gives at once, as far as ccxt knows; at most PAGE."""
    known = client.feature_value_by_type("spot", None, "fetchOHLCV", "limit")
    return min(PAGE, known or PAGE, _SHORTER.get(client.id, PAGE))


def page_params(client: Any, since_ms: int, limit: int, interval_ms: int) -> dict[str, int]:
    """Return what the request for a page needs besides since when and how many."""
    if client.id not in _TOLD_THE_END:
        return {}
    return {"until": since_ms + limit * interval_ms - 1}


def read_span(ask: Ask, span: Span, interval_ms: int, limit: int) -> Values:
    """Return the rows (n, 6) that open in the span, in any order, some of them twice.

    `limit`: candles that are asked for at once. Where candles follow at once upon a page without
    any, that page may have been shorter than asked: it is asked for again, in halves. (The last
    page has nothing after it that could show this.)
    """
    pages = [np.empty((0, 6))]
    left = [(span, limit)] if span[0] < span[1] else []  # what is next stands last
    empty: Span | None = None
    while left:
        (begin, end), limit = left.pop()
        asked = begin, min(end, begin + limit * interval_ms)
        page = ask(begin, (asked[1] - begin) // interval_ms)
        pages.append(page)
        times = np.sort(page[:, 0]) // interval_ms * interval_ms  # of rows off the grid as well
        times = times[times >= begin]
        left += [(rest, limit) for rest in _left_of(asked, end, times, interval_ms)]
        if empty and empty[1] == begin and limit > 1 and _is_dense(times, asked, interval_ms):
            left.append(((empty[0], begin + interval_ms), limit // 2))
        empty = asked if len(times) == 0 else None
    rows = np.concatenate(pages)
    return rows[(rows[:, 0] >= span[0]) & (rows[:, 0] < span[1])]


def _left_of(asked: Span, end: int, times: Values, interval_ms: int) -> list[Span]:
    """Return what is still to be asked for up to `end`, the next span last.

    `times`: opening times that came, sorted.
    """
    inside = times[times < asked[1]]
    if len(inside):
        spans = [(int(inside[-1]) + interval_ms, end), (asked[0], int(inside[0]))]
    else:
        spans = [(int(times[0]) if len(times) else asked[1], end)]
    return [(begin, end) for begin, end in spans if begin < end]


def _is_dense(times: Values, asked: Span, interval_ms: int) -> bool:
    expected = np.arange(*asked, interval_ms)[:_DENSE]
    return np.array_equal(times[: len(expected)], expected)
