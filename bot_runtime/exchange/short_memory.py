"""Recognise an exchange that gives the newest candles alone, whatever is asked.

Kraken gives 720 of each timeframe, gemini a day of 1m. A market that is young looks the same, but
for this: it has no older candles at a coarser timeframe either.
"""

from typing import Final

import numpy as np

from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.market.candles import Candles, utc
from bot_runtime.store.layout import file_stem

_WORTH_ASKING: Final = 20
"""Candles that are missing in a row at least."""


def describe_short_memory(
    client: ExchangeClient, symbol: str, rows: Candles, span: tuple[int, int]
) -> str:
    """Return what the exchange does not give of a span [start, end) in ms, and what helps.

    Empty where nothing long is missing before the newest candles, or the market was not traded
    then. `rows` are those known of the span, whoever gave them.
    """
    opens = rows.open_time_ms if len(rows) else np.array([span[1]])
    closes = np.concatenate(([span[0]], rows.close_time_ms))[: len(opens)]
    widest = int(np.argmax(opens - closes))
    begin_ms, end_ms = int(closes[widest]), int(opens[widest])
    if end_ms - begin_ms < _WORTH_ASKING * client.interval_ms:
        return ""
    if not client.has_coarser(symbol, begin_ms, end_ms):
        return ""
    file = f"candles/{file_stem(symbol)}-{client.timeframe}.csv"
    return (
        f"{client.name} gives no candles of {client.timeframe} before {utc(end_ms)}, whatever is "
        f"asked: put older ones into {file}, or take a coarser timeframe, "
        "which reaches further back"
    )
