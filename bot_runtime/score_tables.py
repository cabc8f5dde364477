"""Score tables: every score of an objective, the model's beside those of its naive references."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bot_runtime import references, scores
from bot_runtime.contract.spec import Objective
from bot_runtime.datasets import TrainingData
from bot_runtime.labels import LEAST_VARIANCE_RATIO

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Columns = Mapping[str, Values]
Table = dict[str, dict[str, float]]
"""Scores by forecaster, the model first; every forecaster has the same scores."""

MODEL = "model"


def score_table(objective: Objective, columns: Columns, data: TrainingData, rows: Rows) -> Table:
    """Return the objective's scores at `rows`, of the model (`columns`) and of its references."""
    tables = {"Trend": trend_table, "Return": return_table, "Risk": risk_table}
    return tables[objective](columns, data, rows)


def trend_table(columns: Columns, data: TrainingData, rows: Rows) -> Table:
    """Return log loss, Brier score with its parts and AUC, beside those of the base rate."""
    up = data.labels.up[rows]
    found = {MODEL: columns["prob_up"], "base rate": references.base_rate(data, rows)}
    return {name: _of_probability(probability, up) for name, probability in found.items()}


def return_table(columns: Columns, data: TrainingData, rows: Rows) -> Table:
    """Return pinball losses, CRPS, coverage and width, beside constant and scaled quantiles."""
    outcome = data.labels.simple_return[rows]
    found = {
        MODEL: np.column_stack([columns["p10"], columns["p50"], columns["p90"]]),
        "constant": references.constant_quantiles(data, rows),
        "scaled": references.scaled_quantiles(data, rows),
    }
    return {name: _of_quantiles(quantiles, outcome) for name, quantiles in found.items()}


def risk_table(columns: Columns, data: TrainingData, rows: Rows) -> Table:
    """Return QLIKE and rank correlation of the variance, beside EWMA(0.94) and HAR."""
    least = LEAST_VARIANCE_RATIO * data.volatility[rows] ** 2
    outcome = np.maximum(data.labels.variance[rows], least)
    found = {
        MODEL: columns["volatility"] ** 2,
        "EWMA": references.ewma_variance(data, rows),
        "HAR": references.har_variance(data, rows),
    }
    return {
        name: {
            "qlike": float(np.mean(scores.qlike(variance, outcome))),
            "rank_correlation": scores.rank_correlation(variance, outcome),
        }
        for name, variance in found.items()
    }


def _of_probability(probability: Values, up: Values) -> dict[str, float]:
    parts = scores.brier_parts(probability, up)
    return {
        "log_loss": float(np.mean(scores.log_loss(probability, up))),
        "brier": float(np.mean(scores.brier(probability, up))),
        "reliability": parts.reliability,
        "resolution": parts.resolution,
        "uncertainty": parts.uncertainty,
        "auc": scores.auc(probability, up),
    }


def _of_quantiles(quantiles: Values, outcome: Values) -> dict[str, float]:
    p10, p50, p90 = scores.pinball_by_level(quantiles, outcome).mean(axis=0).tolist()
    low, high = quantiles[:, 0], quantiles[:, 2]
    return {
        "pinball": (p10 + p50 + p90) / 3.0,
        "pinball_p10": p10,
        "pinball_p50": p50,
        "pinball_p90": p90,
        "crps": float(np.mean(scores.crps(quantiles, outcome))),
        "coverage": scores.coverage(low, high, outcome),
        "width": float(np.mean(high - low)),
    }
