"""What a version is watched by: the rows that it was judged on, and how far weeks before differ."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Counts, Values
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.serving.drift import (
    BINS,
    BLOCKS,
    PREDICTIONS,
    PSI_LIMIT,
    Column,
    Reference,
    bin_rows,
    count_bins,
    stability,
)
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.version import ServedVersion

WEEK_MS: Final = 7 * 86_400_000
LEAST_ROWS: Final = 210
"""A week of hourly candles is too few for ten bins."""
_INNER: Final = np.arange(1, BINS) / BINS


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """What came before the rows that a version was judged on, sorted by time and finite.

    Attributes:
        features: (m, F), all of them.
        predictions: (k, P) at rows that no model was fitted to, though chosen by: of those it was
            fitted to it is too sure.
    """

    features: Values
    predictions: Values


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """What a version is watched by.

    Attributes:
        found: each symbol's reference.
        lacking: of the other symbols, how many times as long their history would have to be.
    """

    found: dict[str, Reference]
    lacking: dict[str, float]


def build_references(version: ServedVersion, data: TrainingData, served: Predictions) -> References:
    """Return each symbol's reference; none for one whose history is too short to set limits.

    `served` are the version's predictions at the unseen rows, before their bands adapt.
    """
    block_rows = max(math.ceil(WEEK_MS / data.interval_ms), LEAST_ROWS) // BLOCKS
    splits = data.splits
    earlier = np.concatenate([splits.selection, splits.calibration])
    told = version.predict_rows(data.features, data.closes, earlier)
    parts = (
        (splits.test, np.column_stack([data.features[splits.test], *_columns(served)])),
        (splits.before_test, data.features[splits.before_test]),
        (earlier, np.column_stack(_columns(told))),
    )
    references = References({}, {})
    for i, symbol in enumerate(data.symbols):
        judged, features, predictions = (table[data.symbol[rows] == i] for rows, table in parts)
        shortest = min(len(judged) // 2, len(features), len(predictions))
        if shortest >= BLOCKS * block_rows:
            before = Before(features, predictions)
            names = version.manifest.inputs.features
            references.found[symbol] = build_reference(judged, before, names, block_rows)
        else:
            references.lacking[symbol] = BLOCKS * block_rows / max(shortest, 1)
    return references


def build_reference(
    rows: Values, before: Before, names: tuple[str, ...], block_rows: int
) -> Reference:
    """Return the reference of rows (n, F + P) of the features `names` and the predictions.

    A limit is the largest PSI of a window before the rows; for predictions also of a window among
    them against the others.
    """
    edges = np.quantile(rows, _INNER, axis=0).T
    bins = bin_rows(edges, rows)
    counts, features = count_bins(bins), len(names)
    own, told = counts[:features], counts[features:]
    seen = _windows(bin_rows(edges[:features], before.features), block_rows)
    earlier = _windows(bin_rows(edges[features:], before.predictions), block_rows)
    among = _windows(bins[:, features:], block_rows)
    columns = zip((*names, *PREDICTIONS), edges.tolist(), counts.tolist(), strict=True)
    return Reference(
        block_rows=block_rows,
        columns=tuple(Column(name=name, edges=e, counts=c) for name, e, c in columns),
        feature_limit=_limit(stability(own, seen)),
        prediction_limit=_limit(stability(told, earlier), stability(told - among, among)),
    )


def _columns(told: Predictions) -> tuple[Values, ...]:
    return told.prob_up, told.p50, told.p90 - told.p10, told.risk_score


def _windows(bins: Counts, block_rows: int) -> Counts:
    """Return the counts of every window of whole blocks of rows (n, C): (windows, C, BINS)."""
    starts = range(0, len(bins) - block_rows + 1, block_rows)
    blocks = np.stack([count_bins(bins[start : start + block_rows]) for start in starts])
    return np.stack([blocks[i : i + BLOCKS].sum(axis=0) for i in range(len(blocks) - BLOCKS + 1)])


def _limit(*psi: Values) -> float:
    return max(PSI_LIMIT, *(float(table.mean(axis=1).max()) for table in psi))
