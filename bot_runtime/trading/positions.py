"""Positions and trades: what fills add up to."""

import math
from typing import Final, NamedTuple

from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.precision import Market, moved

NEVER: Final = 1 << 62
"""A target that no price reaches, and a time that does not come."""


class Fill(NamedTuple):
    """A quantity that was bought or sold.

    Attributes:
        at_ms: opening time of the candle it was filled in.
        ticks: price; `fee`: money.
    """

    at_ms: int
    purpose: Purpose
    lots: int
    ticks: int
    fee: int


class Position(NamedTuple):
    """What is held of one symbol, from the first fill of an entry to the last of an exit.

    Attributes:
        lots: held now; `bought`: all that ever were.
        paid, received: money, fees included.
        fees: money, of all fills.
        stop, target: prices in ticks; 0 and NEVER where there is none.
        until_ms: when its holding time ends.
        share: of the equity that it was last set to.
        regime: of the market at the entry, a position in REGIMES.
    """

    opened_ms: int
    lots: int
    bought: int
    paid: int
    received: int
    fees: int
    stop: int
    target: int
    until_ms: int
    share: float
    regime: int


class Dust(NamedTuple):
    """Lots that are too few to be sold, and what they have cost: they join the next exit."""

    lots: int = 0
    cost: int = 0


NO_DUST: Final = Dust()


class Trade(NamedTuple):
    """A position that was closed.

    Attributes:
        lots: all that were bought; `paid`, `received`, `fees`, `profit`: money, net of fees.
        purpose: of the order that closed it.
    """

    opened_ms: int
    closed_ms: int
    lots: int
    paid: int
    received: int
    fees: int
    profit: int
    purpose: Purpose
    regime: int


def posting(fill: Fill, market: Market) -> int:
    """Return the money that a fill brings; negative where it costs."""
    notional = market.notional(fill.lots, fill.ticks)
    return (-notional if fill.purpose.is_buy else notional) - fill.fee


def opened(order: Order, fill: Fill, market: Market, dust: Dust) -> Position:
    """Return the position that the first fill of an entry opens; dust of before joins it."""
    at_ms, _, bought, ticks, fee = fill
    lots, received = bought + dust.lots, 0
    paid = dust.cost - posting(fill, market)
    stop = 0 if order.stop >= 1.0 else moved(ticks, order.stop, up=False)
    target = NEVER if order.target == math.inf else moved(ticks, order.target, up=True)
    until_ms = at_ms + order.holding_ms if order.holding_ms else NEVER
    share = order.share if bought == order.lots else 0.0
    return Position(
        at_ms, lots, lots, paid, received, fee, stop, target, until_ms, share, order.regime
    )


def changed(position: Position, fill: Fill, market: Market) -> Position:
    """Return the position after one more fill."""
    opened_ms, lots, bought, paid, received, fees, stop, target, until_ms, share, regime = position
    fees += fill.fee
    if fill.purpose.is_buy:
        lots, bought, paid = lots + fill.lots, bought + fill.lots, paid - posting(fill, market)
    else:
        lots, received = lots - fill.lots, received + posting(fill, market)
    return Position(
        opened_ms, lots, bought, paid, received, fees, stop, target, until_ms, share, regime
    )


def closed(position: Position, at_ms: int, purpose: Purpose) -> tuple[Trade, Dust]:
    """Return the trade that a position was; what is left of it goes on as dust, at its own cost."""
    cost = position.paid * position.lots // position.bought
    trade = Trade(
        opened_ms=position.opened_ms,
        closed_ms=at_ms,
        lots=position.bought,
        paid=position.paid - cost,
        received=position.received,
        fees=position.fees,
        profit=position.received - position.paid + cost,
        purpose=purpose,
        regime=position.regime,
    )
    return trade, Dust(position.lots, cost) if position.lots else NO_DUST
