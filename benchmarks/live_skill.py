"""`live-skill`: how often lost skill is told of a version that has it, and of one that lost it.

DATA=dir: every candle file there of at least 20,000 bars of less than an hour. A training of 180
days with the defaults of a bot, of trees, and the month after it, again and again: the days of that
month and of the training's own test slice are drawn from, as they are and with the version's raw
outputs permuted within the month. Days are drawn in runs, for a mood lasts some days (Politis and
Romano, The Stationary Bootstrap, 1994).
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.candle_series import candle_series
from benchmarks.figures import Figure
from benchmarks.permuted_version import PermutedVersion
from benchmarks.quality_months import GENERATED_BARS, LEARNED_DAYS
from benchmarks.quality_windows import MONTH_DAYS, Learned, Window, learn, windows_of
from bot_runtime.arrays import Flags, Rows, Values
from bot_runtime.contract.intervals import HOUR_MS
from bot_runtime.contract.skillstatus import LEAST_BLOCKS
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.evaluation.skill_reference import build_skill_reference, lead_at
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import StepError
from bot_runtime.serving.live_skill import (
    LOST_AT,
    SkillReference,
    excess_of,
)
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.version import ServedVersion
from bot_runtime.store.layout import Store

YEARS, YEAR_DAYS = 200, 365
MONTHS: Final = 200
PERMUTATIONS: Final = 3
RUN_DAYS: Final = 4
"""Days that are drawn one after the other, on average."""


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """What a version's own losses of whole days were above the naive ones, each (days, 3).

    Attributes:
        own: of the version as it is: the judged days, then the month's.
        permuted: of the month's days, once for each permutation.
        watched: which losses a month can tell of.
    """

    name: str
    promoted: bool
    own: Values
    permuted: tuple[Values, ...]
    watched: Rows


def measure() -> list[Figure]:
    """Return what is promised of versions of five-minute candles; a line of each is printed."""
    source, series = candle_series(GENERATED_BARS)
    print(f"   {source}")
    return figures_of([found for found in _days_of(series) if len(found.watched)])


def figures_of(versions: Sequence[Days]) -> list[Figure]:
    """Return false alarms of a hundred years, and how many of what was permuted are found."""
    if not versions:
        return []
    draw = np.random.default_rng(19)
    calm, found = [], []
    for days in versions:
        years = drawn(days.own[:, days.watched], (YEARS, YEAR_DAYS), draw)
        calm.append(100 * float(np.mean(~is_told(years))))
        months = [
            drawn(permuted[:, days.watched], (MONTHS, MONTH_DAYS), draw)
            for permuted in days.permuted
        ]
        found.append(100 * float(np.mean(is_told(np.concatenate(months)))))
        print(
            f"   {days.name}, {'passed' if days.promoted else 'refused'}: watched "
            f"{', '.join(OBJECTIVES[i] for i in days.watched)}; years without an alarm "
            f"{calm[-1]:.1f} %; permuted, found within a month {found[-1]:.1f} %"
        )
    return [
        Figure("years of skill without an alarm, %", float(np.mean(calm)), 99, at_least=True),
        Figure("permuted, found within a month, %", float(np.mean(found)), 90, at_least=True),
    ]


def drawn(days: Values, shape: tuple[int, int], draw: np.random.Generator) -> Values:
    """Return days (n, k) drawn in runs: `shape` is (times, days), to (times, days, k)."""
    times, length = shape
    places = np.empty(shape, dtype=np.intp)
    at = draw.integers(0, len(days), times)
    for day in range(length):
        places[:, day] = at
        anew = draw.random(times) < 1 / RUN_DAYS
        at = np.where(anew, draw.integers(0, len(days), times), (at + 1) % len(days))
    return np.asarray(days[places])


def is_told(differences: Values) -> Flags:
    """Tell of which times (times, days, k) lost skill is told on any day, by the newest month."""
    times, length, _ = differences.shape
    told = np.zeros(times, dtype=np.bool_)
    for end in range(LEAST_BLOCKS, length + 1):
        newest = differences[:, max(end - MONTH_DAYS, 0) : end]
        told |= (excess_of(newest.swapaxes(0, 1)) >= LOST_AT).any(axis=1)
    return told


def _days_of(series: Mapping[str, Candles]) -> Iterator[Days]:
    for name, candles in series.items():
        if candles.interval_ms < HOUR_MS:
            for window in windows_of(candles, LEARNED_DAYS):
                yield from _days_after(name, candles, window)


def _days_after(name: str, candles: Candles, window: Window) -> Iterator[Days]:
    """Give the days of one window's version; none where it cannot be trained."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            learned = learn(candles, window, Store(Path(folder)))
        except StepError as e:
            print(f"   {name}, {utc(window.begin_ms)[:10]}: not trained: {e}", flush=True)
            return
        yield _days(f"{name}, {utc(window.begin_ms)[:10]}", learned)


def _days(name: str, learned: Learned) -> Days:
    judged, known, test = learned.judged, learned.known, learned.known.splits.test
    said = judged.predict_rows(known.features, known.closes, test)
    reference = build_skill_reference(judged, known, said)
    assert reference is not None, "what is trained now has HAR"
    data, rows, version = learned.data, learned.rows, learned.version
    told = version.predict_rows(data.features, data.closes, rows)
    folder, threads = learned.store.version(version.version), os.cpu_count() or 1
    months = []
    for seed in range(PERMUTATIONS):
        permuted = PermutedVersion(folder, version.manifest, threads)
        permuted.permute(rows, len(data.features), seed)
        again = permuted.predict_rows(data.features, data.closes, rows)
        months.append(_above(version, reference, data, rows, again))
    own = [
        _above(judged, reference, known, test, said),
        _above(version, reference, data, rows, told),
    ]
    watched = np.array([i for i in range(len(OBJECTIVES)) if reference.watches(i)], dtype=np.intp)
    return Days(name, learned.result.promoted, np.concatenate(own), tuple(months), watched)


def _above(
    version: ServedVersion,
    reference: SkillReference,
    data: TrainingData,
    rows: Rows,
    told: Predictions,
) -> Values:
    """Return the own losses of whole days less the naive ones, (days, 3)."""
    lead = lead_at(version, data, rows, told)
    assert lead is not None, "what is trained now has naive forecasts"
    day = (data.time_ms[rows] + data.interval_ms) // reference.block_ms
    _, place, count = np.unique(day, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(place, weights=loss) for loss in -lead.T], axis=1)
    return np.asarray(sums[2 * count >= reference.block_rows])
