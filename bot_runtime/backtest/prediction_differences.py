"""Where journaled decisions and predictions are not what their version makes of candles. Pure."""

from collections.abc import Iterator, Sequence

import numpy as np

from bot_runtime.arrays import Rows
from bot_runtime.backtest.told import Told
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.journal.entries import DecisionRow
from bot_runtime.learning.objectives import RULES
from bot_runtime.market.candles import utc
from bot_runtime.scoring.parity import check_parity
from bot_runtime.serving.predictions import Predictions, columns_of
from bot_runtime.serving.version import ServedVersion
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.strategy import Strategy


def find_differences(
    version: ServedVersion,
    journaled: Predictions,
    expected: Predictions,
    objectives: Sequence[Objective] = OBJECTIVES,
) -> Iterator[str]:
    """Yield where predictions are farther apart than the version was published with."""
    for part in version.manifest.objectives:
        if part.objective in objectives:
            own = columns_of(expected, part.objective)
            limits = RULES[part.objective].tolerances(own, part.calibration)
            text = check_parity(columns_of(journaled, part.objective), own, limits)
            if text is not None:
                yield text


def followed_until(
    version: ServedVersion,
    journaled: Predictions,
    alone: Predictions,
    close_ms: Sequence[int],
    unknown_ms: int,
) -> int:
    """Return for how many rows of a symbol p10 and p90 can be said: their band adapts to outcomes.

    0 where the first row does not have the models' own: the band had adapted before. After a
    candle whose decision is not known, nobody knows what the band has learned of it.
    """
    first = slice(1)
    if any(find_differences(version, journaled.at(first), alone.at(first), ("Return",))):
        return 0
    return int(np.searchsorted(close_ms, unknown_ms))


def with_band_of(adaptive: Predictions, journaled: Predictions, end: int) -> Predictions:
    """Return what is expected: from a row on with the journal's own band, for none can be said."""
    own = np.arange(len(adaptive)) < end
    return adaptive.with_band(
        np.where(own, adaptive.p10, journaled.p10), np.where(own, adaptive.p90, journaled.p90)
    )


def places_of(rows: Sequence[DecisionRow], told: Told, interval_ms: int) -> Rows:
    """Return where the candles of decisions are among those that something was said of."""
    opens = np.array([row.candle_ms - interval_ms for row in rows], dtype=np.int64)
    return np.searchsorted(told.open_ms, opens)


def with_history(rows: Sequence[DecisionRow], told: Told, strategy: Strategy) -> list[DecisionRow]:
    """Return the decisions of which all candles are known that they looked at."""
    opens = np.array([row.candle_ms - strategy.interval_ms for row in rows], dtype=np.int64)
    places = places_of(rows, told, strategy.interval_ms)
    able = np.isin(opens, told.open_ms) & (places >= strategy.memory - 1)
    return [rows[n] for n in np.flatnonzero(able).tolist()]


def decided_otherwise(rows: Sequence[DecisionRow], told: Told, strategy: Strategy) -> Iterator[str]:
    """Yield the decisions that the version's own predictions do not lead to."""
    number = told.open_ms // strategy.interval_ms
    views = views_of(told.predictions, strategy, told.regimes, number)
    for row, place in zip(rows, places_of(rows, told, strategy.interval_ms).tolist(), strict=True):
        side = views.decision(place)
        if side != row.side:
            yield f"{row.symbol} at {utc(row.candle_ms)}: {row.side}, and by the candles {side}"
