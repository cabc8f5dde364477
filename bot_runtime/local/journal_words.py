"""One decision of a journal in words."""

from collections.abc import Iterator
from typing import Final

from bot_runtime.journal.entries import CandleRow, DecisionRow, LimitRow, Rule
from bot_runtime.journal.explaining import Followed, Why
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.market.candles import utc
from bot_runtime.trading.session_decisions import MISSED, NO_ROOM, NO_SIGNAL

_NOT_DECIDED: Final = {
    MISSED: "no run decided on this candle; a later one settled it",
    NO_SIGNAL: "the run had no signal: nothing was bought, and all else was done",
    NO_ROOM: "the journal's volume had too little room: nothing was bought, all else was done",
}


def words_of(found: Why) -> Iterator[str]:
    """Yield what is to be read about a decision, line by line."""
    yield f"{found.candle.symbol}, candle that closed at {utc(found.candle.candle_ms)}"
    yield _line("candle", _prices(found.candle))
    decision = found.decision
    if decision is None:
        yield _line("view", "nothing was asked of this candle; it was settled alone")
    elif decision.outcome in _NOT_DECIDED:
        yield _line("view", _NOT_DECIDED[decision.outcome])
        if decision.reason is not None:
            yield _line("reason", decision.reason)
    else:
        yield from _decided(decision, found.told or decision)
    yield from _orders(found.orders)
    yield from _limits(found.limits)
    yield _line("run", _run(found.run))


def _line(heading: str, text: str) -> str:
    """Return a line; the heading is empty where it goes on with the one above."""
    return f"{heading:10} {text}".rstrip()


def _prices(candle: CandleRow) -> str:
    _, _, opened, high, low, closed, volume = candle
    return f"open {opened!r}, high {high!r}, low {low!r}, close {closed!r}, volume {volume!r}"


def _decided(decision: DecisionRow, told: DecisionRow) -> Iterator[str]:
    share = decision.share or 0.0
    yield _line("view", f"{decision.side} in {decision.regime}, share {share:.4g}")
    yield _line("reason", told.reason or decision.outcome)
    if told.candle_ms != decision.candle_ms:
        since = utc(told.candle_ms)
        yield _line("", f"as told at {since}; view, regime and outcome are the same since then")
    if decision.p50 is not None:
        yield _line("predicted", _predicted(decision))
    yield from _rules(told.rules or ())


def _predicted(decision: DecisionRow) -> str:
    figures = {
        "probability of a rise": decision.prob_up,
        "p10": decision.p10,
        "p50": decision.p50,
        "p90": decision.p90,
        "risk": decision.risk_score,
        "volatility": decision.volatility,
    }
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items() if value is not None)


def _rules(rules: tuple[Rule, ...]) -> Iterator[str]:
    if not rules:
        return
    width = max(len(rule.rule) for rule in rules)
    yield _line("rules", f"{'':{width}}  {'found':>10}  {'asked':>10}")
    for name, value, threshold, passed in rules:
        verdict = "passed" if passed else "refused"
        yield _line("", f"{name:{width}}  {value:>10.4g}  {threshold:>10.4g}  {verdict}")


def _orders(orders: tuple[Followed, ...]) -> Iterator[str]:
    if not orders:
        yield _line("order", "none")
    for order, events, fills, trade in orders:
        quantity = f"{order.quantity:f} of {order.symbol}"
        yield _line("order", f"{order.purpose}, {quantity}, id {order.client_order_id}")
        for event in events:
            yield _line("", f"{utc(event.at_ms)} {event.state}, executed {event.executed:f}")
        for fill in fills:
            fee = f"fee {fill.fee:f} {fill.fee_asset}"
            filled = f"{fill.side} {fill.quantity:f} at {fill.price:f}, {fee}"
            yield _line("fill", f"{utc(fill.at_ms)} {filled}")
        if trade is not None:
            earned = f"profit {trade.profit:f} after fees of {trade.fees:f}"
            yield _line("trade", f"closed at {utc(trade.closed_ms)} by {trade.reason}, {earned}")


def _limits(limits: tuple[LimitRow, ...]) -> Iterator[str]:
    if not limits:
        yield _line("limits", "none stood")
    for n, row in enumerate(limits):
        until = "resumeAfter" if row.resets_ms is None else utc(row.resets_ms)
        found = f"found {row.value:.4g}, limit {row.threshold:.4g}"
        stood = f"{row.limit} since {utc(row.at_ms)} until {until}: {found}"
        yield _line("" if n else "limits", stood)


def _run(run: RunRow) -> str:
    ended = run.ended_verdict or "was killed"
    by = f"version {run.model_version or 'none'}, commit {run.git_commit[:12]}"
    return f"{run.run_id} at {utc(run.started_ms)}, {ended}, {by}"
