"""The lead over naive forecasts that a version's skill is held against while it serves."""

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.skillstatus import LEAST_BLOCKS
from bot_runtime.evaluation.score_tables import outcome_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.serving.live_skill import (
    JudgedLead,
    Outcomes,
    SkillReference,
    block_ms_of,
    losses_of,
)
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.scored_rows import forecasts_of, naive_at
from bot_runtime.serving.version import ServedVersion


def build_skill_reference(
    version: ServedVersion, data: TrainingData, served: Predictions
) -> SkillReference | None:
    """Return how far a version was ahead of its naive forecasts on the test slice, by blocks.

    `served` are the version's predictions at the test rows, before their bands adapt. None where
    the version is of a format without naive forecasts.
    """
    rows = data.splits.test
    lead = lead_at(version, data, rows, served)
    if lead is None:
        return None
    block_ms = block_ms_of(data.horizon_steps * data.interval_ms)
    block_rows = len(data.symbols) * block_ms // data.interval_ms
    block = (data.time_ms[rows] + data.interval_ms) // block_ms
    return SkillReference(
        block_ms=block_ms,
        block_rows=block_rows,
        judged=tuple(judged_lead(own, block, block_rows) for own in lead.T),
    )


def lead_at(
    version: ServedVersion, data: TrainingData, rows: Rows, told: Predictions
) -> Values | None:
    """Return by how much the losses of what was told of `rows` are below naive ones, (m, 3).

    None where the version is of a format without naive forecasts.
    """
    naive = naive_at(version, data.closes, rows, data.volatility[rows])
    if naive is None:
        return None
    outcomes = Outcomes(
        outcome_of("Trend", data, rows),
        outcome_of("Return", data, rows),
        outcome_of("Risk", data, rows),
    )
    return losses_of(naive, outcomes) - losses_of(forecasts_of(told), outcomes)


def judged_lead(lead: Values, block: Rows, block_rows: int) -> JudgedLead:
    """Return the mean and the spread of the blocks that have half of their rows.

    `lead` (n,) is by how much the own loss of each row was below the naive one, `block` (n,) the
    number of its block.
    """
    _, place, rows = np.unique(block, return_inverse=True, return_counts=True)
    means = (np.bincount(place, weights=lead) / rows)[2 * rows >= block_rows]
    if len(means) < LEAST_BLOCKS:
        return JudgedLead(mean=0.0, deviation=0.0)
    return JudgedLead(mean=float(np.mean(means)), deviation=float(np.std(means, ddof=1)))
