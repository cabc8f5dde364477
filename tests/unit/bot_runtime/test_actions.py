"""Plans: what is done after a candle, which rule refuses it, and in which sentence.

The market is that of test_fills.py: at a close of 100 a lot costs 102 and a fee of 1.02. An equity
of 10000 has room for 48 at a share of one half.
"""

from decimal import Decimal
from typing import Any

import pytest

from bot_runtime.contract.trading import RuleName
from bot_runtime.trading.actions import NOTHING, AccountSeen, Action, MarketSeen, plan_trade
from bot_runtime.trading.decision import Intent
from bot_runtime.trading.orders import Order, Purpose
from bot_runtime.trading.positions import NEVER, Position
from bot_runtime.trading.precision import Costs, Market, to_money
from bot_runtime.trading.rule_results import RuleResult, binding

MARKET = Market.of(Decimal(1), Decimal(1), Costs.of(100, 200), min_notional=Decimal(300))
SEEN = MarketSeen(MARKET, 1000, 100, regime=1)
EQUITY = to_money(Decimal(10_000))
ACCOUNT = AccountSeen(EQUITY, EQUITY, room=0.8)
LONG = Intent(1, 0.5, growth=0.001, stop=0.25, target=0.5, holding_ms=300)
SHORT = Intent(-1, 0.0, holding_ms=300)
FLAT = Intent(0, 0.0, holding_ms=300)
LIMITS = tuple(
    RuleResult(name, 0.0, 0.1, True)
    for name in (
        RuleName.DAILY_LOSS,
        RuleName.WEEKLY_LOSS,
        RuleName.DRAWDOWN,
        RuleName.LOSS_STREAK,
        RuleName.STOP_COOLDOWN,
    )
)
TRIPPED = tuple(limit._replace(value=0.2, passed=False) for limit in LIMITS)


def position(lots: int = 48, share: float = 0.5, until_ms: int = 1300) -> Position:
    return Position(0, lots, lots, lots, 0, 0, 0, NEVER, until_ms, share, 0)


def plan(
    intent: Intent = LONG,
    held: Position | None = None,
    *,
    limits: tuple[RuleResult, ...] = LIMITS,
    seen: MarketSeen = SEEN,
    **account: Any,
) -> Action:
    return plan_trade(intent, held, ACCOUNT._replace(**account), limits, seen)


def test_a_quantity_is_told_in_the_base_asset() -> None:
    fine = Market.of(Decimal(1), Decimal("0.001"), Costs.of(100, 200))
    assert plan().describe(fine) == "An entry of 0.048 at the next open."


def test_a_long_view_enters_with_the_share_that_it_asks_for() -> None:
    found = plan()
    assert found.order == Order(Purpose.ENTRY, 48, 1000, 0.5, 1, 0.25, 0.5, 300)
    assert [str(rule.rule) for rule in found.rules] == [
        "StaleData",
        "Utility",
        "StopDistance",
        *(str(limit.rule) for limit in LIMITS),
        "Exposure",
        "Capital",
        "MinOrder",
    ]
    assert binding(found.rules) is None
    assert found.describe(MARKET) == "An entry of 48 at the next open."


@pytest.mark.parametrize(
    ("account", "lots"),
    [
        ({"room": 0.3}, 29),  # 3000 / 103.02
        ({"cash": EQUITY // 5}, 19),  # 2000 / 103.02
        ({"room": 0.3, "cash": EQUITY // 5}, 19),
        ({"equity": 2 * EQUITY}, 97),  # 10000 of 20000
    ],
)
def test_an_entry_is_cut_to_the_room_and_to_the_cash(account: dict[str, Any], lots: int) -> None:
    order = plan(**account).order
    assert order is not None
    assert order.lots == lots
    assert order.share == 0.5, "what the position is to have once it is filled"


@pytest.mark.parametrize(
    ("rule", "change", "numbers"),
    [
        ("StaleData", {"seen": SEEN._replace(age=1.5)}, "found 1.5, asked for 1.5"),
        ("Utility", {"intent": LONG._replace(growth=0.0)}, "found 0, asked for 0"),
        ("Utility", {"intent": LONG._replace(growth=-1e-4)}, "found -0.0001, asked for 0"),
        ("StopDistance", {"intent": LONG._replace(stop=0.02)}, "found 0.02, asked for 0.02"),
        ("Exposure", {"room": 0.0}, "found 0, asked for 0"),
        ("Capital", {"cash": 0}, "found 0, asked for 0"),
        ("Capital", {"cash": -EQUITY}, "found -1, asked for 0"),
        ("MinOrder", {"intent": LONG._replace(share=0.021)}, "found 204, asked for 300"),
        ("MinOrder", {"intent": LONG._replace(share=0.0)}, "found 0, asked for 300"),
    ],
)
def test_each_rule_refuses_an_entry_and_is_the_one_that_is_told(
    rule: str, change: dict[str, Any], numbers: str
) -> None:
    found = plan(**change)
    assert found.order is None
    refusal = binding(found.rules)
    assert refusal is not None
    assert refusal.rule == rule
    assert found.describe(MARKET) == f"An entry is refused by {rule}: {numbers}."


@pytest.mark.parametrize("tripped", range(len(LIMITS)))
def test_each_limit_refuses_an_entry(tripped: int) -> None:
    limits = (*LIMITS[:tripped], TRIPPED[tripped], *LIMITS[tripped + 1 :])
    found = plan(limits=limits)
    assert found.order is None
    rule = LIMITS[tripped].rule
    assert found.describe(MARKET) == f"An entry is refused by {rule}: found 0.2, asked for 0.1."


def test_the_first_rule_that_refuses_is_the_one_that_binds() -> None:
    found = plan(LONG._replace(growth=0.0, share=0.0), limits=TRIPPED, room=0.0, cash=0)
    assert [str(rule.rule) for rule in found.rules if not rule.passed] == [
        "Utility",
        *(str(limit.rule) for limit in LIMITS),
        "Exposure",
        "Capital",
        "MinOrder",
    ]
    assert "refused by Utility" in found.describe(MARKET)


def test_a_stop_has_to_lie_a_tick_below_the_price() -> None:
    # At a price of 1 tick nothing lies below.
    found = plan(seen=SEEN._replace(close=1))
    assert "refused by StopDistance" in found.describe(MARKET)


@pytest.mark.parametrize("intent", [SHORT, FLAT, Intent(0, 0.0)])
def test_without_a_position_only_a_long_view_does_anything(intent: Intent) -> None:
    assert plan(intent) is NOTHING
    assert NOTHING.describe(MARKET) == "Nothing is to be done."


def test_a_short_view_sells_what_is_held_and_no_limit_stops_it() -> None:
    stale = SEEN._replace(age=100.0)
    found = plan(SHORT, position(), limits=TRIPPED, seen=stale, room=0.0, cash=-1)
    assert found.order == Order(Purpose.SIGNAL, 48, 1000, 0.0, 1)
    assert found.describe(MARKET) == "An exit by a SHORT view of 48 at the next open."


@pytest.mark.parametrize("intent", [LONG, FLAT])
def test_a_position_is_sold_when_its_time_is_over(intent: Intent) -> None:
    assert plan(intent, position(until_ms=1001)) is NOTHING
    found = plan(intent, position(until_ms=1000), limits=TRIPPED)
    assert found.order == Order(Purpose.TIME, 48, 1000, 0.0, 1)
    assert "end of the holding time of 48" in found.describe(MARKET)


def follows(share: float, held: Position | None = None, **change: Any) -> Action:
    return plan(Intent(1, share), held or position(until_ms=NEVER), **change)


def test_a_managed_position_follows_its_share() -> None:
    assert follows(0.5) is NOTHING
    assert follows(0.0) is NOTHING, "no view: a share of nothing is a SHORT view"
    more = follows(0.75, cash=EQUITY // 2)
    assert more.order == Order(Purpose.INCREASE, 24, 1000, 0.75, 1)  # 72 less 48
    assert "StopDistance" not in [rule.rule for rule in more.rules]
    less = follows(0.25)
    assert less.order == Order(Purpose.DECREASE, 24, 1000, 0.25, 1)
    assert less.describe(MARKET) == "A decrease of 24 at the next open."
    assert plan(Intent(-1, 0.0), position()).purpose is Purpose.SIGNAL


def test_limits_stop_an_increase_and_no_decrease() -> None:
    assert "An increase is refused by DailyLoss" in follows(0.75, limits=TRIPPED).describe(MARKET)
    assert follows(0.25, limits=TRIPPED, room=0.0).order is not None


def test_an_increase_counts_what_is_held_as_capital() -> None:
    # Cash of 500 and 48 at 100 are 0.53 of the equity: 51 lots.
    found = follows(0.75, cash=to_money(Decimal(500)))
    assert found.order is not None
    assert found.order.lots == 3


def test_a_change_that_is_too_small_for_an_order_is_not_made() -> None:
    for share, words in ((0.52, "An increase"), (0.475, "A decrease")):
        found = follows(share)
        assert found.order is None
        assert found.describe(MARKET).startswith(f"{words} is refused by MinOrder: found ")


def test_an_increase_beyond_the_room_is_refused() -> None:
    assert "refused by MinOrder" in follows(0.75, room=0.4).describe(MARKET)


@pytest.mark.parametrize("equity", [0, -EQUITY])
def test_an_account_that_is_worth_nothing_buys_nothing(equity: int) -> None:
    found = plan(equity=equity)
    assert found.order is None
    assert [str(rule.rule) for rule in found.rules if not rule.passed] == ["Capital", "MinOrder"]
    managed = LONG._replace(holding_ms=0)
    assert plan(managed, position(share=0.3), equity=equity, cash=-EQUITY).order == Order(
        Purpose.DECREASE, 48, 1000, 0.5, 1
    ), "it sells what no share of it pays for"
