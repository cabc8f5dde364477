"""The risk forecast: the learned variance and HAR's, mixed by what each was worth of late.

    learned   the model's own, moved to the level of outcomes that no model was fitted to
    HAR       the mean of a sum of the variances over SPANS, which follows a jump at once, and of a
              product of them, which forgets it sooner (Corsi, 2009, in levels and in logarithms)
    mixture   weight * learned + (1 - weight) * HAR

The weight is a half where both had the same QLIKE on the SCORED candles, whose horizons have
passed, and moves towards the one that had less, up to MOST_WEIGHT. Variances are mixed and not
their logarithms: the mixture is never far below either, and QLIKE punishes nothing as much.

Everything is a function of the last `memory_of` slots of time. A candle that is missing among them
is passed over. These formulas and constants belong to the format of the manifest.
"""

from typing import Final

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.features.closes import Closes, Slots
from bot_runtime.features.sequences import RawOutputs
from bot_runtime.features.volatility import LEAST_VARIANCE_RATIO, VOLATILITY_CANDLES
from bot_runtime.scoring.scores import qlike
from bot_runtime.serving.outputs import LOG_RATIO_LIMIT, to_volatility
from bot_runtime.store.bundle import RiskCombination, RiskScale

SPANS: Final = (5, 20, VOLATILITY_CANDLES, 288)
"""Candles that HAR's variances span; the longest is a day of five minutes."""
CURRENT: Final = SPANS.index(VOLATILITY_CANDLES)
"""Place of the variance that the others are told in units of."""
SCORED, SCORED_EVERY = 12, 48
"""How many candles are scored, and how far apart: two days of five minutes.

Each costs every run another prediction of the learned model.
"""
RATE: Final = 0.2
"""By how much the log odds of the weight move for a QLIKE that is lower by 1 in total."""
MOST_WEIGHT: Final = 0.9


def memory_of(horizon_steps: int, context_length: int) -> int:
    """Return how many slots up to a row its forecast is a function of.

    The learned model needs `context_length` candles up to a row.
    """
    oldest = horizon_steps + (SCORED - 1) * SCORED_EVERY
    return oldest + max(context_length, max(SPANS) + 1)


def har_terms(slots: Slots) -> Values:
    """Return the variances over SPANS of the returns that are known in each slot, (s, 4)."""
    return np.column_stack([slots.variances(span) for span in SPANS])


def har_terms_at(closes: Closes, rows: Rows) -> Values:
    """Return the terms at each of `rows`, (m, 4)."""
    found = np.empty((len(rows), len(SPANS)))
    for own, at, slots in closes.slots(rows):
        found[own] = har_terms(slots)[at]
    return found


def har_logarithms(terms: Values) -> Values:
    """Return 1, and the logarithms of the other terms (s, 4) over the current one: (s, 4)."""
    logarithms = np.clip(np.log(terms / terms[:, [CURRENT]]), -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
    logarithms[:, CURRENT] = 1.0
    return np.asarray(logarithms)


def har_variance(combination: RiskCombination, terms: Values) -> Values:
    """Return HAR's variance of one candle by its terms (s, 4), (s,)."""
    constant, *shares = combination.variances
    summed = constant + terms @ np.array(shares)
    exponent = har_logarithms(terms) @ np.array(combination.logarithms)
    limited = np.clip(exponent, -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
    return np.asarray((summed + terms[:, CURRENT] * np.exp(limited)) / 2.0)


def predicted_volatility(
    scale: RiskScale, learned: RawOutputs, closes: Closes, rows: Rows, horizon_steps: int
) -> Values:
    """Return what a version tells of `rows`: the mixture, or the learned one of earlier formats."""
    if scale.combination is None:
        return to_volatility(learned.at(rows), closes.volatility(VOLATILITY_CANDLES)[rows])
    return combined_volatility(scale.combination, learned, closes, rows, horizon_steps)


def combined_volatility(
    combination: RiskCombination,
    learned: RawOutputs,
    closes: Closes,
    rows: Rows,
    horizon_steps: int,
) -> Values:
    """Return the predicted volatility of one candle over the horizon at each of `rows`, (m,).

    `learned` are the raw outputs of Risk at rows of `closes`; each of `rows` needs a whole window.
    """
    found, current = np.empty(len(rows)), closes.volatility(VOLATILITY_CANDLES)
    for own, at, slots in closes.slots(rows):
        terms = har_terms(slots)
        scored = at[:, None] - horizon_steps - SCORED_EVERY * np.arange(SCORED)
        asked = _asked(at, scored, slots, learned)
        told = slots.row[asked]
        variance = np.full(len(slots.row), np.nan)
        variance[asked] = to_volatility(learned.at(told), current[told]) ** 2
        variance *= np.exp(combination.level)
        har = har_variance(combination, terms)
        least = LEAST_VARIANCE_RATIO * terms[:, CURRENT]
        outcome = np.maximum(slots.variance_after(horizon_steps), least)
        lead = qlike(har, outcome) - qlike(variance, outcome)
        weight = weight_of(np.where(scored >= 0, lead[np.maximum(scored, 0)], np.nan))
        found[own] = np.sqrt(weight * variance[at] + (1.0 - weight) * har[at])
    return found


def _asked(at: Rows, scored: Rows, slots: Slots, learned: RawOutputs) -> Rows:
    """Return the slots that the learned model is asked for: all of `at`, and what can be scored."""
    past = np.unique(scored[scored >= 0])
    past = past[slots.row[past] >= 0]
    return np.union1d(at, past[learned.whole[slots.row[past]]])


def weight_of(lead: Values) -> Values:
    """Return the learned forecast's weight at each row, (m,).

    `lead` (m, SCORED) is by how much its QLIKE was lower than HAR's on the scored candles; NaN
    where nobody knows: of nothing known the weight is a half.
    """
    log_odds = np.clip(RATE * np.nansum(lead, axis=1), -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
    least = 1.0 - MOST_WEIGHT
    return np.asarray(least + (MOST_WEIGHT - least) / (1.0 + np.exp(-log_odds)))
