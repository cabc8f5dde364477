"""What became of orders: each fill belongs to one, and each order's events add up to its fills."""

from collections import Counter, defaultdict
from typing import NamedTuple

from bot_runtime.trading.ids import order_id
from bot_runtime.trading.orders import TERMINAL, Order, OrderEvent, OrderState, Purpose, fold
from bot_runtime.trading.positions import Fill
from bot_runtime.trading.worked_orders import Worked
from tests.unit.bot_runtime.random_markets import RandomMarket, random_market
from tests.unit.bot_runtime.resumed import in_steps, times_of, whole

SEEDS = range(60)
SALES = (Purpose.STOP, Purpose.TARGET)


class Told(NamedTuple):
    """One order as a journal has it: what it was placed with, and what was told of it."""

    symbol: str
    order: Order
    told: list[Worked]

    @property
    def events(self) -> list[OrderEvent]:
        """Return its events: what was executed is what is not left."""
        return [OrderEvent(each.state, self.order.lots - each.left) for each in self.told]


def orders_of(market: RandomMarket) -> dict[str, Told]:
    """Return every order that was placed, by its id."""
    found = market.walk().follow(whole(market), is_told=True)
    told: dict[str, Told] = {}
    for plan in found.plans:
        order = plan.action.order
        if order is not None and order.purpose.is_buy:
            id_ = order_id("0" * 8, plan.symbol, order, order.placed_ms)
            assert id_ not in told, "an id is used once"
            told[id_] = Told(plan.symbol, order, [])
    for each in found.orders:
        id_ = order_id("0" * 8, each.symbol, each.order, each.opened_ms)
        told.setdefault(id_, Told(each.symbol, each.order, [])).told.append(each)
    return told


def test_each_fill_belongs_to_one_order_and_the_events_add_up_to_it() -> None:
    states: Counter[tuple[Purpose, OrderState]] = Counter()
    for seed in SEEDS:
        market = random_market(seed)
        found = market.walk().follow(whole(market), is_told=True)
        fills = [(each.symbol, each.fill) for each in found.orders if each.fill is not None]
        assert sorted(fills) == sorted(found.fills)
        for symbol, order, told in orders_of(market).values():
            executed = sum(each.fill.lots for each in told if each.fill is not None)
            seen = fold(order.lots, Told(symbol, order, told).events)
            assert seen.executed == executed, (seed, symbol, order)
            assert not seen.late
            states[order.purpose, seen.state] += 1
            ended = [each.state in TERMINAL for each in told]
            assert not any(ended[:-1]), "nothing is told of an order after its end"
    buys = {OrderState.INTENDED, OrderState.EXPIRED, OrderState.FILLED}
    for purpose in (Purpose.ENTRY, Purpose.INCREASE):
        assert {state for each, state in states if each is purpose} >= buys - {OrderState.INTENDED}
        assert {state for each, state in states if each is purpose} <= buys
    for purpose in (Purpose.SIGNAL, Purpose.TIME, Purpose.STOP, Purpose.TARGET):
        assert states[purpose, OrderState.FILLED] >= 20
    assert states[Purpose.TARGET, OrderState.PARTIAL], "what is left of a target waits"


def test_what_is_told_of_an_order_is_the_same_in_any_parts() -> None:
    for seed in range(20):
        market = random_market(seed)
        one = market.walk().follow(whole(market), is_told=True)
        steps, _ = in_steps(market, times_of(market.tracks)[1:], is_told=True)
        assert [each for part in steps for each in part.orders] == one.orders
        assert [each for part in steps for each in part.plans] == one.plans


def test_an_order_begins_with_the_position_that_it_belongs_to() -> None:
    for seed in SEEDS:
        market = random_market(seed)
        found = market.walk().follow(whole(market), is_told=True)
        opened: defaultdict[str, set[int]] = defaultdict(set)
        closed: dict[str, Fill] = {}
        for each in found.orders:
            if each.order.purpose is Purpose.ENTRY:
                assert each.opened_ms == each.order.placed_ms
                if each.fill is not None:
                    assert each.fill.at_ms == each.opened_ms
                    opened[each.symbol].add(each.opened_ms)
            else:
                assert each.opened_ms == max(opened[each.symbol])
            if each.fill is not None:
                closed[each.symbol] = each.fill
        for symbol, trade in found.trades:
            assert trade.opened_ms in opened[symbol]


def test_nothing_is_told_where_nobody_asks() -> None:
    market = random_market(0)
    found = market.walk().follow(whole(market))
    assert (found.plans, found.orders) == ([], [])
    assert found.fills
