"""Score tables: every score of an objective, the model's beside those of its naive references."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bot_runtime.arrays import Columns, Rows, Values
from bot_runtime.contract.spec import Objective
from bot_runtime.evaluation import references
from bot_runtime.features.volatility import LEAST_VARIANCE_RATIO
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.scoring import scores

Forecasts = dict[str, Values]
"""Forecasts by forecaster, the model first: probability (n,), quantiles (n, 3) or variance (n,)."""
Table = dict[str, dict[str, float]]
"""Scores by forecaster, the model first; every forecaster has the same scores."""

MODEL = "model"


def score_table(objective: Objective, columns: Columns, data: TrainingData, rows: Rows) -> Table:
    """Return the objective's scores at `rows`, of the model (`columns`) and of its references.

    Risk's forecast of the volatility is also held against how far prices went, at worst, within the
    horizon: what a stop would have met.
    """
    forecasts = forecasts_of(objective, columns, data, rows)
    table = score_forecasts(objective, forecasts, outcome_of(objective, data, rows))
    if objective == "Risk":
        worst = data.labels.adverse_excursion[rows]
        for name, forecast in forecasts.items():
            table[name]["excursion_correlation"] = scores.rank_correlation(forecast, worst)
    return table


@dataclass(frozen=True, slots=True)
class _Metrics:
    """Which scores are an objective's metrics, and how those of its references are named."""

    scores: tuple[str, ...]
    suffixes: Mapping[str, str]


_METRICS: dict[Objective, _Metrics] = {
    "Trend": _Metrics(("log_loss", "brier", "auc"), {"base rate": "naive"}),
    "Return": _Metrics(("pinball", "coverage"), {"constant": "naive", "scaled": "naive_scaled"}),
    "Risk": _Metrics(("qlike", "rank_correlation"), {"EWMA": "naive", "HAR": "naive_har"}),
}


def measure(
    objective: Objective, columns: Columns, data: TrainingData, rows: Rows
) -> dict[str, float]:
    """Return the objective's metrics at `rows`, each followed by those of its references."""
    table, metrics = score_table(objective, columns, data, rows), _METRICS[objective]
    return {
        f"{score}_{metrics.suffixes[name]}" if name in metrics.suffixes else score: row[score]
        for score in metrics.scores
        for name, row in table.items()
    }


def forecasts_of(
    objective: Objective, columns: Columns, data: TrainingData, rows: Rows
) -> Forecasts:
    """Return what the model and each naive reference say at `rows`.

    Trend: base rate. Return: constant quantiles, and those scaled by the current volatility. Risk:
    EWMA(0.94) and HAR.
    """
    own = {MODEL: forecast_of(objective, columns)}
    if objective == "Trend":
        return own | {"base rate": references.base_rate(data, rows)}
    if objective == "Return":
        return own | {
            "constant": references.constant_quantiles(data, rows),
            "scaled": references.scaled_quantiles(data, rows),
        }
    return own | {
        "EWMA": references.ewma_variance(data, rows),
        "HAR": references.har_variance(data, rows),
    }


def forecast_of(objective: Objective, columns: Columns) -> Values:
    """Return the model's forecast: probability (n,), quantiles (n, 3) or variance (n,)."""
    if objective == "Trend":
        return columns["prob_up"]
    if objective == "Return":
        return np.column_stack([columns["p10"], columns["p50"], columns["p90"]])
    return np.asarray(columns["volatility"] ** 2)


def outcome_of(objective: Objective, data: TrainingData, rows: Rows) -> Values:
    """Return what came after `rows`, (n,): 1 or 0, the simple return, one candle's variance."""
    if objective == "Trend":
        return data.labels.up[rows]
    if objective == "Return":
        return data.labels.simple_return[rows]
    least = LEAST_VARIANCE_RATIO * data.volatility[rows] ** 2
    return np.maximum(data.labels.variance[rows], least)


def score_forecasts(objective: Objective, forecasts: Forecasts, outcome: Values) -> Table:
    """Return every score of each forecaster."""
    score = {"Trend": _of_probability, "Return": _of_quantiles, "Risk": _of_variance}[objective]
    return {name: score(forecast, outcome) for name, forecast in forecasts.items()}


def losses_of(objective: Objective, forecasts: Forecasts, outcome: Values) -> dict[str, Values]:
    """Return the loss that decides for the objective, of each forecaster at every row, (n,)."""
    loss = {"Trend": scores.log_loss, "Return": scores.pinball, "Risk": scores.qlike}[objective]
    return {name: loss(forecast, outcome) for name, forecast in forecasts.items()}


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


def _of_variance(variance: Values, outcome: Values) -> dict[str, float]:
    return {
        "qlike": float(np.mean(scores.qlike(variance, outcome))),
        "rank_correlation": scores.rank_correlation(variance, outcome),
    }
