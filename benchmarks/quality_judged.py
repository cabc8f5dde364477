"""A month after a training, as contestants told of it, beside what is naive: numbers alone.

Naive forecasts are fitted to the whole window. "Then" is the naive one that had done best on the
training's own test slice: the best that was known then. "Best" is the one that did best in the
month itself: it takes hindsight.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.quality_contestants import SERVED, Contestant, judged
from benchmarks.quality_windows import Learned
from bot_runtime.arrays import Flags, Values
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation.judge import naive_duels
from bot_runtime.evaluation.score_tables import MODEL, forecasts_of, losses_of, outcome_of
from bot_runtime.learning.unseen import adapt
from bot_runtime.serving.predictions import Predictions, columns_of

LEAST_OUTCOMES: Final = 2_000
"""Fewest outcomes that say anything of a coverage."""


@dataclass(frozen=True, slots=True, eq=False)
class Month:
    """What one contestant was worth in one month.

    Attributes:
        begin_ms: where the window ends and the month begins.
        promoted: whether the version of the window passed the gate.
        losses: mean loss of each objective by forecaster, the contestant's as MODEL.
        then: the naive forecaster of each objective that had done best before the month.
        inside: whether each outcome was within p10 and p90, (n,), by time.
    """

    series: str
    begin_ms: int
    contestant: str
    promoted: bool
    losses: Mapping[Objective, Mapping[str, float]]
    then: Mapping[Objective, str]
    inside: Flags

    def best(self, objective: Objective) -> str:
        """Return the naive forecaster that did best in the month."""
        losses = self.losses[objective]
        return min((name for name in losses if name != MODEL), key=lambda name: losses[name])

    def below_then(self, objective: Objective) -> float:
        """Return by how many per cent the loss is below that of the best known then."""
        return self._below(objective, self.losses[objective][self.then[objective]])

    def below_best(self, objective: Objective) -> float:
        """Return by how many per cent the loss is below that of the best in hindsight."""
        return self._below(objective, self.losses[objective][self.best(objective)])

    def below(self, other: "Month", objective: Objective) -> float:
        """Return by how many per cent the loss is below that of another contestant."""
        return self._below(objective, other.losses[objective][MODEL])

    def _below(self, objective: Objective, other: float) -> float:
        return 100 * (1 - self.losses[objective][MODEL] / other)


def judge(
    series: str, begin_ms: int, learned: Learned, contestants: Mapping[str, Contestant]
) -> Iterator[Month]:
    """Give what each contestant is worth in the month after a training."""
    data, rows = learned.data, learned.rows
    then = best_known_then(learned)
    for name, contestant in contestants.items():
        told = tell(learned, contestant)
        losses = {}
        for o in OBJECTIVES:
            forecasts = forecasts_of(o, columns_of(told, o), data, rows)
            by_row = losses_of(o, forecasts, outcome_of(o, data, rows))
            losses[o] = {who: float(np.mean(loss)) for who, loss in by_row.items()}
        outcome = outcome_of("Return", data, rows)
        inside = (told.p10 <= outcome) & (outcome <= told.p90)
        yield Month(series, begin_ms, name, learned.result.promoted, losses, then, inside)


def tell(learned: Learned, contestant: Contestant) -> Predictions:
    """Return what a contestant tells of the month, its band adapted as inference adapts it.

    Every band goes on from where that of the judged version has ended on the training's test slice.
    """
    earlier, rows = learned.known.splits.test, learned.rows
    both = Predictions.joined([judged(learned, earlier), contestant(learned, rows)])
    adapted, _ = adapt(both, learned.data, np.concatenate([earlier, rows]))
    return adapted.at(slice(len(earlier), None))


def best_known_then(learned: Learned) -> dict[Objective, str]:
    """Return the naive forecaster of each objective that the gate has held the version against."""
    rows = learned.known.splits.test
    duels = naive_duels(judged(learned, rows), learned.known, rows)
    return {objective: duel.against for objective, duel in duels.items()}


def coverages(months: Sequence[Month]) -> list[float]:
    """Return the coverage of each of one contestant's months of a series, in per cent.

    A month of fewer than LEAST_OUTCOMES has that of as many up to its end; NaN where there are not
    so many yet.
    """
    inside = np.concatenate([month.inside for month in months])
    ends = np.cumsum([len(month.inside) for month in months])
    begins = [e - max(len(m.inside), LEAST_OUTCOMES) for e, m in zip(ends, months, strict=True)]
    return [
        100 * float(np.mean(inside[begin:end])) if begin >= 0 else float("nan")
        for begin, end in zip(begins, ends, strict=True)
    ]


def gains_of(months: Sequence[Month], contestant: str, objective: Objective) -> Values:
    """Return by how many per cent a contestant's loss is below the served one's, by month: (n,)."""
    of_served = {(m.series, m.begin_ms): m for m in months if m.contestant == SERVED}
    own = [m for m in months if m.contestant == contestant]
    return np.array([m.below(of_served[m.series, m.begin_ms], objective) for m in own])
