"""The three objectives: how each is chosen by, calibrated and finished.

Each is a different question with its own target, loss and unit; what they share is this shape.
Columns are named arrays (n,): prob_up | p10, p50, p90 | volatility, risk_score.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from bot_runtime.arrays import Columns, Rows, Values
from bot_runtime.contract.spec import Objective
from bot_runtime.features.sequences import RawOutputs
from bot_runtime.learning.calibration import fit_band, fit_platt, fit_risk_scale
from bot_runtime.learning.datasets import Splits, TrainingData
from bot_runtime.learning.labels import to_target
from bot_runtime.learning.risk_fitting import fit_combination, out_of_sample
from bot_runtime.scoring import scores
from bot_runtime.serving.outputs import to_probability, to_quantiles, to_risk_score
from bot_runtime.serving.risk_combination import combined_volatility, predicted_volatility
from bot_runtime.store.bundle import Calibration, ConformalBand, Platt, RiskScale

PROBABILITY_TOLERANCE = 1e-5
RETURN_TOLERANCE = 1e-4
"""In units of the p10-p90 width, or of the volatility."""
LEAST_TOLERANCE = 1e-8
"""Of a return: float32 does not tell less apart."""


class ObjectiveRules(Protocol):
    """What training has to know of an objective."""

    def loss(self, raw: Values, target: Values) -> Values:
        """Return the loss of each row of raw outputs, (n,): what candidates are chosen by."""

    def calibrate(self, raw: RawOutputs, data: TrainingData, splits: Splits) -> Calibration:
        """Fit the calibration to rows of the slices before the test slice."""

    def finish(
        self, raw: RawOutputs, calibration: Calibration, data: TrainingData, rows: Rows
    ) -> Columns:
        """Return the predictions at `rows` in their units."""

    def tolerances(
        self, columns: Columns, calibration: Calibration
    ) -> Mapping[str, float | Values]:
        """Return how far each column, or row of it, may be from the trained model's own."""


class Trend:
    """Whether the price rises over the horizon: a calibrated probability."""

    def loss(self, raw: Values, target: Values) -> Values:
        """Return the log loss of the scores as they are."""
        return scores.log_loss(1.0 / (1.0 + np.exp(-raw[:, 0])), target)

    def calibrate(self, raw: RawOutputs, data: TrainingData, splits: Splits) -> Platt:
        """Fit Platt's sigmoid to the calibration slice."""
        rows = splits.calibration
        return fit_platt(raw.at(rows)[:, 0], data.labels.up[rows], data.horizon_steps)

    def finish(
        self, raw: RawOutputs, calibration: Calibration, data: TrainingData, rows: Rows
    ) -> Columns:
        """Return prob_up."""
        del data
        assert isinstance(calibration, Platt)
        return {"prob_up": to_probability(raw.at(rows), calibration)}

    def tolerances(
        self, columns: Columns, calibration: Calibration
    ) -> Mapping[str, float | Values]:
        """Return the same for every market."""
        del calibration
        return dict.fromkeys(columns, PROBABILITY_TOLERANCE)


class Return:
    """How far the price moves: p10, p50, p90 of the simple return over the horizon."""

    def loss(self, raw: Values, target: Values) -> Values:
        """Return the pinball loss in units of the volatility, so that no calm hour is ignored."""
        return scores.pinball(np.sort(raw, axis=1), target)

    def calibrate(self, raw: RawOutputs, data: TrainingData, splits: Splits) -> ConformalBand:
        """Fit the conformal margins to the calibration slice."""
        target = to_target("Return", data.labels, data.volatility, data.horizon_steps)
        return fit_band(raw.at(splits.calibration), target[splits.calibration])

    def finish(
        self, raw: RawOutputs, calibration: Calibration, data: TrainingData, rows: Rows
    ) -> Columns:
        """Return p10, p50 and p90."""
        assert isinstance(calibration, ConformalBand)
        unit, steps = data.volatility[rows], data.horizon_steps
        found = to_quantiles(raw.at(rows), calibration, unit, steps)
        return {"p10": found.p10, "p50": found.p50, "p90": found.p90}

    def tolerances(
        self, columns: Columns, calibration: Calibration
    ) -> Mapping[str, float | Values]:
        """Return a share of the width of the row's band, or of the median one where it is wider."""
        del calibration
        width = columns["p90"] - columns["p10"]
        limit = RETURN_TOLERANCE * np.maximum(width, np.median(width))
        return dict.fromkeys(columns, np.maximum(limit, LEAST_TOLERANCE))


class Risk:
    """How much the price moves: the volatility over the horizon, and how unusual it is."""

    def loss(self, raw: Values, target: Values) -> Values:
        """Return the QLIKE of the variance ratio."""
        return scores.qlike(np.exp(raw[:, 0]), target)

    def calibrate(self, raw: RawOutputs, data: TrainingData, splits: Splits) -> RiskScale:
        """Fit what the learned forecast is mixed with, and the quantiles of the mixture."""
        combination, rows = fit_combination(raw, data, splits), out_of_sample(splits)
        told = combined_volatility(combination, raw, data.closes, rows, data.horizon_steps)
        return fit_risk_scale(told, combination)

    def finish(
        self, raw: RawOutputs, calibration: Calibration, data: TrainingData, rows: Rows
    ) -> Columns:
        """Return the volatility of one candle and the risk score."""
        assert isinstance(calibration, RiskScale)
        volatility = predicted_volatility(calibration, raw, data.closes, rows, data.horizon_steps)
        return {"volatility": volatility, "risk_score": to_risk_score(volatility, calibration)}

    def tolerances(
        self, columns: Columns, calibration: Calibration
    ) -> Mapping[str, float | Values]:
        """Return a share of the volatility as of a band, and what the score makes of that.

        The score is the volatility's rank: on a price that rests on a few ticks it is so steep
        that the rounding of float32 is more than a probability's tolerance.
        """
        assert isinstance(calibration, RiskScale)
        volatility = columns["volatility"]
        limit = RETURN_TOLERANCE * np.maximum(volatility, np.median(volatility))
        limit = np.maximum(limit, LEAST_TOLERANCE)
        lowest, highest = (
            to_risk_score(v, calibration) for v in (volatility - limit, volatility + limit)
        )
        return {"volatility": limit, "risk_score": PROBABILITY_TOLERANCE + (highest - lowest)}


RULES: dict[Objective, ObjectiveRules] = {"Trend": Trend(), "Return": Return(), "Risk": Risk()}
