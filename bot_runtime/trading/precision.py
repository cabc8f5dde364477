"""Exact numbers: prices in ticks, quantities in lots, money in whole units; the one place to round.

Every order's price is a multiple of the market's tick, every quantity one of its lot. Whatever does
not fit is rounded against the account: what is bought costs a tick more, what is sold brings a tick
less, a quantity is cut, a fee is rounded up. Money is counted in units of 10^-18 of the quote
asset, as finely as a journal keeps it, so that no sum is ever rounded; fees are whole multiples of
10^-8, as exchanges book them.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

import numpy as np

from bot_runtime.arrays import Counts, Values

MONEY_DIGITS: Final = 18
_UNIT: Final = 10**MONEY_DIGITS
_EXACT: Final = Context(prec=100)
"""Room for every digit of a sum of money: decimal's own 28 would round it."""
_FEE_UNIT: Final = 10 ** (MONEY_DIGITS - 8)
_BPS: Final = 10**12
"""Fees and slippage are counted in 10^-12 of a price: a hundred-millionth of a basis point."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What a trade costs beside its price, in 10^-12 of it: `fee` and `slippage` of one side."""

    fee: int
    slippage: int

    @classmethod
    def of(cls, fees_bps: float, slippage_bps: float) -> "Costs":
        """Return costs given in basis points of one side, as they were written."""
        scale = _BPS // 10_000
        fee, slippage = (int(Decimal(str(bps)) * scale) for bps in (fees_bps, slippage_bps))
        return cls(fee, slippage)

    @property
    def slippage_share(self) -> float:
        """Return the slippage of one side, a share of the price."""
        return self.slippage / _BPS

    def fee_of(self, notional: int) -> int:
        """Return the fee of a fill, in money, rounded up to what exchanges book."""
        return -(-notional * self.fee // (_BPS * _FEE_UNIT)) * _FEE_UNIT

    def bought_at(self, ticks: int) -> int:
        """Return the price of a market buy where the market stands at `ticks`."""
        return -(-ticks * (_BPS + self.slippage) // _BPS)

    def sold_at(self, ticks: int) -> int:
        """Return the price of a market sale where the market stands at `ticks`; at least one."""
        return max(1, ticks * (_BPS - self.slippage) // _BPS)

    def most_lots(self, cash: int, price_of_a_lot: int) -> int:
        """Return how many lots a sum of money pays for, fee included.

        A step of the fee is kept back: the fee is rounded up to it.
        """
        dearest = price_of_a_lot + -(-price_of_a_lot * self.fee // _BPS)
        return max(0, cash - _FEE_UNIT) // dearest


@dataclass(frozen=True, slots=True)
class Market:
    """What a market takes and what trading in it costs.

    Attributes:
        tick, lot: smallest step of a price, in the quote asset, and of a quantity, in the base.
        min_lots: smallest order, in lots.
        min_notional: smallest order, in money.
        value: money of one lot at a price of one tick.
        costs: of one side.
    """

    tick: Decimal
    lot: Decimal
    min_lots: int
    min_notional: int
    value: int
    costs: Costs

    @classmethod
    def of(
        cls,
        tick: Decimal,
        lot: Decimal,
        costs: Costs,
        min_quantity: Decimal = Decimal(0),
        min_notional: Decimal = Decimal(0),
    ) -> "Market":
        """Return the market of an exchange's filters, at some costs.

        Raises ValueError that names the filter where one is not positive, or finer than money.
        """
        for name, step in (("tick", tick), ("lot", lot)):
            if not step.is_finite() or step <= 0:
                raise ValueError(f"{name}: found {step}; a step is above 0")
        value = _EXACT.scaleb(_EXACT.multiply(tick, lot), MONEY_DIGITS)
        if value != int(value):
            raise ValueError(
                f"tick {tick} by lot {lot}: finer than 10^-{MONEY_DIGITS} of the quote asset, "
                "which is the unit of money"
            )
        return cls(
            tick,
            lot,
            max(1, int((min_quantity / lot).to_integral_value(ROUND_CEILING))),
            to_money(min_notional),
            int(value),
            costs,
        )

    def ticks(self, prices: Values) -> Counts:
        """Return prices (n,) as the nearest whole ticks; at least one."""
        return np.maximum(np.rint(prices / float(self.tick)), 1.0).astype(np.int64)

    def lots(self, quantities: Values) -> Counts:
        """Return quantities (n,) of the base asset as whole lots, cut; at most 2^62."""
        with np.errstate(over="ignore"):
            cut = np.floor(quantities / float(self.lot) * (1.0 + 1e-12))
        return np.minimum(cut, 2.0**62).astype(np.int64)

    def price(self, ticks: int) -> Decimal:
        """Return a price in the quote asset."""
        return ticks * self.tick

    def quantity(self, lots: int) -> Decimal:
        """Return a quantity of the base asset."""
        return lots * self.lot

    def notional(self, lots: int, ticks: int) -> int:
        """Return what lots are worth at a price, in money."""
        return lots * ticks * self.value

    def takes(self, lots: int, ticks: int) -> bool:
        """Tell whether the exchange takes an order of this size at this price."""
        return lots >= self.min_lots and lots * ticks * self.value >= self.min_notional


def to_money(amount: Decimal) -> int:
    """Return an amount of the quote asset as money, cut."""
    return int(_EXACT.scaleb(amount, MONEY_DIGITS).to_integral_value(ROUND_FLOOR))


def to_decimal(money: int) -> Decimal:
    """Return money as an amount of the quote asset, exactly."""
    return _EXACT.scaleb(Decimal(money), -MONEY_DIGITS)


def to_float(money: int) -> float:
    """Return money as an amount of the quote asset, for statistics."""
    return money / _UNIT


def part_of(money: int, share: float) -> int:
    """Return a share of a sum of money, cut."""
    numerator, denominator = share.as_integer_ratio()
    return money * numerator // denominator


def moved(ticks: int, share: float, *, up: bool) -> int:
    """Return a price that lies a share of it away, rounded up or down to a tick; at least one."""
    numerator, denominator = share.as_integer_ratio()
    if up:
        return -(-ticks * (denominator + numerator) // denominator)
    return max(1, ticks * (denominator - numerator) // denominator)
