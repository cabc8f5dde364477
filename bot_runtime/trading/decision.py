"""From predictions and the thresholds to LONG, SHORT or NO_TRADE, how much, and why.

Policy Thresholds:

LONG   iff risk_score <= riskMax, the regime allows entries, prob_up >= probMin + probMinAdd of the
       regime, and p50 >= minExpectedReturn + 2 * feesBps / 10000
SHORT  the same of 1 - prob_up and -p50, in any regime (on a spot market: sell what is held)
else   NO_TRADE with the first rule that refused, of the likelier direction

confidence = (2 * p - 1) * (1 - risk_score), p the probability of the likelier direction

Policy VolatilityManaged: LONG where a share is to be held, SHORT where none is. See
volatility_managed.py for it, and sizing.py for the share that a LONG asks for.

All is computed for whole columns; one prediction is a column of one.
"""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from bot_runtime.arrays import Counts, Flags, Rows, Values
from bot_runtime.contract.signal import Decision, DecisionReason, reason_text
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import REGIMES, Regime, RuleName
from bot_runtime.serving.predictions import Prediction, Predictions
from bot_runtime.trading import sizing, volatility_managed
from bot_runtime.trading.reasons import tell_managed, tell_thresholds
from bot_runtime.trading.rule_results import RuleColumn, RuleResult, column
from bot_runtime.trading.strategy import Strategy

_DECISIONS: Final[dict[int, Decision]] = {1: "LONG", -1: "SHORT", 0: "NO_TRADE"}


class Intent(NamedTuple):
    """What a decision asks of the account.

    Attributes:
        side: 1 for LONG, -1 for SHORT, else 0.
        share: of the equity that is to be in the position; 0 but for LONG.
        growth: expected log growth of the equity by a position of that share.
        stop, target: distances from an entry's price, shares of it; inf where there is none.
        holding_ms: for how long a position is held; 0 where it follows the share.
    """

    side: int
    share: float
    growth: float = 0.0
    stop: float = math.inf
    target: float = math.inf
    holding_ms: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """What one prediction says is to be done, before anything is known of the account.

    Attributes:
        found: the numbers of the reason.
        rules: every rule of the decision, in the order in which they are asked.
        bounds: every bound of the share, where there is one; the least of them binds.
    """

    decision: Decision
    reason: DecisionReason
    found: str
    confidence: float
    risk_allowed: bool
    regime: Regime
    intent: Intent
    rules: tuple[RuleResult, ...]
    bounds: tuple[RuleResult, ...]

    @property
    def text(self) -> str:
        """The reason with its numbers, as a signal has it."""
        return reason_text(self.reason, self.found)


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """The views of many rows: columns (n,).

    Attributes:
        side, share, growth, stop, target: as an Intent has them.
        up: whether a rise is the likelier direction.
        rules: what was asked of each row.
        sized: rows that ask for a share; `bounds` are over them alone.
    """

    predictions: Predictions
    strategy: Strategy
    regimes: Rows
    up: Flags
    side: Counts
    share: Values
    growth: Values
    stop: Values
    target: Values
    rules: tuple[RuleColumn, ...]
    bounds: tuple[RuleColumn, ...]
    sized: Rows

    def __len__(self) -> int:
        return len(self.side)

    def decision(self, row: int) -> Decision:
        """Return what is decided at a row."""
        return _DECISIONS[int(self.side[row])]

    @property
    def refused(self) -> Counter[RuleName]:
        """Return how many rows each rule refused first."""
        refused, open_yet = Counter[RuleName](), np.ones(len(self), dtype=np.bool_)
        for rule in self.rules:
            refused[rule.rule] += int(np.sum(open_yet & ~rule.passed))
            open_yet &= rule.passed
        return +refused

    def intent(self, row: int) -> Intent:
        """Return what a row asks of the account."""
        return Intent(
            self.side.item(row),
            self.share.item(row),
            self.growth.item(row),
            self.stop.item(row),
            self.target.item(row),
            self.strategy.holding_ms,
        )

    def __getitem__(self, row: int) -> View:
        prediction, rules = self.predictions[row], tuple(rule[row] for rule in self.rules)
        place = int(np.searchsorted(self.sized, row))
        is_sized = place < len(self.sized) and self.sized[place] == row
        bounds = tuple(bound[place] for bound in self.bounds) if is_sized else ()
        probability = prediction.prob_up if self.up[row] else 1.0 - prediction.prob_up
        regime = REGIMES[int(self.regimes[row])]
        if self.strategy.is_managed:
            reason, found = tell_managed(rules, bounds, float(self.share[row]))
        else:
            direction: Decision = "LONG" if self.up[row] else "SHORT"
            reason, found = tell_thresholds(rules, direction, regime, prediction)
        return View(
            decision=self.decision(row),
            reason=reason,
            found=found,
            confidence=(2.0 * probability - 1.0) * (1.0 - prediction.risk_score),
            risk_allowed=rules[0].passed,
            regime=regime,
            intent=self.intent(row),
            rules=rules,
            bounds=bounds,
        )


def decide(prediction: Prediction, strategy: Strategy, regime: Regime) -> View:
    """Return the view of one prediction under the policy Thresholds; pure."""
    regimes = np.array([REGIMES.index(regime)])
    return views_of(Predictions.of(prediction), strategy, regimes, np.zeros(1, dtype=np.int64))[0]


def views_of(predictions: Predictions, strategy: Strategy, regimes: Rows, candle: Counts) -> Views:
    """Return the views of rows in time order, of one symbol.

    `regimes` (n,) are positions in REGIMES, `candle` (n,) the numbers of the candles: a share that
    is managed depends on the candles before it (volatility_managed.MEMORY).
    """
    up = (predictions.prob_up > 0.5) | ((predictions.prob_up == 0.5) & (predictions.p50 >= 0.0))
    if strategy.is_managed:
        rules, bounds, wanted = volatility_managed.wanted_shares(predictions, strategy)
        share = volatility_managed.held_shares(
            wanted, candle, volatility_managed.BAND * strategy.risk.max_position
        )
        side, sized = np.where(share > 0.0, 1, -1), np.arange(len(share))
        stop, target = np.full(len(share), np.inf), np.full(len(share), np.inf)
        growth = np.zeros(len(share))
    else:
        rules = _rules_of(predictions, strategy, regimes, up)
        passed: Flags = np.logical_and.reduce([rule.passed for rule in rules])
        side = np.where(passed, np.where(up, 1, -1), 0)
        sized = np.flatnonzero(side == 1)
        entries = predictions.at(sized)
        bounds = sizing.bounds_of(entries, strategy)
        share, growth, stop, target = (np.zeros(len(side)) for _ in range(4))
        share[sized] = sizing.least_of(bounds) * strategy.of_regime("size", regimes[sized])
        growth[sized] = sizing.expected_growth(share[sized], sizing.net_outcomes(entries, strategy))
        stop[sized], target[sized] = sizing.distances_of(entries, strategy)
    return Views(
        predictions, strategy, regimes, up, side, share, growth, stop, target, rules, bounds, sized
    )


def least_return(thresholds: DecisionSpec) -> float:
    """Return the simple return that a trade has to promise: the minimum after a round trip."""
    return thresholds.min_expected_return + 2.0 * thresholds.fees_bps / 10_000.0


def _rules_of(
    predictions: Predictions, strategy: Strategy, regimes: Rows, up: Flags
) -> tuple[RuleColumn, ...]:
    """Return the rules of the policy Thresholds, in the order in which they refuse."""
    thresholds, risk = strategy.decision, predictions.risk_score
    probability = np.where(up, predictions.prob_up, 1.0 - predictions.prob_up)
    promised = np.where(up, predictions.p50, -predictions.p50)
    # A regime makes entries harder and never exits.
    entries = np.where(up, strategy.of_regime("entries", regimes), 1.0)
    asked = thresholds.prob_min + np.where(up, strategy.of_regime("prob_min_add", regimes), 0.0)
    least = least_return(thresholds)
    return (
        column(RuleName.RISK_MAX, risk, thresholds.risk_max, risk <= thresholds.risk_max),
        column(RuleName.REGIME, entries, 1.0, entries >= 1.0),
        column(RuleName.PROB_MIN, probability, asked, probability >= asked),
        column(RuleName.MIN_EXPECTED_RETURN, promised, least, promised >= least),
    )
