"""What is done after a candle: from a view, a position, the account and its limits. Pure.

Flat, a LONG view enters: every rule has to pass, and the share is the least that view, exposure and
capital allow. In a position, a SHORT view or the end of the holding time exits; under the policy
VolatilityManaged the quantity follows the wanted share. Nothing else is done, and no limit stops an
exit. An account that is worth nothing, or less, buys nothing.
"""

from typing import Final, NamedTuple

from bot_runtime.contract.trading import RuleName
from bot_runtime.trading.decision import Intent
from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.positions import Position
from bot_runtime.trading.precision import Market, moved, part_of, to_float
from bot_runtime.trading.rule_results import Asked, RuleResult, any_refuses, binding

STALE: Final = 1.5
"""Age, in candles, from which on a decision is too old to be acted on."""


class AccountSeen(NamedTuple):
    """The account at a candle's close: equity and cash in money, `room` for one more weight."""

    equity: int
    cash: int
    room: float


class MarketSeen(NamedTuple):
    """The market at a candle's close.

    Attributes:
        close_ms, close: time and price in ticks of the candle that was decided on.
        age: candles since then.
        regime: of the market, a position in REGIMES.
    """

    market: Market
    close_ms: int
    close: int
    regime: int
    age: float = 0.0


class Action(NamedTuple):
    """What is done after a candle: an order, or nothing, and every rule that was asked.

    Attributes:
        purpose: of the order, or of the one that was refused; None where nothing was wanted.
    """

    order: Order | None
    asked: tuple[Asked, ...]
    purpose: Purpose | None

    @property
    def rules(self) -> tuple[RuleResult, ...]:
        """Return every rule that was asked."""
        return tuple(RuleResult(*rule) for rule in self.asked)

    def describe(self, market: Market) -> str:
        """Return what is done and why, in one sentence; a quantity is of the base asset."""
        if self.purpose is None:
            return "Nothing is to be done."
        refusal = binding(self.rules)
        if refusal is not None:
            return (
                f"{_WORDS[self.purpose]} is refused by {refusal.rule}: found {refusal.value:.6g}, "
                f"asked for {refusal.threshold:.6g}."
            )
        assert self.order is not None, "what is wanted and not refused is ordered"
        quantity = market.quantity(self.order.lots)
        return f"{_WORDS[self.purpose]} of {quantity:f} at the next open."


_WORDS: Final = {
    Purpose.ENTRY: "An entry",
    Purpose.INCREASE: "An increase",
    Purpose.DECREASE: "A decrease",
    Purpose.SIGNAL: "An exit by a SHORT view",
    Purpose.TIME: "An exit at the end of the holding time",
}
NOTHING: Final = Action(None, (), None)


def plan_trade(
    intent: Intent,
    position: Position | None,
    account: AccountSeen,
    limits: tuple[Asked, ...],
    seen: MarketSeen,
) -> Action:
    """Return what is done at a candle's close; an order works from the next open."""
    if position is None:
        return _buy(intent, 0, account, limits, seen) if intent.side > 0 else NOTHING
    if intent.side < 0:
        return _sell(Purpose.SIGNAL, position.lots, 0.0, seen)
    if intent.holding_ms > 0:
        is_over = seen.close_ms >= position.until_ms
        return _sell(Purpose.TIME, position.lots, 0.0, seen) if is_over else NOTHING
    if intent.share in (0.0, position.share):
        return NOTHING
    price = seen.market.costs.bought_at(seen.close)
    surplus = position.lots - _lots_of(intent.share, price, account, seen.market)
    if surplus > 0:
        rule = _min_order(surplus, seen.close, seen.market)
        if any_refuses((rule,)):
            return Action(None, (rule,), Purpose.DECREASE)
        return _sell(Purpose.DECREASE, surplus, intent.share, seen)
    return _buy(intent, position.lots, account, limits, seen)


def _lots_of(share: float, price: int, account: AccountSeen, market: Market) -> int:
    """Return how many lots a share of the equity pays for at a price in ticks, fee included."""
    return market.costs.most_lots(part_of(account.equity, share), market.notional(1, price))


def _sell(purpose: Purpose, lots: int, share: float, seen: MarketSeen) -> Action:
    return Action(Order(purpose, lots, seen.close_ms, share, seen.regime), (), purpose)


def _buy(
    intent: Intent,
    held: int,
    account: AccountSeen,
    limits: tuple[Asked, ...],
    seen: MarketSeen,
) -> Action:
    """Return the purchase of what a share lacks, where every rule passes; `held` are lots."""
    purpose = Purpose.INCREASE if held else Purpose.ENTRY
    market = seen.market
    price = market.costs.bought_at(seen.close)
    worth = account.cash + market.notional(held, seen.close)
    affordable = worth / account.equity if account.equity > 0 else 0.0
    share = min(intent.share, account.room, affordable)
    lots = max(0, _lots_of(share, price, account, market) - held)
    asked = (
        (RuleName.STALE_DATA, seen.age, STALE, seen.age < STALE),
        *_rules_of_position(intent, seen),
        *limits,
        (RuleName.EXPOSURE, account.room, 0.0, account.room > 0.0),
        (RuleName.CAPITAL, affordable, 0.0, affordable > 0.0),
        _min_order(lots, price, market),
    )
    if any_refuses(asked):
        return Action(None, asked, purpose)
    order = Order(
        purpose,
        lots,
        seen.close_ms,
        intent.share,
        seen.regime,
        intent.stop,
        intent.target,
        intent.holding_ms,
    )
    return Action(order, asked, purpose)


def _min_order(lots: int, price: int, market: Market) -> Asked:
    """Return whether the exchange takes an order of this size; what was found is its worth."""
    least = max(market.min_notional, market.notional(market.min_lots, price))
    found = market.notional(lots, price)
    return RuleName.MIN_ORDER, to_float(found), to_float(least), market.takes(lots, price)


def _rules_of_position(intent: Intent, seen: MarketSeen) -> tuple[Asked, ...]:
    """Return what a position that opens and closes has to promise; nothing of one that follows."""
    if intent.holding_ms == 0:
        return ()
    slippage = seen.market.costs.slippage_share
    falls = moved(seen.close, intent.stop, up=False) < seen.close
    return (
        (RuleName.UTILITY, intent.growth, 0.0, intent.growth > 0.0),
        (RuleName.STOP_DISTANCE, intent.stop, slippage, falls and intent.stop > slippage),
    )
