"""What a run has decided at the candles that it found, as rows of its journal. Pure."""

from collections.abc import Iterable, Iterator
from typing import Final

from bot_runtime.contract.signal import Signal
from bot_runtime.journal.entries import DecisionRow, Rule
from bot_runtime.trading.precision import Market
from bot_runtime.trading.rule_results import binding
from bot_runtime.trading.session_news import News
from bot_runtime.trading.walk import Plan

MISSED: Final = "Missed"
"""No run has decided at this candle's close."""
NO_SIGNAL: Final = "NoSignal"
"""The inference has brought no signal of this candle."""
NO_ROOM: Final = "NoRoom"
"""A purchase was left out: the journal's volume has too little room."""

WITHOUT_VIEW: Final = frozenset({MISSED, NO_SIGNAL, NO_ROOM})
"""Outcomes that no view was followed to: what the inference may have decided is not kept."""


def decision_rows(
    news: News,
    symbol: str,
    market: Market | None,
    signal: Signal | None,
    plans: Iterable[Plan],
) -> Iterator[DecisionRow]:
    """Yield what was decided on every candle of a symbol; `signal` is of the newest one.

    The market is None before the symbol has had a price; then nothing was planned.
    """
    planned = {plan.close_ms: plan for plan in plans if plan.symbol == symbol}
    newest_ms = news.newest_ms
    for candle_ms in news.candles[symbol].close_time_ms.tolist():
        plan, is_newest = planned.get(candle_ms), candle_ms == newest_ms
        done = _describe(plan, market)
        if signal is None or not is_newest:
            outcome = NO_SIGNAL if is_newest and news.decides else MISSED
            yield DecisionRow(symbol, candle_ms, outcome, reason=done or None)
        elif news.leaves_out(signal.decision):
            yield _left_out(symbol, candle_ms, signal, done)
        else:
            yield _decided(symbol, candle_ms, signal, plan, done)


def _describe(plan: Plan | None, market: Market | None) -> str:
    if plan is None or plan.action.purpose is None or market is None:
        return ""
    return plan.action.describe(market)


def _left_out(symbol: str, candle_ms: int, signal: Signal, done: str) -> DecisionRow:
    """Return a decision whose view was not followed: it has no predictions that led to anything."""
    text = f"{signal.reason}. Nothing is bought: the journal's volume has too little room. "
    return DecisionRow(symbol, candle_ms, NO_ROOM, reason=f"{text}{done}".rstrip())


def _decided(
    symbol: str, candle_ms: int, signal: Signal, plan: Plan | None, done: str
) -> DecisionRow:
    refusal = None if plan is None else binding(plan.action.rules)
    planned = () if plan is None else plan.action.rules
    row = DecisionRow(
        symbol=symbol,
        candle_ms=candle_ms,
        outcome=str(signal.decision_reason or signal.decision if refusal is None else refusal.rule),
        side=signal.decision,
        reason=f"{signal.reason}. {done}".rstrip(),
        rules=(
            *(Rule(r.rule, r.value, r.threshold, r.passed) for r in signal.rules),
            *(Rule(str(r.rule), r.value, r.threshold, r.passed) for r in planned),
        ),
    )
    if signal.prob_up is None:
        return row
    return row._replace(
        share=signal.position_size,
        regime=signal.regime,
        prob_up=signal.prob_up,
        p10=signal.p10,
        p50=signal.p50,
        p90=signal.p90,
        risk_score=signal.risk_score,
        volatility=signal.volatility,
    )
