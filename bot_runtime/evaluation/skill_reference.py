"""What a version's skill is held against while it serves: naive forecasts, and the judged lead."""

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.evaluation import references
from bot_runtime.evaluation.score_tables import outcome_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring.scores import QUANTILES, pinball
from bot_runtime.serving.live_skill import (
    LEAST_BLOCKS,
    JudgedLead,
    Outcomes,
    SkillReference,
    block_ms_of,
    losses_of,
    naive_forecasts,
)
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.risk_combination import har_terms_at, har_variance
from bot_runtime.serving.scored_rows import forecasts_of
from bot_runtime.serving.version import ServedVersion


def build_skill_reference(
    version: ServedVersion, data: TrainingData, served: Predictions
) -> SkillReference | None:
    """Return the naive forecasts of the rows before the test slice, and the lead on that slice.

    `served` are the version's predictions at the test rows, before their bands adapt. Of the naive
    quantiles those are taken that do better there. None where the version is of a format without
    HAR.
    """
    combination, rows = version.combination, data.splits.test
    if combination is None:
        return None
    outcomes = Outcomes(
        outcome_of("Trend", data, rows),
        outcome_of("Return", data, rows),
        outcome_of("Risk", data, rows),
    )
    scaled = _is_scaled_better(data, rows)
    before = data.splits.before_test
    past = data.labels.simple_return[before]
    block_ms = block_ms_of(data.horizon_steps * data.interval_ms)
    naive_only = SkillReference(
        block_ms=block_ms,
        block_rows=len(data.symbols) * block_ms // data.interval_ms,
        base_rate=float(np.mean(data.labels.up[before])),
        quantiles=tuple(
            np.quantile(past / data.volatility[before] if scaled else past, QUANTILES).tolist()
        ),
        scaled=scaled,
        judged=(JudgedLead(mean=0.0, deviation=0.0),) * 3,
    )
    har = har_variance(combination, har_terms_at(data.closes, rows))
    naive = naive_forecasts(naive_only, data.volatility[rows], har)
    lead = losses_of(naive, outcomes) - losses_of(forecasts_of(served), outcomes)
    block = (data.time_ms[rows] + data.interval_ms) // block_ms
    judged = tuple(judged_lead(lead[:, i], block, naive_only.block_rows) for i in range(3))
    return naive_only.model_copy(update={"judged": judged})


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


def _is_scaled_better(data: TrainingData, rows: Rows) -> bool:
    """Tell whether quantiles scaled by the current volatility have the lower loss at `rows`."""
    outcome = outcome_of("Return", data, rows)
    scaled, constant = (
        float(np.mean(pinball(quantiles(data, rows), outcome)))
        for quantiles in (references.scaled_quantiles, references.constant_quantiles)
    )
    return scaled < constant
