"""A user's own candles, compared with the exchange's before they are learned from."""

from dataclasses import replace
from typing import Final

import numpy as np

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.paging import PAGE
from bot_runtime.market.agreement import VOLUMES_ALIKE, Comparison, compare
from bot_runtime.market.candle_folder import CandleFolder
from bot_runtime.market.candles import Candles, leave_out_broken, utc
from bot_runtime.market.own_candles import OwnCandles, read_own_candles
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.process.reporting import Reporter

_BETWEEN_PAGES_MS: Final = 60 * DAY_MS
"""Of a long file a page is compared in every two months: one of summer time, one of winter time."""
_FEWEST_PAGES, _MOST_PAGES = 3, 40


def take_own(
    client: ExchangeClient,
    symbol: str,
    folder: CandleFolder,
    span: tuple[int, int],
    reporter: Reporter,
) -> OwnCandles | None:
    """Return the user's candles that open in [start, end) ms; None where there are no files.

    Pages of them are asked of the exchange. The last candle of a file may have been written before
    it closed: it is left out, so that the exchange is asked for it. Raises DataUnusableError where
    a file is broken or disagrees with the exchange, and ArtifactInvalidError for one that cannot
    be read.
    """
    files = folder.files.get(symbol)
    if not files:
        return None
    own = read_own_candles(files, symbol, client.interval_ms, folder.root)
    for note in own.notes:
        reporter.note(f"{own.file}: {note}")
    times = own.candles.open_time_ms
    _refuse_future(own, span[1] + client.interval_ms)
    inside = own.candles.between(*span)
    if len(inside) == 0:
        held, wanted = f"{utc(int(times[0]))} to {utc(int(times[-1]))}", f"{utc(span[0])} on"
        reporter.warn(f"{own.file}: not used: it holds {held}, the training learns from {wanted}")
        return replace(own, candles=inside)
    pages = _ask(client, symbol, inside, span[1])
    _report(compare(own.candles, pages, own.file, client.name), own.file, client.name, reporter)
    return replace(own, candles=inside[~np.isin(inside.open_time_ms, own.last_ms)])


def _refuse_future(own: OwnCandles, end_ms: int) -> None:
    later = own.candles.open_time_ms >= end_ms
    if later.any():
        first = utc(int(own.candles.open_time_ms[int(np.argmax(later))]))
        raise DataUnusableError(
            f"{own.file}: {int(later.sum())} candles open after now, the first at {first}; correct "
            "their times, or write them in UTC"
        )


def _ask(client: ExchangeClient, symbol: str, inside: Candles, now_ms: int) -> list[Candles]:
    """Return pages of the exchange, evenly apart, the file's begin and end among them.

    Of a short file all is asked for, and a day before and after it, so that a shift can be seen:
    as one page, and once more in parts.
    """
    interval_ms, page_ms = client.interval_ms, PAGE * client.interval_ms
    first, end = int(inside.open_time_ms[0]), int(inside.close_time_ms[-1])
    count = int(np.clip((end - first) // _BETWEEN_PAGES_MS + 1, _FEWEST_PAGES, _MOST_PAGES))
    if end - first > count * page_ms:
        begins = np.linspace(first, end - page_ms, count).astype(np.int64) // interval_ms
        spans = [(int(i) * interval_ms, int(i) * interval_ms + page_ms) for i in begins]
        return [leave_out_broken(client.candles(symbol, *span)) for span in spans]
    margin = max(DAY_MS // interval_ms, 1) * interval_ms
    whole = client.candles(symbol, first - margin, min(end + margin, now_ms))
    whole = leave_out_broken(whole)
    return [whole, *(whole[i : i + PAGE] for i in range(0, len(whole), PAGE))]


def _report(compared: Comparison, file: str, exchange: str, reporter: Reporter) -> None:
    if compared.closes == 0:
        reporter.warn(f"{file}: unchecked: {exchange} has none of its candles")
        return
    few = "" if compared.is_enough else ", too few to check their times"
    reporter.note(f"{file}: {compared.closes:,} candles compared with those of {exchange}{few}")
    if not 1 / VOLUMES_ALIKE < compared.volumes < VOLUMES_ALIKE:
        reporter.warn(
            f"{file}: volumes are {compared.volumes:.3g} times those of {exchange}: are they of "
            "the base currency?"
        )
