"""From candles to rows that models are fitted to, chosen by, calibrated on and judged on.

    | fit | selection | calibration | test |      by time, over all symbols, oldest first

Nothing but the final metrics and the gate looks at the test rows. A row's label ends `horizon`
candles after it: rows whose label reaches into the next slice are purged, and as many rows after a
boundary are embargoed (Lopez de Prado, Advances in Financial Machine Learning, 2018, chapter 7).
Features look back only, so the history of a row may reach into an earlier slice.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from bot_runtime.arrays import Flags, Rows, Times, Values
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import ModelSpec
from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import WARM_UP
from bot_runtime.features.panel import compute_panel, feature_names
from bot_runtime.features.volatility import VOLATILITY_CANDLES, realised_volatility
from bot_runtime.learning.labels import Labels, compute_labels, uniqueness
from bot_runtime.market.candles import Candles, rows_without_gap
from bot_runtime.market.snapshot import load_dataset, load_snapshot
from bot_runtime.process.config import training_of
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.store.bundle import Inputs
from bot_runtime.store.layout import Store

SLICES = ("fit", "selection", "calibration", "test")
SHARES = (0.55, 0.15, 0.10, 0.20)
LEAST_ROWS = 60
"""Fewest rows in a slice: below, neither a choice nor a metric says anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """Rows of each slice, as indices into the columns, sorted by time."""

    fit: Rows
    selection: Rows
    calibration: Rows
    test: Rows

    @property
    def before_test(self) -> Rows:
        """Every row that anything was learned from."""
        return np.concatenate([self.fit, self.selection, self.calibration])


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Columns of all symbols, one symbol after the other, (n,) or (n, F).

    Attributes:
        symbols: names; `symbol` (n,) has positions in it.
        candles: those of each symbol, whose rows these are.
        time_ms: opening time of each row's candle.
        volatility: one candle's, known at the row's close.
        weight: how much a row counts in a fit, by its label's uniqueness; 1 on average over `fit`.
        newest: the last row of each symbol; its label lies in the future.
        seen_until_ms: end of the last label before the test slice.
    """

    symbols: tuple[str, ...]
    candles: tuple[Candles, ...]
    horizon_steps: int
    interval_ms: int
    symbol: Rows
    time_ms: Times
    features: Values
    close: Values
    volatility: Values
    labels: Labels
    weight: Values
    splits: Splits
    newest: Rows

    @property
    def closes(self) -> Closes:
        """Return the closes of all rows."""
        return Closes(self.interval_ms, self.symbol, self.time_ms, self.close)

    @property
    def seen_until_ms(self) -> int:
        """Close of the last candle that any label before the test slice spans."""
        last = int(self.time_ms[self.splits.before_test].max())
        return last + (self.horizon_steps + 1) * self.interval_ms

    def has_history(self, rows: Rows, length: int) -> Flags:
        """Tell for each row whether `length` complete feature rows of its symbol end at it."""
        first = np.maximum(rows - (length - 1), 0)
        whole = self.time_ms[rows] - self.time_ms[first] == (length - 1) * self.interval_ms
        same = self.symbol[rows] == self.symbol[first]
        return np.asarray(whole & same & np.isfinite(self.features[first]).all(axis=1))


def build_training_data(
    candles: Mapping[str, Candles],
    horizon_steps: int,
    window_length: int,
    barrier_width: float | None = None,
    test_ms: int | None = None,
) -> TrainingData:
    """Return the training data of the candles of every symbol.

    With `barrier_width` the trend is labelled by barriers, so far from the close in units of the
    volatility over the horizon; without, by the sign of the return.

    `window_length` is the longest history of feature rows that a candidate may read: all candidates
    are fitted to, and judged on, the same rows. With `test_ms` the test slice begins there (see
    split_rows), and has every row whose history is complete, whatever comes after it. Raises
    DataUnusableError where a slice stays too small, with what is there and what is needed.
    """
    parts = list(candles.values())
    interval_ms = parts[0].interval_ms
    volatilities = [realised_volatility(part.close, VOLATILITY_CANDLES) for part in parts]
    labels = _labels_of(parts, volatilities, horizon_steps, barrier_width)
    panel = compute_panel(candles, feature_names(len(candles)))
    whole = [rows_without_gap(part, WARM_UP + window_length) for part in parts]
    usable = [own.known & enough for own, enough in zip(labels, whole, strict=True)]
    time_ms = np.concatenate([part.open_time_ms for part in parts])
    rows: Flags = np.concatenate(usable)
    if test_ms is not None:
        rows = rows | (np.concatenate(whole) & (time_ms >= test_ms))
    splits = split_rows(np.flatnonzero(rows), time_ms, horizon_steps * interval_ms, test_ms)
    weight = np.concatenate(
        [uniqueness(own.span, which) for own, which in zip(labels, usable, strict=True)]
    )
    ends = np.cumsum([len(part) for part in parts])
    return TrainingData(
        symbols=tuple(candles),
        candles=tuple(parts),
        horizon_steps=horizon_steps,
        interval_ms=interval_ms,
        symbol=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        time_ms=time_ms,
        features=np.concatenate(list(panel.values())),
        close=np.concatenate([part.close for part in parts]),
        volatility=np.concatenate(volatilities),
        labels=_joined(labels),
        weight=weight / weight[splits.fit].mean(),
        splits=splits,
        newest=ends[[part[-1] for part in whole]] - 1,
    )


def _labels_of(
    parts: Sequence[Candles],
    volatilities: Sequence[Values],
    horizon_steps: int,
    barrier_width: float | None,
) -> list[Labels]:
    """Return the labels of every symbol, by barriers where these have a width."""
    width = None if barrier_width is None else barrier_width * math.sqrt(horizon_steps)
    return [
        compute_labels(part, horizon_steps, None if width is None else width * volatility)
        for part, volatility in zip(parts, volatilities, strict=True)
    ]


def _joined(parts: Sequence[Labels]) -> Labels:
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Labels))
    return Labels(*(np.concatenate(column) for column in columns))


def split_rows(usable: Rows, time_ms: Times, horizon_ms: int, test_ms: int | None = None) -> Splits:
    """Return the slices of the `usable` rows, purged and embargoed by the horizon.

    The test slice begins at `test_ms`, where it is given, and its rows a horizon later; the other
    slices share what lies before. Raises DataUnusableError where a slice has fewer rows than
    LEAST_ROWS; of a test slice with a given beginning one row is enough, it is one of many.
    """
    rows = usable[np.argsort(time_ms[usable], kind="stable")]
    times = time_ms[rows]
    begins_ms = _begins_ms(times, test_ms)
    slices = []
    for i in range(len(SLICES)):
        inside = np.ones(len(rows), dtype=np.bool_)
        if 0 < i < len(begins_ms):
            inside &= times >= begins_ms[i] + horizon_ms
        if i + 1 < len(begins_ms):
            inside &= times + horizon_ms < begins_ms[i + 1]
        slices.append(rows[inside])
    needed = [LEAST_ROWS, LEAST_ROWS, LEAST_ROWS, LEAST_ROWS if test_ms is None else 1]
    for name, part, least in zip(SLICES, slices, needed, strict=True):
        if len(part) < least:
            raise DataUnusableError(
                f"training.lookback: {len(rows)} candles with a complete history and horizon leave "
                f"{len(part)} for the {name} slice, which needs {least}; "
                "ask for a longer window or a shorter horizon"
            )
    return Splits(*slices)


def newest_splits(data: TrainingData, share: float) -> Splits:
    """Return all rows of a training in two: the oldest `share` to fit to, the newest to calibrate.

    Purged and embargoed by the horizon, as between any two slices; the others are empty.
    """
    rows = np.concatenate([data.splits.before_test, data.splits.test])
    times, horizon_ms = data.time_ms[rows], data.horizon_steps * data.interval_ms
    begins_ms = times[int(share * len(rows))]
    none = rows[:0]
    return Splits(
        fit=rows[times + horizon_ms < begins_ms],
        selection=none,
        calibration=rows[times >= begins_ms + horizon_ms],
        test=none,
    )


def _begins_ms(times: Times, test_ms: int | None) -> list[int]:
    """Return when each slice of sorted times begins; none for those that would be empty."""
    if test_ms is None:
        starts = [0, *(int(len(times) * share) for share in np.cumsum(SHARES)[:-1])]
        return [int(times[start]) for start in starts if start < len(times)]
    before, learned = int(np.searchsorted(times, test_ms)), np.sum(SHARES[:-1])
    starts = [0, *(int(before * share / learned) for share in np.cumsum(SHARES)[:-2])]
    return [*(int(times[start]) for start in starts if start < len(times)), test_ms]


def load_training_data(configuration: RunConfiguration, store: Store) -> TrainingData:
    """Return the training's rows from its own snapshot: the same in every step of it.

    Raises ArtifactInvalidError where the snapshot is not the one that was fetched,
    DataUnusableError where it is too short.
    """
    candles = load_snapshot(store, load_dataset(store, training_of(configuration).name))
    model = configuration.model
    return build_training_data(
        candles, model.horizon_steps, model.encoder_length, model.triple_barrier_width
    )


def inputs_of(configuration: RunConfiguration) -> Inputs:
    """Return what a model that this configuration trains has to be fed with."""
    return Inputs(
        timeframe=configuration.timeframe,
        horizon_steps=configuration.model.horizon_steps,
        triple_barrier_width=configuration.model.triple_barrier_width,
        features=feature_names(len(configuration.symbols)),
        warm_up=WARM_UP,
        volatility_candles=VOLATILITY_CANDLES,
    )


def needed_candles(model: ModelSpec) -> int:
    """Return the fewest candles of a symbol that fill history, horizon and the smallest slice."""
    smallest = LEAST_ROWS + 2 * model.horizon_steps + 2
    return WARM_UP + model.encoder_length + model.horizon_steps + math.ceil(smallest / min(SHARES))
