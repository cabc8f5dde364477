"""A user's own candles, compared with the exchange's before they are learned from."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.paging import PAGE
from bot_runtime.market.agreement import compare
from bot_runtime.market.candles import leave_out_broken, merge, utc
from bot_runtime.market.own_candles import OwnCandles, read_own_candles
from bot_runtime.process.reporting import Reporter


def take_own(
    client: ExchangeClient,
    symbol: str,
    files: Sequence[Path],
    span: tuple[int, int],
    reporter: Reporter,
) -> OwnCandles | None:
    """Return the user's candles that open in [start, end) ms; None where there are no files.

    Three pages of them are asked of the exchange: the first, the middle one and the last. The last
    candle may have been written before it closed: the exchange's stands in its place, and where
    the exchange has none, it is left out. Raises DataUnusableError where a file is broken or
    disagrees with the exchange, and ArtifactInvalidError for one that cannot be read.
    """
    if not files:
        return None
    own = read_own_candles(files, symbol, client.interval_ms)
    for note in own.notes:
        reporter.note(f"{own.file}: {note}")
    times = own.candles.open_time_ms
    inside = own.candles[slice(*np.searchsorted(times, span))]
    if len(inside) == 0:
        held, wanted = f"{utc(int(times[0]))} to {utc(int(times[-1]))}", f"{utc(span[0])} on"
        reporter.warn(f"{own.file}: not used: it holds {held}, the training learns from {wanted}")
        return replace(own, candles=inside)
    first, end = int(inside.open_time_ms[0]), int(inside.close_time_ms[-1])
    pages = _pages(first, end, PAGE * client.interval_ms)
    theirs = leave_out_broken(merge([client.candles(symbol, *page) for page in pages]))
    compared = compare(own.candles, theirs, own.file, client.name)
    if compared:
        reporter.note(f"{own.file}: {compared:,} candles compared with those of {client.name}")
    else:
        reporter.warn(f"{own.file}: unchecked: {client.name} has none of its candles")
    newest = theirs[theirs.open_time_ms == inside.open_time_ms[-1]]
    return replace(own, candles=merge([inside[:-1], newest]))


def _pages(first_ms: int, end_ms: int, page_ms: int) -> list[tuple[int, int]]:
    """Return at most three pages of a span: its beginning, its middle and its end."""
    if end_ms - first_ms <= 3 * page_ms:
        return [(first_ms, end_ms)]
    middle = (first_ms + (end_ms - first_ms - page_ms) // 2) // page_ms * page_ms
    return [(first_ms, first_ms + page_ms), (middle, middle + page_ms), (end_ms - page_ms, end_ms)]
