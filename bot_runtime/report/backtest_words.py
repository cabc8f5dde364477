"""What a backtest says in sentences: the headline, and what has to be known beside it."""

from collections import Counter
from typing import Final

from bot_runtime.backtest.refusals import Refusals, entry_refusals_of, refusals_of
from bot_runtime.backtest.result import Backtest, Shifted
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.trading import RuleName
from bot_runtime.report.rendering import minute, part, percent
from bot_runtime.scoring.overfitting import deflated_sharpe
from bot_runtime.trading.trips import FOREVER, Trip

SHORT_DAYS: Final = 90
"""Of fewer days, the figures of a year say little."""
LIKELY: Final = 0.95
"""Probability of skill from which on luck is a poor explanation."""
EVEN: Final = 0.5
"""Probability of skill below which bad luck or none is the better explanation."""
FAR: Final = 1.0
"""Difference of annual Sharpe ratios from which on signals differ that are shifted."""

REFUSED_BY: Final = {
    RuleName.RISK_MAX: "risk_score is above riskMax",
    RuleName.REGIME: "the regime allows no entries",
    RuleName.PROB_MIN: "the probability is below probMin and what the regime adds",
    RuleName.MIN_EXPECTED_RETURN: "the expected return is below minExpectedReturn and the fees",
    RuleName.UTILITY: "no size has an expected growth above 0 after costs",
    RuleName.STOP_DISTANCE: "the stop lies within the slippage",
    RuleName.EXPOSURE: "the other positions leave no room",
    RuleName.CAPITAL: "no cash is left",
    RuleName.MIN_ORDER: "the order is smaller than the market takes",
}
"""What a rule that refuses has found."""
TRIPPED_BY: Final = {
    RuleName.DAILY_LOSS: "fall from the equity at 00:00 UTC",
    RuleName.WEEKLY_LOSS: "fall from the equity at Monday 00:00 UTC",
    RuleName.DRAWDOWN: "fall from the highest equity",
    RuleName.LOSS_STREAK: "closed trades in a row with a loss",
    RuleName.STOP_COOLDOWN: "stop of a symbol that was hit",
}
"""What a limit that trips has found."""


def headline_of(backtest: Backtest) -> str:
    """Return what the bot earned after costs, beside holding; or why it traded nothing."""
    times = backtest.account.close_ms
    span = f"from {minute(int(times[0]))} to {minute(int(times[-1]))} UTC"
    held = f"Buying and holding {_earned(backtest.held_performance[0])}."
    if len(backtest.account.fills) == 0:
        return f"{backtest.bot} traded nothing {span}: {_why_nothing(backtest)}. {held}"
    return f"{backtest.bot} {_earned(backtest.performance.net_return)} after costs {span}. {held}"


def points_of(backtest: Backtest) -> list[str]:
    """Return the sentences below the headline."""
    own, fall = backtest.performance, backtest.held_performance[2]
    points = []
    if len(backtest.account.fills) > 0:
        points.append(
            f"Its deepest fall was {part(own.drawdown)}, that of holding {part(fall)}; it was "
            f"invested with {part(own.exposure)} of the equity on average."
        )
        points.append(_luck(own.deflated_sharpe, deflated_sharpe(backtest.held_net, 1)))
    times = backtest.account.close_ms
    days = (int(times[-1]) - int(times[0])) / DAY_MS
    if days < SHORT_DAYS:
        points.append(
            f"These are {days:.1f} days: a year's figures are made of them and say little."
        )
    invested = float(backtest.account.invested[-1])
    if invested > 0.0:
        points.append(
            f"At the end {part(invested)} of the equity is still invested: what it has earned is "
            "in the equity, and in no closed trade."
        )
    points += [
        f"From {minute(trip.at_ms)} UTC on nothing was bought: the equity had fallen by "
        f"{part(trip.value)}, risk.maxDrawdown is {part(trip.threshold)}, and risk.resumeAfter "
        "names no later time."
        for trip in backtest.account.trips
        if trip.limit is RuleName.DRAWDOWN and trip.resets_ms >= FOREVER
    ]
    return points


def class_of(backtest: Backtest) -> str:
    """Return good where money was earned and more than by holding, bad where neither, else ''."""
    own, held = backtest.performance.net_return, backtest.held_performance[0]
    if own > 0.0 and own > held:
        return "good"
    return "bad" if own < 0.0 and own < held else ""


def shifted_sentences(backtest: Backtest) -> list[str]:
    """Return what the accounts of shifted signals mean for this one."""
    own, told = backtest.performance, []
    for shifted in backtest.shifted:
        if shifted.candles > 0 and own.net_return > 0.0:
            told.append(
                "Late, it earns nothing: the edge is one candle wide, and a run that starts late "
                "has none."
                if shifted.net_return <= 0.0
                else "Late, it still earns: the edge is wider than one candle."
            )
        if shifted.candles < 0 and shifted.sharpe > own.sharpe + FAR:
            told.append(
                "Early is far better: the signals answer a move that is already over, or they know "
                "the future. Nobody can trade early."
            )
    return told or ["Neither differs in a way that would cast doubt on the result."]


def shift_name(shifted: Shifted) -> str:
    """Return how an account's signals are shifted: one candle late."""
    count = abs(shifted.candles)
    candles = "one candle" if count == 1 else f"{count} candles"
    return f"{candles} {'late' if shifted.candles > 0 else 'early'}"


def trip_cells(trip: Trip) -> list[str]:
    """Return time, limit, value, threshold and reset of a limit that tripped."""
    resets = "not without resumeAfter" if trip.resets_ms >= FOREVER else minute(trip.resets_ms)
    found, allowed = {
        RuleName.LOSS_STREAK: (f"{trip.value:.0f} trades", f"{trip.threshold:.0f} trades"),
        RuleName.STOP_COOLDOWN: ("stop hit", f"{trip.threshold:.0f} candles"),
    }.get(trip.limit, (part(trip.value), part(trip.threshold)))
    return [minute(trip.at_ms), trip.limit, found, allowed, resets]


def _earned(share: float) -> str:
    if f"{abs(share):.4f}" == "0.0000":
        return "earned nothing"
    return f"{'earned' if share > 0 else 'lost'} {percent(abs(share))[1:]}"


def _luck(skill: float, held: float) -> str:
    """Return what the probabilities of skill of the bot and of holding say of the bot."""
    if skill >= LIKELY and held >= skill:
        return (
            f"The market's rise may explain it: skill is in it with a probability of {skill:.1%}, "
            f"but {held:.1%} are said of holding too."
        )
    if skill >= LIKELY:
        return f"Luck is a poor explanation: skill is in it with a probability of {skill:.1%}."
    if skill >= EVEN:
        return f"Luck may explain it: skill is in it with a probability of {skill:.1%}."
    if skill >= 0.0:
        return f"There is no sign of skill in it: its probability is {skill:.1%}."
    return "It is too little to tell skill from luck."


def _why_nothing(backtest: Backtest) -> str:
    """Return which rule kept an account from its first trade."""
    found = refusals_of(backtest.tracks, backtest.strategy)
    if found.longs > 0:
        entries = entry_refusals_of(backtest.tracks, backtest.strategy)
        if entries.total() == found.longs:
            return _most(entries, found.longs, "LONG decisions")
        return "its orders found no candle that filled them"
    if found.refused:
        return _most(found.refused, found.decisions, "decisions")
    return "every decision was SHORT, and there was nothing to sell"


def _most(refused: Counter[RuleName], count: int, what: str) -> str:
    rule, times = refused.most_common(1)[0]
    words = REFUSED_BY.get(rule, "")
    return f"{rule} refused {times:,} of {count:,} {what}" + (f" ({words})" if words else "")


def refusal_rows(found: Refusals) -> list[list[str]]:
    """Return how many decisions each rule refused first, and what the others were."""
    count = max(1, found.decisions)
    rows = [
        [rule, REFUSED_BY.get(rule, ""), f"{times:,}", part(times / count)]
        for rule, times in found.refused.most_common()
    ]
    others = (("LONG", found.longs, "buy"), ("SHORT", found.shorts, "sell what is held"))
    rows += [[name, what, f"{n:,}", part(n / count)] for name, n, what in others]
    return rows
