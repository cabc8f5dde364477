"""`study`: which timeframe, horizon and policy is worth setting, on the candles of a store."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot_runtime.backtest.beats_holding import CHANCE, ENOUGH
from bot_runtime.backtest.study import Budget, Study, Tried, run_study
from bot_runtime.backtest.study_plan import Lesson, StudyAsked, plan_lessons
from bot_runtime.learning.models.registry import check_installed
from bot_runtime.local.bot_file import Bot, load_bot
from bot_runtime.local.local_store import local_store
from bot_runtime.local.progress_line import ProgressLine
from bot_runtime.market.candles import utc
from bot_runtime.market.filters import known_filters
from bot_runtime.market.stored_candles import all_stored_candles
from bot_runtime.process.errors import ConfigurationError, StepError
from bot_runtime.store.layout import Store
from bot_runtime.store.one_at_a_time import one_at_a_time

MOST_MINUTES: Final = 100_000.0
_HEAD: Final = (
    *("timeframe", "horizon", "policy", "months", "trades", "traded"),
    *("net", "held", "Sharpe", "held", "fall", "held", "stopped", "earns", "beats"),
)
_LEGEND: Final = (
    "net: after fees and slippage; held: buying the symbols in equal parts and holding them on the "
    "same candles",
    "Sharpe: a year's; fall: the deepest; traded: share of the candles at which something was "
    "bought or sold",
    "stopped: month in which risk.maxDrawdown ended all entries, until a person sets resumeAfter",
    "earns, beats: probability that money is earned, and that holding at equal risk is beaten, by "
    "more than luck",
)


@dataclass(frozen=True, slots=True)
class StudyCommand:
    """What the command line asks for.

    Attributes:
        endpoint: replaces spec.exchange.endpoint, as for `run`.
        budget: minutes as people write them.
    """

    file: Path
    store: Path | None
    endpoint: str | None
    budget: str


def study(command: StudyCommand) -> int:
    """Run a study, print what came of it, and return the exit code."""
    line = ProgressLine(sys.stdout)
    try:
        budget = Budget(60.0 * _minutes(command.budget))
        bot = load_bot(command.file, command.endpoint)
        spec = bot.spec
        store = local_store(command.store, bot.name)
        filters = known_filters(store, spec.symbols)
        asked = StudyAsked(spec, bot.spec.settings, filters)
        check_installed(asked.model.candidates)
        line.show("reading candles", 0.0)
        lessons = plan_lessons(asked, all_stored_candles(store, spec.exchange, spec.symbols))
        with one_at_a_time(store.study, _taken(store)):
            line.end(_what_is_tried(bot, asked, lessons))
            found = run_study(asked, lessons, store, budget, line.show)
    except StepError as e:
        line.end(f"bot-runtime: {e}")
        return int(e.exit_code)
    except KeyboardInterrupt:
        line.end("interrupted; run the same command again to go on")
        return 130
    line.end("\n".join((*_table(found), "", *_verdict(found))))
    return 0


def _taken(store: Store) -> ConfigurationError:
    """Return what is said where another study is under way."""
    return ConfigurationError(
        f"--store: {store.root} is in use by another study; wait until it has ended, or name "
        "another folder"
    )


def _minutes(text: str) -> float:
    """Return the budget; raises ConfigurationError."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0.0 < minutes <= MOST_MINUTES:
        raise ConfigurationError(
            f"--budget: found {text[:40]!r}; write minutes above 0, such as 60"
        )
    return minutes


def _what_is_tried(bot: Bot, asked: StudyAsked, lessons: tuple[Lesson, ...]) -> str:
    timeframes = ", ".join(dict.fromkeys(lesson.timeframe for lesson in lessons))
    horizons = ", ".join(str(h) for h in sorted({one.model.horizon_steps for one in lessons}))
    folds = sum(len(lesson.folds) for lesson in lessons)
    fitted = ", ".join(asked.model.candidates)
    others = [name for name in bot.spec.model.candidates if name not in asked.model.candidates]
    lines = [
        f"bot {bot.name}: timeframes {timeframes}; horizonSteps {horizons}; both policies",
        f"fitted: {fitted}"
        + (f"; not {', '.join(others)}, which takes too long" if others else ""),
        f"{folds:,} folds, each as a training with the lookback {bot.spec.training.lookback}",
    ]
    if bot.replaced:
        variables = ", ".join(f"{name}={value}" for name, value in bot.replaced.items())
        lines.append(f"from the environment, not from the file: {variables}")
    return "\n".join(lines)


def _table(found: Study) -> list[str]:
    rows = [_HEAD, *(_row(one) for one in found.tried)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if place in (0, 2) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [*lines, *_LEGEND]


def _row(one: Tried) -> tuple[str, ...]:
    own, (held, held_sharpe, held_fall) = one.performance, one.held
    return (
        one.lesson.timeframe,
        str(one.lesson.model.horizon_steps),
        one.policy,
        f"{one.months:.1f}",
        f"{own.trades:,}",
        f"{one.traded:.2%}",
        f"{own.net_return:+.1%}",
        f"{held:+.1%}",
        f"{own.sharpe:.2f}",
        f"{held_sharpe:.2f}",
        f"{own.drawdown:.1%}",
        f"{held_fall:.1%}",
        "-" if one.stopped_ms is None else utc(one.stopped_ms)[:7],
        _probability(one.skill.earns),
        _probability(one.skill.beats),
    )


def _probability(value: float) -> str:
    """Return a probability; one that is not known is a stroke, never a number."""
    return "-" if math.isnan(value) else f"{value:.0%}"


def _verdict(found: Study) -> list[str]:
    overfitting = (
        "not known: fewer than ten days are common to all"
        if math.isnan(found.overfitting)
        else f"{found.overfitting:.0%}; by pure luck 50%"
    )
    lines = [
        f"settings tried in this store so far: {found.trials:,}; every probability allows for them",
        f"probability of overfitting over those above: {overfitting}",
        *(f"note: {note}" for note in found.notes),
    ]
    if found.done < found.total:
        lines.append(
            f"{found.done:,} of {found.total:,} folds are done; run the same command again to go on"
        )
    return [*lines, "", *(_to_set(found.best) if found.is_enough else _nothing(found))]


def _to_set(best: Tried) -> list[str]:
    return [
        f"{best.lesson}, {best.policy} beats holding after fees; to set it:",
        "spec:",
        f"  timeframe: {best.lesson.timeframe}",
        "  model:",
        f"    horizonSteps: {best.lesson.model.horizon_steps}",
        "  decision:",
        f"    policy: {best.policy}",
    ]


def _nothing(found: Study) -> list[str]:
    best, skill = found.best, found.best.skill
    return [
        f"nothing here beats holding after fees; the nearest is {best.lesson}, {best.policy}",
        f"asked for: earns and beats at least {ENOUGH:.0%}, overfitting below {CHANCE:.0%}; found: "
        f"{_probability(skill.earns)}, {_probability(skill.beats)}, "
        f"{_probability(found.overfitting)}",
    ]
