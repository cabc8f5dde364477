"""A paper account in words: every state of it."""

from decimal import Decimal
from typing import Any

from bot_runtime.contract.traderesult import Doubt, TradeResult
from bot_runtime.contract.trading import RuleName
from bot_runtime.contract.tradingstatus import (
    AccountStatus,
    ActionStatus,
    LimitStatus,
    PositionStatus,
    TradingStatus,
)
from bot_runtime.journal.entries import DecisionRow
from bot_runtime.journal.last_run import LastRun
from bot_runtime.journal.order_entries import FillRow, OrderRow, TradeRow
from bot_runtime.local.account_words import account_lines, candle_line, rounded

AT = "2026-01-02T03:04:00Z"
CANDLE_MS = 1_767_323_040_000
MINUTE_MS = 60_000
ACCOUNT = AccountStatus(
    equity="10010.823925",
    cash="8250.036142",
    exposure="0.175874",
    peak="10012",
    day_start="10000",
    week_start="10000",
)
POSITION = PositionStatus(
    symbol="BTC/USDT",
    quantity="0.00795",
    entry_price="220121.24",
    stop_price="219000.5",
    opened_at=AT,
)
SALE = ActionStatus(
    order="b7",
    symbol="BTC/USDT",
    purpose="Time",
    quantity="0.00795",
    price="221482.74",
    time=AT,
    profit="10.823925",
)
LIMIT = LimitStatus(
    limit=RuleName.DAILY_LOSS,
    value="0.031",
    threshold="0.03",
    tripped_at=AT,
    resets_at="2026-01-03T00:00:00Z",
)


def result(**state: Any) -> TradeResult:
    return TradeResult(state=TradingStatus(settled_at=AT, account=ACCOUNT, **state))


def words(found: TradeResult) -> list[str]:
    return [f"{heading}: {text}" for heading, text in account_lines(found, "USDT")]


def test_before_the_first_candle_there_is_no_account() -> None:
    assert words(TradeResult(state=TradingStatus())) == ["account: no candle is settled yet"]


def test_a_flat_account() -> None:
    assert words(result()) == [
        f"equity: 10010.82 USDT, cash 8250.04, 17.6% invested, at {AT}",
        "position: none",
    ]


def test_positions_with_what_ends_them() -> None:
    both = (POSITION, POSITION.model_copy(update={"symbol": "A/USDT", "target_price": "230000"}))
    assert words(result(positions=both))[1:] == [
        f"position: BTC/USDT 0.00795 bought at 220121.24, stop 219000.5, since {AT}",
        f"position: A/USDT 0.00795 bought at 220121.24, stop 219000.5, target 230000, since {AT}",
    ]


def test_the_last_action_with_its_profit() -> None:
    assert words(result(last_action=SALE))[-1] == (
        f"last: BTC/USDT sold 0.00795 at 221482.74 (Time) at {AT}, profit 10.823925 USDT"
    )
    purchase = SALE.model_copy(update={"purpose": "Increase", "profit": None})
    assert words(result(last_action=purchase))[-1] == (
        f"last: BTC/USDT bought 0.00795 at 221482.74 (Increase) at {AT}"
    )


def test_limits_that_stand_and_when_they_reset() -> None:
    forever = LIMIT.model_copy(update={"limit": RuleName.DRAWDOWN, "resets_at": None})
    own = LIMIT.model_copy(update={"limit": RuleName.STOP_COOLDOWN, "symbol": "BTC/USDT"})
    since = f"stands since {AT}: found 0.031, allowed 0.03"
    assert words(result(limits=(LIMIT, forever, own)))[-3:] == [
        f"limit: DailyLoss {since}; resets at 2026-01-03T00:00:00Z",
        f"limit: Drawdown {since}; resets by risk.resumeAfter alone",
        f"limit: StopCooldown of BTC/USDT {since}; resets at 2026-01-03T00:00:00Z",
    ]


def test_why_nothing_is_bought_and_why_the_journal_cannot_be_believed() -> None:
    missing = Doubt(reason="SignalMissing", message="no signal in time")
    back = Doubt(reason="CandleWentBack", message="look at the exchange's clock")
    found = result().model_copy(update={"entries": missing})
    assert words(found)[-1] == "no entry: SignalMissing: no signal in time"
    found = result().model_copy(update={"entries": back, "records": back})
    assert words(found)[-1] == "journal: CandleWentBack: look at the exchange's clock"
    assert sum("CandleWentBack" in line for line in words(found)) == 1


def decision(**fields: Any) -> DecisionRow:
    row = DecisionRow("BTC/USDT", CANDLE_MS, "ReturnBelowMin", side="NO_TRADE")
    return row._replace(**fields)


def fill(side: str, at_ms: int = CANDLE_MS - MINUTE_MS) -> FillRow:
    price, quantity = Decimal("221482.74"), Decimal("0.00795")
    return FillRow(
        symbol="BTC/USDT",
        trade_id="t",
        client_order_id="b6",
        side=side,
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        fee=Decimal(0),
        fee_asset="USDT",
        fee_quote=Decimal(0),
        maker=False,
        model_price=price,
        at_ms=at_ms,
        candle_ms=CANDLE_MS,
        market_ms=0,
    )


def line(run: LastRun) -> str:
    return candle_line(run, result(), "USDT").removeprefix(f"{AT}  10010.82 USDT  ")


def test_a_candle_s_line_has_its_decision_with_its_reason() -> None:
    told = decision(reason="ReturnBelowMin: LONG return 0.00181 < 0.00250.")
    assert line(LastRun((told,))) == (
        "BTC/USDT NO_TRADE ReturnBelowMin: LONG return 0.00181 < 0.00250"
    )
    assert line(LastRun((decision(),))) == "BTC/USDT NO_TRADE ReturnBelowMin"


def test_a_candle_s_line_has_orders_and_fills_and_profit() -> None:
    order = OrderRow(
        client_order_id="b7",
        position_id="b7",
        purpose="Entry",
        symbol="BTC/USDT",
        quantity=Decimal("0.00795"),
        share=0.2,
        regime="RANGE_SIDEWAYS",
        stop=None,
        target=None,
        holding_ms=0,
        candle_ms=CANDLE_MS,
    )
    closed = TradeRow(
        position_id="b7",
        symbol="BTC/USDT",
        opened_ms=CANDLE_MS - 2 * MINUTE_MS,
        closed_ms=CANDLE_MS - MINUTE_MS,
        quantity=Decimal("0.00795"),
        paid=Decimal(1),
        received=Decimal(2),
        fees=Decimal(0),
        profit=Decimal("10.823925"),
        reason="Target",
        candles=2,
        regime="RANGE_SIDEWAYS",
    )
    target = order._replace(client_order_id="b8", purpose="Target")
    sale = fill("SELL")._replace(client_order_id="b8")
    run = LastRun((decision(),), (target, order), (fill("BUY"), sale), (closed,))
    assert line(run).split("; ") == [
        "bought 0.00795 BTC/USDT at 221482.74",
        "sold 0.00795 BTC/USDT at 221482.74 (Target), profit 10.823925",
        "BTC/USDT NO_TRADE ReturnBelowMin",
        "ordered Entry of 0.00795 BTC/USDT",
    ]
    a_part = LastRun(fills=(fill("SELL", CANDLE_MS - 2 * MINUTE_MS),), trades=(closed,))
    assert line(a_part) == "sold 0.00795 BTC/USDT at 221482.74"


def test_a_candle_s_line_counts_what_no_run_has_decided_on() -> None:
    missed = [decision(candle_ms=CANDLE_MS - n * MINUTE_MS, outcome="Missed") for n in (2, 1)]
    assert line(LastRun((*missed, decision()))) == (
        "settled 2 candles that no run has decided on; BTC/USDT NO_TRADE ReturnBelowMin"
    )


def test_a_run_that_found_all_done_says_so() -> None:
    assert line(LastRun()) == "this candle is settled already"
    nothing = TradeResult(state=TradingStatus())
    assert candle_line(LastRun(), nothing, "USDT").startswith("-  no candle is settled yet  ")


def test_large_amounts_are_rounded_and_small_ones_are_not() -> None:
    assert [rounded(text) for text in ("10010.823925", "-250.5", "0.00000012", "99.123456")] == [
        "10010.82",
        "-250.50",
        "0.00000012",
        "99.123456",
    ]
