"""What candles must be to enter the store: a pandera schema that names the rows that are not so.

The data step alone imports this. What serves a model has neither pandas nor pandera: it judges its
window by `check_candles`, and a test holds the two to one another.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from bot_runtime.arrays import Rows
from bot_runtime.market.candles import PRICE_COLUMNS, VALUE_COLUMNS, Candles, row_numbers, utc
from bot_runtime.process.errors import DataUnusableError

_PRICE: Final = pa.Check(
    lambda price: np.isfinite(price) & (price > 0),
    error="prices are positive and finite",
    ignore_na=False,
)
_VOLUME: Final = pa.Check(
    lambda volume: np.isfinite(volume) & (volume >= 0),
    error="0 <= volume < infinity",
    ignore_na=False,
)
_INCREASING: Final = pa.Check(
    lambda times: times.diff().fillna(1) > 0, error="open times increase strictly"
)
# A price that is no number breaks its own column's rule alone.
_HIGH: Final = pa.Check(
    lambda table: ~(table["high"] < table[["open", "close"]].max(axis="columns")),
    error="high >= max(open, close)",
)
_LOW: Final = pa.Check(
    lambda table: ~(table["low"] > table[["open", "close"]].min(axis="columns")),
    error="min(open, close) >= low",
)


def build_schema(interval_ms: int) -> pa.DataFrameSchema:
    """Return the schema of a table with the columns of `Candles`, `interval_ms` apart."""
    grid = pa.Check(
        lambda times: times % interval_ms == 0, error="open times lie on the timeframe's grid"
    )
    columns = {"open_time_ms": pa.Column(np.int64, [grid, _INCREASING])}
    columns |= {name: pa.Column(np.float64, _PRICE, nullable=True) for name in PRICE_COLUMNS}
    columns["volume"] = pa.Column(np.float64, _VOLUME, nullable=True)
    return pa.DataFrameSchema(columns, checks=[_HIGH, _LOW])


def check_schema(candles: Candles, source: str, numbers: Rows | None = None) -> None:
    """Raise DataUnusableError that names every broken rule, its rows, and the remedy.

    `source` says in the message whose candles they are, `numbers` which number each row has in the
    message; without it rows count from 0.
    """
    columns = {name: getattr(candles, name) for name in ("open_time_ms", *VALUE_COLUMNS)}
    try:
        build_schema(candles.interval_ms).validate(pd.DataFrame(columns), lazy=True)
    except SchemaErrors as e:
        raise DataUnusableError(
            f"{source}: {'; '.join(_broken_rules(candles, e.failure_cases, numbers))}; "
            "correct these rows or leave their time out"
        ) from e


def _broken_rules(candles: Candles, failures: pd.DataFrame, numbers: Rows | None) -> Iterator[str]:
    for rule, found in failures.groupby("check", sort=False):
        rows = np.unique(found["index"].to_numpy(dtype=np.int64))
        first = int(rows[0])
        named = rows if numbers is None else numbers[rows]
        values = ", ".join(f"{name} {getattr(candles, name)[first]:g}" for name in VALUE_COLUMNS)
        yield (
            f"{len(rows)} of {len(candles)} rows ({row_numbers(named)}) break '{rule}', the first "
            f"({utc(int(candles.open_time_ms[first]))}) with {values}"
        )
