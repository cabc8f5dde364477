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
) -> TrainingData:
    """Return the training data of the candles of every symbol.

    With `barrier_width` the trend is labelled by barriers, so far from the close in units of the
    volatility over the horizon; without, by the sign of the return.

    `window_length` is the longest history of feature rows that a candidate may read: all candidates
    are fitted to, and judged on, the same rows. Raises DataUnusableError where a slice stays too
    small, with what is there and what is needed.
    """
    parts = list(candles.values())
    interval_ms = parts[0].interval_ms
    volatilities = [realised_volatility(part.close, VOLATILITY_CANDLES) for part in parts]
    width = None if barrier_width is None else barrier_width * math.sqrt(horizon_steps)
    labels = [
        compute_labels(part, horizon_steps, None if width is None else width * volatility)
        for part, volatility in zip(parts, volatilities, strict=True)
    ]
    panel = compute_panel(candles, feature_names(len(candles)))
    whole = [rows_without_gap(part, WARM_UP + window_length) for part in parts]
    usable = [own.known & enough for own, enough in zip(labels, whole, strict=True)]
    time_ms = np.concatenate([part.open_time_ms for part in parts])
    rows = np.flatnonzero(np.concatenate(usable))
    splits = split_rows(rows, time_ms, horizon_steps * interval_ms)
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


def _joined(parts: Sequence[Labels]) -> Labels:
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Labels))
    return Labels(*(np.concatenate(column) for column in columns))


def split_rows(usable: Rows, time_ms: Times, horizon_ms: int) -> Splits:
    """Return the slices of the `usable` rows, purged and embargoed by the horizon.

    Raises DataUnusableError where a slice has fewer than LEAST_ROWS.
    """
    rows = usable[np.argsort(time_ms[usable], kind="stable")]
    times = time_ms[rows]
    starts = [0, *(int(len(rows) * share) for share in np.cumsum(SHARES)[:-1])]
    slices = []
    for i, start in enumerate(starts):
        inside = np.ones(len(rows), dtype=np.bool_)
        if i > 0 and start < len(rows):
            inside &= times >= times[start] + horizon_ms
        if i + 1 < len(starts) and starts[i + 1] < len(rows):
            inside &= times + horizon_ms < times[starts[i + 1]]
        slices.append(rows[inside])
    for name, part in zip(SLICES, slices, strict=True):
        if len(part) < LEAST_ROWS:
            raise DataUnusableError(
                f"training.lookback: {len(rows)} candles with a complete history and horizon leave "
                f"{len(part)} for the {name} slice, which needs {LEAST_ROWS}; "
                "ask for a longer window or a shorter horizon"
            )
    return Splits(*slices)


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
