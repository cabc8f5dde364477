"""Positions, trades and dust: to the last unit of money."""

from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.positions import (
    NEVER,
    NO_DUST,
    Dust,
    Fill,
    Position,
    changed,
    closed,
    opened,
    posting,
)
from bot_runtime.trading.precision import Costs, Market

MARKET = Market("tick", "lot", 1, 0, 1, Costs(0, 0))  # type: ignore[arg-type]  # money of 1
ORDER = Order(Purpose.ENTRY, 10, 0, 0.5, 2, stop=0.25, target=0.5, holding_ms=300)


def fill(purpose: Purpose, lots: int, ticks: int, fee: int = 0) -> Fill:
    return Fill(7, purpose, lots, ticks, fee)


def test_a_posting_is_what_a_fill_brings() -> None:
    assert posting(fill(Purpose.ENTRY, 10, 100, 3), MARKET) == -1003
    assert posting(fill(Purpose.SIGNAL, 10, 100, 3), MARKET) == 997


def test_an_entry_opens_a_position() -> None:
    found = opened(ORDER, fill(Purpose.ENTRY, 10, 100, 3), MARKET, NO_DUST)
    assert found == Position(
        opened_ms=7,
        lots=10,
        bought=10,
        paid=1003,
        received=0,
        fees=3,
        stop=75,
        target=150,
        until_ms=307,
        share=0.5,
        regime=2,
    )


def test_a_position_without_stop_target_and_end() -> None:
    order = Order(Purpose.ENTRY, 10, 0, 0.5, 2)
    found = opened(order, fill(Purpose.ENTRY, 9, 100), MARKET, NO_DUST)
    assert (found.stop, found.target, found.until_ms) == (0, NEVER, NEVER)
    assert found.share == 0.0, "an entry in part is not yet the share that was wanted"


def test_a_trade_is_what_its_fills_add_up_to() -> None:
    position = opened(ORDER, fill(Purpose.ENTRY, 10, 100, 3), MARKET, Dust(2, 150))
    position = changed(position, fill(Purpose.INCREASE, 4, 110, 1), MARKET)
    assert (position.lots, position.bought, position.paid) == (16, 16, 1003 + 150 + 441)
    position = changed(position, fill(Purpose.DECREASE, 6, 120, 2), MARKET)
    assert (position.lots, position.bought, position.received) == (10, 16, 718)
    position = changed(position, fill(Purpose.SIGNAL, 7, 90, 2), MARKET)
    trade, dust = closed(position, 99, Purpose.SIGNAL)
    # Three lots are left of 16 that cost 1594: 298 of it goes on with them.
    assert dust == Dust(3, 298)
    assert (trade.opened_ms, trade.closed_ms, trade.purpose) == (7, 99, Purpose.SIGNAL)
    assert (trade.lots, trade.fees) == (16, 8)
    assert (trade.paid, trade.received) == (1594 - 298, 718 + 628)
    assert trade.profit == 1346 - 1296


def test_a_trade_without_a_rest_leaves_no_dust() -> None:
    position = opened(ORDER, fill(Purpose.ENTRY, 10, 100, 3), MARKET, NO_DUST)
    trade, dust = closed(changed(position, fill(Purpose.STOP, 10, 75, 2), MARKET), 99, Purpose.STOP)
    assert dust == NO_DUST
    assert trade.profit == 748 - 1003


fills = st.tuples(st.integers(1, 1000), st.integers(1, 1000), st.integers(0, 50))


@given(
    st.lists(st.tuples(fills, fills, st.booleans()), min_size=1, max_size=8), st.integers(1, 1000)
)
def test_profits_are_the_change_of_the_equity(
    rounds: list[tuple[tuple[int, int, int], tuple[int, int, int], bool]], last: int
) -> None:
    """Buy and sell in rounds, each of which leaves some dust; no money is lost on the way."""
    cash, dust, profits = 0, NO_DUST, 0
    for bought, (sold, price, fee), whole in rounds:
        entry = fill(Purpose.ENTRY, *bought)
        position = opened(ORDER, entry, MARKET, dust)
        cash += posting(entry, MARKET)
        lots = position.lots if whole else min(sold, position.lots)
        exits = fill(Purpose.SIGNAL, lots, price, fee)
        cash += posting(exits, MARKET)
        trade, dust = closed(changed(position, exits, MARKET), 0, Purpose.SIGNAL)
        profits += trade.profit
        assert trade.profit == trade.received - trade.paid
    worth = dust.lots * last
    assert cash + worth == profits + (worth - dust.cost)
