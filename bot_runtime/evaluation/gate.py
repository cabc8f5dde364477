"""The gate: whether a version may be promoted. Pure; evaluation gathers the evidence.

A version passes when all of this holds:

- It is served as it was trained, and all its metrics are finite.
- On unseen candles, its log loss and its pinball loss are significantly lower than the naive
  forecast's, and lower by `margin` of it.
- They are not significantly higher than the champion's on the same candles, or lower by
  `championMargin` of it where the spec asks for one.
- Its QLIKE of the volatility is not significantly higher than that of either.
- Following its decisions there, after fees, does not lose significantly, neither against staying
  out nor against the champion.

The policy VolatilityManaged decides by the risk model alone. The forecasts of trend and return are
not judged under it, and its account is compared with one that holds the same mean share all the
time: whoever stays out is no reference for an account that always holds something.

A difference is significant when it exceeds a number of standard errors of its mean. These come from
blocks of several horizons (scores.compare). Without that rule a market of pure noise passes every
other time: the best constant differs from the base rate by a hair, in either direction. With LUCK
standard errors required of two losses at once, none of 140 markets of noise passed (docs/adr).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.spec import GateSpec
from bot_runtime.scoring.scores import Comparison

LUCK = 2.5
"""Standard errors that an improvement over the naive reference has to exceed.

As many by which the volatility may trail: where it does not change, nothing is there to improve.
"""
CHAMPION_LUCK = 1.0
"""Standard errors by which a candidate may trail the champion: it has seen newer candles."""
ROUNDING = 1e-6
"""Share of a loss by which the same model differs from itself: float32 sums in another order."""
LEAST_BLOCKS = 8
"""Fewest blocks that say anything of a standard error."""
STAYING_OUT = "staying out"
CONSTANT_SHARE = "a constant share of the same mean"
"""What an account is compared with."""


@dataclass(frozen=True, slots=True)
class Duel:
    """The version against one reference: `loss` and `reference` are means over the same rows.

    Attributes:
        as_served: the reference's mean loss there as it is served, where it was fitted once more,
            to some of these rows too; nothing is decided by it.
    """

    name: str
    against: str
    loss: float
    reference: float
    comparison: Comparison
    as_served: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What evaluation found.

    Attributes:
        parity: deviations of served from trained predictions; empty where all rows agree.
        metrics: every metric of the three objectives.
        naive: duels with the naive references, which it has to win.
        volatility: duels with naive forecasts of the volatility, which it must not lose.
        champion: duels with the champion, on candles that neither has learned from.
        trading: the account that follows its decisions, against one that would cost no thought.
    """

    parity: tuple[str, ...]
    metrics: Mapping[str, float]
    naive: tuple[Duel, ...]
    volatility: tuple[Duel, ...] = field(default=())
    champion: tuple[Duel, ...] = field(default=())
    trading: tuple[Duel, ...] = field(default=())

    @property
    def duels(self) -> tuple[Duel, ...]:
        """Return all of them."""
        return (*self.naive, *self.volatility, *self.champion, *self.trading)


def check_gate(evidence: Evidence, spec: GateSpec) -> tuple[str, ...]:
    """Return why the version may not be promoted, with numbers; empty where it may."""
    reasons = [f"Parity: {finding}" for finding in evidence.parity]
    reasons += [
        f"NotFinite: {name} is {value}: a market that stands still, or too few unseen candles"
        for name, value in evidence.metrics.items()
        if not math.isfinite(value)
    ]
    if spec.mode == "Enforce":
        reasons += [r for duel in evidence.naive if (r := _check_naive(duel, spec.margin))]
        reasons += [r for duel in evidence.volatility if (r := _check_volatility(duel))]
        least = spec.champion_margin
        reasons += [r for duel in evidence.champion if (r := _check_champion(duel, least))]
        reasons += [r for duel in evidence.trading if (r := _check_trading(duel))]
    return tuple(reasons)


def _check_naive(duel: Duel, margin: float) -> str | None:
    gain, error = duel.comparison.gain, duel.comparison.standard_error
    shown = _shown(duel)
    if duel.comparison.blocks < LEAST_BLOCKS:
        return (
            f"{Reason.NOT_BETTER_THAN_NAIVE}: {shown}: {duel.comparison.blocks} blocks of unseen "
            f"candles, {LEAST_BLOCKS} are needed"
        )
    asked = max(LUCK * error, margin * duel.reference)
    if gain > asked:  # false for NaN
        return None
    return f"{Reason.NOT_BETTER_THAN_NAIVE}: {shown}: gain {gain:.3g}, asked > {asked:.3g}"


def _check_volatility(duel: Duel) -> str | None:
    gain, allowed = duel.comparison.gain, LUCK * duel.comparison.standard_error
    if gain >= -allowed:  # false for NaN
        return None
    return (
        f"{Reason.NOT_BETTER_THAN_NAIVE}: {_shown(duel)}: worse by {-gain:.3g}, "
        f"allowed {allowed:.3g}"
    )


def _check_champion(duel: Duel, margin: float) -> str | None:
    gain, error = duel.comparison.gain, duel.comparison.standard_error
    if margin > 0:
        asked = margin * abs(duel.reference)
        if gain >= asked:
            return None
        return f"NotBetterThanChampion: {_shown(duel)}: gain {gain:.3g}, asked {asked:.3g}"
    allowed = max(CHAMPION_LUCK * error, ROUNDING * abs(duel.reference))
    if gain >= -allowed:
        return None
    return f"WorseThanChampion: {_shown(duel)}: worse by {-gain:.3g}, allowed {allowed:.3g}"


def _check_trading(duel: Duel) -> str | None:
    gain, error = duel.comparison.gain, duel.comparison.standard_error
    if gain >= -CHAMPION_LUCK * error:
        return None
    if duel.against != STAYING_OUT:
        return (
            f"LosesMoney: {_shown(duel)}: worse by {-gain:.3g} a candle, allowed "
            f"{CHAMPION_LUCK * error:.3g}"
        )
    return (
        f"LosesMoney: its decisions earned {-duel.loss:.3g} of the equity a candle after fees; "
        f"at least {-CHAMPION_LUCK * error:.3g} is asked: raise probMin or minExpectedReturn"
    )


def _shown(duel: Duel) -> str:
    return f"{duel.name} {duel.loss:.6g}, {duel.against} {duel.reference:.6g}"
