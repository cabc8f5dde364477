"""A plain, slow account: what the pages of the trading core say, written down a second time.

One loop over candles, in Decimal and Fraction. Nothing of bot_runtime.trading is used. What a view
asks for (a Wish) and the room that other positions leave are given: they have tests of their own.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, Context, Decimal, localcontext
from fractions import Fraction
from typing import NamedTuple

from bot_runtime.contract.trading import RiskSpec

DAY_MS = 86_400_000
MONDAY_MS = 4 * DAY_MS
"""1970-01-05, a Monday."""
FEE_STEP = Decimal("1e-8")
MONEY_STEP = Decimal("1e-18")
BUYS = ("ENTRY", "INCREASE")


class Candle(NamedTuple):
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Wish(NamedTuple):
    """What a view asks for; `stop` and `target` are shares of the price, None where unset."""

    side: int
    share: float
    growth: float = 0.0
    stop: float | None = None
    target: float | None = None


class Terms(NamedTuple):
    """What a market takes and costs; `fee` and `slippage` of one side, shares of the price."""

    tick: Decimal
    lot: Decimal
    fee: Decimal
    slippage: Decimal
    min_quantity: Decimal
    min_notional: Decimal

    def takes(self, quantity: Decimal, price: Decimal) -> bool:
        return (
            quantity >= max(self.lot, self.min_quantity) and quantity * price >= self.min_notional
        )

    def fee_of(self, quantity: Decimal, price: Decimal) -> Decimal:
        return _ceiling(Fraction(quantity * price * self.fee), FEE_STEP)

    def bought_at(self, price: Decimal) -> Decimal:
        return _ceiling(Fraction(price * (1 + self.slippage)), self.tick)

    def sold_at(self, price: Decimal) -> Decimal:
        return max(self.tick, _floor(Fraction(price * (1 - self.slippage)), self.tick))

    def affordable(self, money: Decimal, price: Decimal) -> Decimal:
        """Return what money buys: a step of the fee is kept back for its rounding."""
        of_a_lot = self.lot * price
        dearest = of_a_lot + _ceiling(Fraction(of_a_lot * self.fee), MONEY_STEP)
        return max(Decimal(0), (money - FEE_STEP) // dearest) * self.lot


@dataclass
class Order:
    purpose: str
    quantity: Decimal
    placed_ms: int
    share: float
    stop: float | None = None
    target: float | None = None


@dataclass
class Position:
    opened_ms: int
    held: Decimal
    bought: Decimal
    paid: Decimal
    received: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    stop: Decimal | None = None
    target: Decimal | None = None
    share: float = 0.0


class Fill(NamedTuple):
    symbol: str
    at_ms: int
    purpose: str
    quantity: Decimal
    price: Decimal
    fee: Decimal


class Trade(NamedTuple):
    symbol: str
    opened_ms: int
    closed_ms: int
    quantity: Decimal
    paid: Decimal
    received: Decimal
    fees: Decimal
    profit: Decimal
    purpose: str


class Trip(NamedTuple):
    at_ms: int
    limit: str
    threshold: float
    resets_ms: int | None


class Row(NamedTuple):
    close_ms: int
    equity: Decimal
    cash: Decimal


@dataclass
class Held:
    """What is known of one symbol."""

    name: str
    terms: Terms
    candles: Mapping[int, Candle]
    wishes: Mapping[int, Wish]
    position: Position | None = None
    order: Order | None = None
    dust: Decimal = Decimal(0)
    dust_cost: Decimal = Decimal(0)
    close: Decimal = Decimal(0)
    cooldown_ms: int = 0

    @property
    def value(self) -> Decimal:
        return (self.position.held if self.position else self.dust) * self.close

    @property
    def is_idle(self) -> bool:
        return self.position is None and self.order is None and self.dust == 0


@dataclass
class Account:
    """An account of several symbols, and everything that happened to it.

    `room` gives the weight that others (name, weight) leave to a symbol at a candle's open.
    """

    held: Sequence[Held]
    risk: RiskSpec
    interval_ms: int
    holding_ms: int
    is_managed: bool
    capital: Decimal
    room: Callable[[list[tuple[str, float]], str, int], float]
    rows: list[Row] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    """How often each rare thing happened."""

    def __post_init__(self) -> None:
        self.cash = self.capital
        self.times = sorted({time for one in self.held for time in one.candles})
        self.streak = 0
        self.stands: dict[str, int | None] = {}
        """Limits of the whole account that stand, and until when; None: for good."""
        self.peak = self.capital
        self.before_ms = self.times[0]

    def run(self) -> "Account":
        with localcontext(Context(prec=80)):
            for open_ms in self.times:
                self._candle(open_ms)
        return self

    def _candle(self, open_ms: int) -> None:
        close_ms = open_ms + self.interval_ms
        for one in self.held:
            if open_ms in one.candles:
                self._settle(one, open_ms)
        equity = self.cash + sum(one.value for one in self.held)
        self.rows.append(Row(close_ms, equity, self.cash))
        self._judge(close_ms, equity)
        for one in self.held:
            if open_ms in one.candles and one.order is None:
                self._plan(one, open_ms, equity)
        self.before_ms = close_ms

    # --- fills: one candle

    def _settle(self, one: Held, open_ms: int) -> None:
        candle, terms, order = one.candles[open_ms], one.terms, one.order
        one.close = candle.close
        room = candle.volume * Decimal("0.1") // terms.lot * terms.lot
        sold = touched = False
        purpose = "ENTRY"
        if order is not None and order.purpose in BUYS:
            one.order = None
            bought = self._buy(one, order, open_ms, room)
            room -= bought
            touched = bought > 0
            order = None
        if one.position is not None:
            if order is None:
                order, price = self._reached(one, candle, open_ms)
            else:
                price = terms.sold_at(candle.open)
            if order is not None:
                self._sell(one, order, open_ms, price, room)
                sold, purpose = True, order.purpose
        if one.position is not None and (touched or sold):
            self._close(one, open_ms, purpose)

    def _buy(self, one: Held, order: Order, open_ms: int, room: Decimal) -> Decimal:
        terms = one.terms
        if open_ms != order.placed_ms:
            self.seen["buy expired in a gap"] += 1
            return Decimal(0)
        price = terms.bought_at(one.candles[open_ms].open)
        paid_for = terms.affordable(self.cash, price)
        wanted = min(order.quantity, paid_for)
        quantity = min(wanted, room)
        self.seen["buy cut by cash"] += paid_for < order.quantity
        self.seen["buy cut by volume"] += 0 < room < wanted
        if quantity <= 0 or not terms.takes(wanted, price):
            self.seen["buy not filled"] += 1
            return Decimal(0)
        cost = quantity * price + self._fill(one, open_ms, order.purpose, quantity, price)
        if one.position is None:
            fill = price
            one.position = Position(
                open_ms, quantity + one.dust, quantity + one.dust, cost + one.dust_cost
            )
            self.seen["dust joined"] += one.dust > 0
            one.dust = one.dust_cost = Decimal(0)
            if order.stop is not None:
                below = Fraction(fill) * (1 - Fraction(order.stop))
                one.position.stop = max(terms.tick, _floor(below, terms.tick))
            if order.target is not None:
                one.position.target = _ceiling(
                    Fraction(fill) * (1 + Fraction(order.target)), terms.tick
                )
        else:
            one.position.held += quantity
            one.position.bought += quantity
            one.position.paid += cost
        one.position.fees += self.fills[-1].fee
        if quantity == order.quantity:
            one.position.share = order.share
        return quantity

    def _reached(self, one: Held, candle: Candle, open_ms: int) -> tuple[Order | None, Decimal]:
        position = one.position
        assert position is not None
        stop, target = position.stop, position.target
        if stop is not None and candle.low <= stop:
            self.seen["gap through a stop"] += candle.open < stop
            self.seen["stop and target in one candle"] += (
                target is not None and candle.high >= target
            )
            self.seen["stop in the entry's candle"] += position.opened_ms == open_ms
            price = one.terms.sold_at(min(candle.open, stop))
            return Order("STOP", position.held, open_ms, 0.0), price
        if target is not None and candle.high >= target:
            return Order("TARGET", position.held, open_ms, 0.0), target
        return None, Decimal(0)

    def _sell(self, one: Held, order: Order, open_ms: int, price: Decimal, room: Decimal) -> None:
        position, terms = one.position, one.terms
        assert position is not None
        quantity = min(order.quantity, room)
        fee = terms.fee_of(quantity, price)
        if quantity > 0 and terms.takes(order.quantity, price) and quantity * price > fee:
            self._fill(one, open_ms, order.purpose, quantity, price)
            position.held -= quantity
            position.received += quantity * price - fee
            position.fees += fee
            order.quantity -= quantity
            self.seen[f"{order.purpose} in parts"] += order.quantity > 0
        one.order = order
        if order.quantity == 0:
            one.order, position.share = None, order.share
        elif order.purpose == "TARGET":
            one.order = None
        elif order.purpose == "DECREASE" and not terms.takes(order.quantity, one.close):
            self.seen["decrease too small to go on"] += 1
            one.order, position.share = None, order.share

    def _fill(
        self, one: Held, open_ms: int, purpose: str, quantity: Decimal, price: Decimal
    ) -> Decimal:
        fee = one.terms.fee_of(quantity, price)
        self.fills.append(Fill(one.name, open_ms, purpose, quantity, price, fee))
        self.cash += -(quantity * price) - fee if purpose in BUYS else quantity * price - fee
        return fee

    def _close(self, one: Held, open_ms: int, purpose: str) -> None:
        position = one.position
        assert position is not None
        if position.held > 0 and one.terms.takes(position.held, one.close):
            return
        cost = _floor(
            Fraction(position.paid) * Fraction(position.held) / Fraction(position.bought),
            MONEY_STEP,
        )
        one.position = one.order = None
        one.dust, one.dust_cost = position.held, cost
        self.seen["dust"] += position.held > 0
        if position.received == 0:
            self.seen["entry was dust"] += 1
            return
        trade = Trade(
            one.name,
            position.opened_ms,
            open_ms,
            position.bought,
            position.paid - cost,
            position.received,
            position.fees,
            position.received - (position.paid - cost),
            purpose,
        )
        self.trades.append(trade)
        self._count(one, trade, open_ms + self.interval_ms)

    # --- limits

    def _count(self, one: Held, trade: Trade, close_ms: int) -> None:
        streak = self.risk.loss_streak
        self.streak = self.streak + 1 if trade.profit < 0 else 0
        if self.streak == streak.trades:
            self.streak = 0
            until = close_ms + streak.cooldown_candles * self.interval_ms
            self.stands["LossStreak"] = until
            self.trips.append(Trip(close_ms, "LossStreak", streak.trades, until))
        candles = self.risk.stop_cooldown_candles
        if trade.purpose == "STOP" and candles > 0:
            one.cooldown_ms = close_ms + candles * self.interval_ms
            self.trips.append(Trip(close_ms, "StopCooldown", candles, one.cooldown_ms))

    def _judge(self, close_ms: int, equity: Decimal) -> None:
        resume = self.risk.resume_after
        resume_ms = None if resume is None else _ms_of(resume)
        if resume_ms is not None and self.before_ms < resume_ms <= close_ms:
            self.stands.pop("Drawdown", None)
            self.peak = equity
        self.peak = max(self.peak, equity)
        self.stands = {
            limit: until
            for limit, until in self.stands.items()
            if until is None or until > close_ms
        }
        day = close_ms // DAY_MS * DAY_MS
        week = (close_ms - MONDAY_MS) // (7 * DAY_MS) * 7 * DAY_MS + MONDAY_MS
        begins = {
            "DailyLoss": (self._at(day), self.risk.daily_loss_cap, day + DAY_MS),
            "WeeklyLoss": (self._at(week), self.risk.weekly_loss_cap, week + 7 * DAY_MS),
            "Drawdown": (
                self.peak,
                self.risk.max_drawdown,
                resume_ms if resume_ms is not None and resume_ms > close_ms else None,
            ),
        }
        for limit, (start, cap, until) in begins.items():
            lost = _floor(Fraction(start) * Fraction(cap), MONEY_STEP)
            if limit not in self.stands and equity <= start - lost:
                self.stands[limit] = until
                self.trips.append(Trip(close_ms, limit, cap, until))

    def _at(self, time_ms: int) -> Decimal:
        """Return the equity at a time: that of the last mark until then."""
        return next(
            (row.equity for row in reversed(self.rows) if row.close_ms <= time_ms), self.capital
        )

    # --- plans

    def _plan(self, one: Held, open_ms: int, equity: Decimal) -> None:
        close_ms = open_ms + self.interval_ms
        wish, position = one.wishes.get(open_ms, Wish(0, 0.0)), one.position
        if position is None:
            if wish.side > 0:
                self._enter(one, wish, close_ms, equity, Decimal(0))
        elif wish.side < 0:
            one.order = Order("SIGNAL", position.held, close_ms, 0.0)
        elif not self.is_managed:
            if close_ms >= position.opened_ms + self.holding_ms:
                one.order = Order("TIME", position.held, close_ms, 0.0)
        elif wish.side > 0 and wish.share != position.share:
            price = one.terms.bought_at(one.close)
            money = _floor(Fraction(equity) * Fraction(wish.share), MONEY_STEP)
            surplus = position.held - one.terms.affordable(money, price)
            if surplus <= 0:
                self._enter(one, wish, close_ms, equity, position.held)
            elif one.terms.takes(surplus, one.close):
                one.order = Order("DECREASE", surplus, close_ms, wish.share)

    def _enter(self, one: Held, wish: Wish, close_ms: int, equity: Decimal, held: Decimal) -> None:
        terms = one.terms
        others = [other for other in self.held if other is not one and not other.is_idle]
        ordered = {other.name: self._reserved(other, close_ms) for other in others}
        weights = [
            (other.name, float((other.value + ordered[other.name]) / equity)) for other in others
        ]
        room = self.room(weights, one.name, close_ms - self.interval_ms)
        cash = self.cash - sum(ordered.values()) + held * one.close
        affordable = float(Fraction(cash) / Fraction(equity))
        share = min(wish.share, room, affordable)
        price = terms.bought_at(one.close)
        money = _floor(Fraction(equity) * Fraction(share), MONEY_STEP)
        lacks = terms.affordable(money, price) - held
        refusals = {
            "growth": not self.is_managed and wish.growth <= 0,
            "limits": bool(self.stands) or close_ms < one.cooldown_ms,
            "exposure": room <= 0,
            "cash": affordable <= 0,
            "order": lacks <= 0 or not terms.takes(lacks, price),
        }
        if wish.stop is not None:
            below = _floor(Fraction(one.close) * (1 - Fraction(wish.stop)), terms.tick)
            refusals["stop"] = below >= one.close or Fraction(wish.stop) <= Fraction(
                float(terms.slippage)
            )
        refused = [name for name, is_refused in refusals.items() if is_refused]
        self.seen["cut by exposure"] += not refused and room < min(wish.share, affordable)
        self.seen["cut to the cash"] += not refused and affordable < min(wish.share, room)
        self.seen.update(f"refused by {name}" for name in refused)
        if not refused:
            purpose = "INCREASE" if held else "ENTRY"
            one.order = Order(purpose, lacks, close_ms, wish.share, wish.stop, wish.target)

    def _reserved(self, one: Held, close_ms: int) -> Decimal:
        """Return what an order of this candle takes of the cash; one of before has expired."""
        order, terms = one.order, one.terms
        if order is None or order.purpose not in BUYS or order.placed_ms != close_ms:
            return Decimal(0)
        price = terms.bought_at(one.close)
        return order.quantity * price + terms.fee_of(order.quantity, price)


def _floor(value: Fraction, step: Decimal) -> Decimal:
    return Decimal(value // Fraction(step)) * step


def _ceiling(value: Fraction, step: Decimal) -> Decimal:
    return Decimal(-(-value // Fraction(step))) * step


def _ms_of(time: str) -> int:
    seconds = Decimal(repr(datetime.fromisoformat(time).timestamp()))
    return int((seconds * 1000).to_integral_value(ROUND_CEILING))
