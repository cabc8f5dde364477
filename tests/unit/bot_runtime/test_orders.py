"""Orders: which state is the fold of which events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.trading.orders import (
    TERMINAL,
    OrderEvent,
    OrderSeen,
    OrderState,
    Purpose,
    fold,
)

S = OrderState
LOTS = 10
Told = tuple[OrderState, int]
events = st.lists(st.builds(OrderEvent, st.sampled_from(S), st.integers(0, LOTS)), max_size=8)


def seen(*told: Told) -> OrderSeen:
    return fold(LOTS, [OrderEvent(*each) for each in told])


@pytest.mark.parametrize(
    ("told", "state", "executed", "late"),
    [
        ([], S.INTENDED, 0, False),
        ([(S.REJECTED, 0)], S.REJECTED, 0, False),
        ([(S.UNKNOWN, 0)], S.UNKNOWN, 0, False),
        ([(S.UNKNOWN, 0), (S.OPEN, 0)], S.OPEN, 0, False),
        ([(S.OPEN, 0), (S.UNKNOWN, 0)], S.OPEN, 0, False),
        ([(S.UNKNOWN, 0), (S.ABSENT, 0)], S.ABSENT, 0, False),
        ([(S.OPEN, 0), (S.PARTIAL, 4), (S.FILLED, 10)], S.FILLED, 10, False),
        # Fills that are told before their order, and nothing else.
        ([(S.UNKNOWN, 4)], S.PARTIAL, 4, False),
        ([(S.UNKNOWN, 10)], S.FILLED, 10, False),
        ([(S.PARTIAL, 10)], S.FILLED, 10, False),
        # What was filled is kept.
        ([(S.PARTIAL, 4), (S.CANCELLED, 4)], S.CANCELLED, 4, False),
        ([(S.PARTIAL, 4), (S.EXPIRED, 0)], S.EXPIRED, 4, False),
        ([(S.PARTIAL, 6), (S.PARTIAL, 4)], S.PARTIAL, 6, False),
        ([(S.PARTIAL, 6), (S.OPEN, 0)], S.PARTIAL, 6, False),
        # Who was filled was accepted.
        ([(S.PARTIAL, 4), (S.REJECTED, 0)], S.PARTIAL, 4, False),
        ([(S.UNKNOWN, 4), (S.ABSENT, 0)], S.PARTIAL, 4, False),
        # A fill after the order was over.
        ([(S.ABSENT, 0), (S.PARTIAL, 4)], S.ABSENT, 4, True),
        ([(S.ABSENT, 0), (S.FILLED, 10)], S.FILLED, 10, True),
        ([(S.REJECTED, 0), (S.FILLED, 10)], S.FILLED, 10, True),
        ([(S.CANCELLED, 4), (S.PARTIAL, 6)], S.CANCELLED, 6, True),
        ([(S.CANCELLED, 4), (S.FILLED, 10)], S.FILLED, 10, True),
        ([(S.ABSENT, 0), (S.PARTIAL, 4), (S.FILLED, 10)], S.FILLED, 10, True),
        # The same again, and a state without its fills, which come by their own way.
        ([(S.FILLED, 10), (S.FILLED, 10)], S.FILLED, 10, False),
        ([(S.FILLED, 0), (S.PARTIAL, 4), (S.PARTIAL, 10)], S.FILLED, 10, False),
        ([(S.CANCELLED, 4), (S.OPEN, 0)], S.CANCELLED, 4, False),
    ],
)
def test_state_is_the_fold_of_events(
    told: list[Told],
    state: OrderState,
    executed: int,
    late: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert seen(*told) == OrderSeen(state, executed, late)


@given(events, events)
def test_executed_never_falls_and_what_is_over_stays_so(
    first: list[OrderEvent], then: list[OrderEvent]
) -> None:
    before, after = fold(LOTS, first), fold(LOTS, first + then)
    assert after.executed >= before.executed
    assert after.late >= before.late
    if before.state in TERMINAL:
        assert after.state in (before.state, OrderState.FILLED)
    if before.executed > 0:
        assert after.state not in (OrderState.INTENDED, OrderState.UNKNOWN, OrderState.OPEN)


@given(events)
def test_an_event_that_is_told_twice_changes_nothing(told: list[OrderEvent]) -> None:
    twice = [event for event in told for _ in range(2)]
    assert fold(LOTS, twice) == fold(LOTS, told)


def test_entries_and_increases_buy() -> None:
    assert {purpose.name for purpose in Purpose if purpose.is_buy} == {"ENTRY", "INCREASE"}
