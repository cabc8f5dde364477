"""Whether anything that a study tried is worth more than holding the assets, after all costs.

Days are compared, so that every timeframe has the same measure. A setting's edge on a day is what
it earned less what holding earned, each in units of its own standard deviation: holding of equal
risk, for a bot that has a quarter of its equity in the market at most would lose against all of it
in every rising market, and win in every falling one, whatever it decides.

A setting is worth setting where three things hold:

- the Deflated Sharpe Ratio of its own returns is at least ENOUGH: it earns money, and more than
  luck gives the best of everything that was ever tried in the store;
- that of its edge is, too: staying out of a fall is not enough, and neither is riding a rise;
- the probability of overfitting over all that was tried is below CHANCE: what is best in one half
  of the days is, elsewhere, among the better ones more often than a draw would be.

ENOUGH is the usual one in twenty. CHANCE is no stricter, for where several settings are good alike
it says nothing against any of them which one came first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bot_runtime.arrays import Times, Values
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.scoring.overfitting import deflated_sharpe, probability_of_overfitting
from bot_runtime.scoring.ratios import returns_of
from bot_runtime.trading.account import Account

ENOUGH: Final = 0.95
CHANCE: Final = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """What an account and holding earned on each day that has candles, shares, (n,).

    `day` counts from 1970 in UTC.
    """

    day: Times
    net: Values
    held: Values

    @classmethod
    def of(cls, account: Account, held: Values) -> "Days":
        """Return the days of an account and of the equity of holding on the same candles."""
        day = (account.close_ms - 1) // DAY_MS
        last = np.flatnonzero(np.diff(day, append=day[-1] + 1))
        return cls(
            day[last],
            returns_of(account.capital, account.equity[last]),
            returns_of(account.capital, held[last]),
        )

    @property
    def edge(self) -> Values:
        """Return what was earned beyond holding at equal risk, in standard deviations, (n,)."""
        return _in_units(self.net) - _in_units(self.held)


def _in_units(returns: Values) -> Values:
    deviation = float(np.std(returns))
    return returns / deviation if deviation > 0.0 else np.zeros(len(returns))


@dataclass(frozen=True, slots=True)
class Skill:
    """Probabilities, deflated by all that was tried; NaN where nothing moved.

    Attributes:
        earns: that money is earned by more than luck.
        beats: that holding at equal risk is beaten by more than luck.
    """

    earns: float
    beats: float

    @classmethod
    def of(cls, days: Days, trials: int) -> "Skill":
        """Return the skill that days show, of a setting out of `trials`; none that never trades."""
        if not np.any(days.net):
            return UNKNOWN
        return cls(deflated_sharpe(days.net, trials), deflated_sharpe(days.edge, trials))

    @property
    def least(self) -> float:
        """Return the lower of both; 0 where one is not known."""
        return float(np.nan_to_num(np.minimum(self.earns, self.beats)))


UNKNOWN: Final = Skill(float("nan"), float("nan"))


def overfitting_of(tried: Sequence[Days]) -> float:
    """Return the probability of backtest overfitting over the days that all settings have.

    NaN where these are too few.
    """
    common = tried[0].day
    for days in tried[1:]:
        common = np.intersect1d(common, days.day)
    edges = [days.edge[np.isin(days.day, common)] for days in tried]
    return probability_of_overfitting(np.column_stack(edges))


def is_worth_setting(skill: Skill, overfitting: float) -> bool:
    """Tell whether a setting beats holding by enough; never where a figure is not known."""
    return skill.earns >= ENOUGH and skill.beats >= ENOUGH and overfitting < CHANCE
