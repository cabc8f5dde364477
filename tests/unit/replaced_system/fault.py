"""Faults of the system that this one replaces, and how a test shows that each is held off.

Every row of a table has a check, the product, and a mutant: a small variant of the product that has
the fault again. The check must pass on the product and refuse the mutant, in the words that belong
to the fault; a check that also passed on the mutant would prove nothing.

Held off with the release that brings the feature: orders that were never placed, paper profit that
risk limits did not see, fees and annualisation of the backtest and its speed, the drift detector
that cried at ordinary features, `/kill` that waited behind `/train`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Fault(Generic[P]):
    """One fault.

    Attributes:
        name: what the replaced system did.
        check: raises AssertionError where it is given something that does it too.
        words: part of the check's message about the mutant.
    """

    name: str
    check: Callable[[P], None]
    product: P
    mutant: P
    words: str


def each(*faults: Fault[Any]) -> pytest.MarkDecorator:
    """Return the parametrisation of a test over a table of faults."""
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


def assert_held_off(fault: Fault[Any]) -> None:
    """Pass where the check passes on the product and refuses the mutant for the right reason."""
    fault.check(fault.product)
    with pytest.raises(AssertionError, match=re.escape(fault.words)):
        fault.check(fault.mutant)


def is_refused(error: type[Exception], call: Callable[[], object]) -> bool:
    """Tell whether `call` ends in `error`."""
    try:
        call()
    except error:
        return True
    return False
