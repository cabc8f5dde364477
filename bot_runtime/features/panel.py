"""Features of several symbols together: where the market went, and how a symbol stands to it.

The market of a symbol is the mean over the other symbols whose own window is whole at that close;
where there is none, the symbol itself stands for it. So a symbol that is not delivered changes
these few numbers, in training as at inference, and never keeps another one from a prediction.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.features.indicators import FEATURES, compute_features
from bot_runtime.market.candles import Candles

_OF_THE_MARKET: Final = ("return_1", "return_5", "return_20", "volatility_20")
CROSS_FEATURES: Final[tuple[str, ...]] = (
    *(f"market_{name}" for name in _OF_THE_MARKET),
    "relative_return_20",
)
"""Columns that follow FEATURES where there is more than one symbol."""


def feature_names(symbols: int) -> tuple[str, ...]:
    """Return the columns of a model over so many symbols."""
    return FEATURES + (CROSS_FEATURES if symbols > 1 else ())


def compute_panel(candles: Mapping[str, Candles], names: tuple[str, ...]) -> dict[str, Values]:
    """Return the features of every candle by symbol: (n, len(names)), as `feature_names` has them.

    Every row is computed from candles that closed no later than its own.
    """
    own = {symbol: compute_features(part) for symbol, part in candles.items()}
    if names == FEATURES:
        return own
    market = _market(candles, own)
    relative = FEATURES.index("return_20"), _OF_THE_MARKET.index("return_20")
    return {
        symbol: np.column_stack(
            [part, market[symbol], part[:, relative[0]] - market[symbol][:, relative[1]]]
        )
        for symbol, part in own.items()
    }


def _market(candles: Mapping[str, Candles], own: Mapping[str, Values]) -> dict[str, Values]:
    """Return the means over the other symbols, (n, len(_OF_THE_MARKET)) by symbol."""
    columns = [FEATURES.index(name) for name in _OF_THE_MARKET]
    times = np.unique(np.concatenate([part.open_time_ms for part in candles.values()]))
    total, count = np.zeros((len(times), len(columns))), np.zeros((len(times), 1))
    at = {symbol: np.searchsorted(times, part.open_time_ms) for symbol, part in candles.items()}
    parts = {symbol: own[symbol][:, columns] for symbol in candles}
    whole = {symbol: np.asarray(np.isfinite(part).all(axis=1)) for symbol, part in parts.items()}
    for symbol, part in parts.items():
        total[at[symbol][whole[symbol]]] += part[whole[symbol]]
        count[at[symbol][whole[symbol]]] += 1
    market = {}
    for symbol, part in parts.items():
        others = count[at[symbol]] - whole[symbol][:, None]
        rest = total[at[symbol]] - np.where(whole[symbol][:, None], part, 0.0)
        market[symbol] = np.where(others > 0, rest / np.maximum(others, 1), part)
        market[symbol][~whole[symbol]] = np.nan
    return market
