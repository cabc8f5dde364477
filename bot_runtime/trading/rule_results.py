"""A rule that was applied: what was found, what was asked for, and whether it passed."""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np

from bot_runtime.arrays import Flags, Values
from bot_runtime.contract.trading import RuleName

Asked = tuple[RuleName, float, float, bool]
"""A rule as it is asked, with the fields of RuleResult: naming them takes longer than asking."""


class RuleResult(NamedTuple):
    """One rule at one candle: `value` was found, `threshold` asked for."""

    rule: RuleName
    value: float
    threshold: float
    passed: bool


@dataclass(frozen=True, slots=True, eq=False)
class RuleColumn:
    """One rule at many candles, each column (n,)."""

    rule: RuleName
    value: Values
    threshold: Values
    passed: Flags

    def __getitem__(self, row: int) -> RuleResult:
        return RuleResult(
            self.rule, float(self.value[row]), float(self.threshold[row]), bool(self.passed[row])
        )


def column(rule: RuleName, value: Values, threshold: Values | float, passed: Flags) -> RuleColumn:
    """Return a rule's column; a threshold that is the same everywhere takes no memory."""
    return RuleColumn(rule, value, np.broadcast_to(np.float64(threshold), value.shape), passed)


def binding(rules: Iterable[RuleResult]) -> RuleResult | None:
    """Return the first rule that did not pass: the one that decides; None where all did."""
    return next((rule for rule in rules if not rule.passed), None)


_PASSED: Final = itemgetter(3)


def any_refuses(asked: Iterable[Asked]) -> bool:
    """Tell whether a rule did not pass."""
    return not all(map(_PASSED, asked))
