"""A study: which timeframe, horizon and policy would have earned most, and whether it is luck.

Folds are done in the order of time over all lessons, so that a budget that ends leaves every lesson
as long. A fold that is done is kept in the store and not computed again. All that a lesson's folds
said, one after the other, is followed by one account for each policy.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, get_args

import numpy as np

from bot_runtime.backtest.beats_holding import (
    UNKNOWN,
    Days,
    Skill,
    is_worth_setting,
    overfitting_of,
)
from bot_runtime.backtest.kept_folds import fold_path, forget_unfinished, load_fold, save_fold
from bot_runtime.backtest.result import Report, performance_of_holding
from bot_runtime.backtest.stretches import hold
from bot_runtime.backtest.study_plan import Lesson, StudyAsked
from bot_runtime.backtest.told import Told, tracks_of
from bot_runtime.backtest.walk_forward import Fold, tell_fold
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.progress import seconds_left
from bot_runtime.contract.spec import Policy
from bot_runtime.contract.trading import RuleName
from bot_runtime.process.errors import ConfigurationError, DataUnusableError, ModelUnfitError
from bot_runtime.process.git import git_commit
from bot_runtime.process.threads import cpu_count
from bot_runtime.store.layout import Store
from bot_runtime.store.trials import add_trials, load_trials
from bot_runtime.trading.account import Account, follow
from bot_runtime.trading.markets import markets_of
from bot_runtime.trading.performance import Performance, performance_of

POLICIES: Final[tuple[Policy, ...]] = get_args(Policy)


class BudgetOverError(Exception):
    """The time that a study may take is over; what it has finished stands."""


@dataclass(slots=True)
class Budget:
    """The time that a study may take, from now on."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def spent(self) -> float:
        """Return the seconds since the beginning."""
        return self.clock() - self._began

    def go_on(self) -> None:
        """Raise BudgetOverError where the time is over."""
        if self.spent >= self.seconds:
            raise BudgetOverError


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """How far a lesson is: what its folds said by their number, and why some cannot be."""

    lesson: Lesson
    told: dict[int, dict[str, Told]] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Tell whether every fold is either told of or left out."""
        return len(self.told) + len(self.left_out) == len(self.lesson.folds)

    def joined(self) -> dict[str, Told]:
        """Return what all folds said, one after the other."""
        folds = [self.told[number] for number in sorted(self.told)]
        return {symbol: Told.joined([fold[symbol] for fold in folds]) for symbol in folds[0]}


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """What became of one setting.

    Attributes:
        months: length of the candles that were decided on, of 30.44 days.
        traded: share of those candles at which something was bought or sold.
        held: return, annual Sharpe ratio and deepest fall of holding on the same candles.
        stopped_ms: when risk.maxDrawdown ended all entries; None where it did not.
    """

    lesson: Lesson
    policy: Policy
    months: float
    traded: float
    performance: Performance
    held: tuple[float, float, float]
    stopped_ms: int | None
    days: Days
    skill: Skill = UNKNOWN


@dataclass(frozen=True, slots=True)
class Study:
    """What a study found.

    Attributes:
        trials: settings that were ever tried in this store.
        overfitting: probability that the best of those tried here is none elsewhere.
        done, total: folds.
    """

    tried: tuple[Tried, ...]
    trials: int
    overfitting: float
    done: int
    total: int
    notes: tuple[str, ...]

    @property
    def best(self) -> Tried:
        """Return the setting that most likely both earns money and beats holding."""
        return max(self.tried, key=lambda one: one.skill.least)

    @property
    def is_enough(self) -> bool:
        """Tell whether the best one is worth setting."""
        return is_worth_setting(self.best.skill, self.overfitting)


def run_study(
    asked: StudyAsked, lessons: Sequence[Lesson], store: Store, budget: Budget, report: Report
) -> Study:
    """Walk through the lessons until all is done or the budget is spent, and compare them.

    Raises ConfigurationError where not one fold was finished, DataUnusableError where none can be,
    ArtifactInvalidError where the store's list of trials is none.
    """
    load_trials(store)  # so that a list that cannot be read costs no fold
    forget_unfinished(store)
    walked = [Walked(lesson) for lesson in lessons]
    try:
        _walk(walked, store, budget, report)
    except BudgetOverError:
        if not any(one.told for one in walked):
            raise ConfigurationError(
                f"--budget: {budget.seconds / 60:.3g} minutes ended in the first fold; write more"
            ) from None
    ready = [one for one in walked if one.told]
    if not ready:
        why = next(reason for one in walked for reason in one.left_out.values())
        raise DataUnusableError(f"nothing can be learned in any fold: {why}")
    report("following the decisions", 1.0)
    tried = [_try(one, policy, asked) for one in ready for policy in POLICIES]
    trials = add_trials(store, [one.lesson.trial(one.policy, asked) for one in tried])
    return Study(
        tried=tuple(replace(one, skill=Skill.of(one.days, trials)) for one in tried),
        trials=trials,
        overfitting=overfitting_of([one.days for one in tried]),
        done=sum(len(one.told) + len(one.left_out) for one in walked),
        total=sum(len(one.lesson.folds) for one in walked),
        notes=tuple(_notes(walked)),
    )


def _walk(walked: Sequence[Walked], store: Store, budget: Budget, report: Report) -> None:
    """Take what is kept, and compute the other folds in the order of time."""
    code, left = git_commit(), []
    report("looking for folds that are kept", 0.0)
    for one in walked:
        for fold in one.lesson.folds:
            candles = fold.candles(one.lesson.candles, one.lesson.model)
            path = fold_path(store, fold, candles, one.lesson.model, code)
            kept = load_fold(path, tuple(candles))
            if kept is None:
                left.append((one, fold, path))
            else:
                one.told[fold.number] = kept
    began = budget.spent
    for done, (one, fold, path) in enumerate(sorted(left, key=lambda each: each[1].number)):
        share = done / len(left)
        report(_progress(one, fold, budget, seconds_left(budget.spent - began, share)), share)
        budget.go_on()
        _do(one, fold, path, budget)


def _do(one: Walked, fold: Fold, path: Path, budget: Budget) -> None:
    """Compute one fold and keep it; one that nothing can be learned from is left out."""
    model = one.lesson.model
    candles = fold.candles(one.lesson.candles, model)
    try:
        told = tell_fold(fold, candles, model, cpu_count(), budget.go_on)
    except (DataUnusableError, ModelUnfitError) as e:
        one.left_out[fold.number] = str(e)
        return
    save_fold(path, told)
    one.told[fold.number] = told


def _progress(one: Walked, fold: Fold, budget: Budget, left: int | None) -> str:
    told = f"{one.lesson}, fold {fold.number + 1} of {len(one.lesson.folds)}"
    remaining = budget.seconds - budget.spent
    if left is None:
        return told
    if left > remaining:
        return f"{told}; {_minutes(left)} left, the budget ends in {_minutes(remaining)}"
    return f"{told}; {_minutes(left)} left"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(seconds, 0):.0f} s"


def _try(one: Walked, policy: Policy, asked: StudyAsked) -> Tried:
    """Return what the account earned that followed a policy on all that a lesson's folds said."""
    lesson = one.lesson
    strategy = lesson.strategy(policy, asked)
    markets = markets_of(lesson.candles, strategy.costs, asked.filters)
    tracks = tracks_of(lesson.candles, markets, one.joined(), strategy)
    account = follow(tracks, strategy)
    held = hold(account, tracks, strategy)
    length_ms = int(account.close_ms[-1] - account.close_ms[0]) + account.interval_ms
    return Tried(
        lesson=lesson,
        policy=policy,
        months=length_ms / (30.44 * DAY_MS),
        traded=len(np.unique(account.fills["at_ms"])) / len(account.close_ms),
        performance=performance_of(account),
        held=performance_of_holding(account, held),
        stopped_ms=_stopped_ms(account),
        days=Days.of(account, held),
    )


def _stopped_ms(account: Account) -> int | None:
    """Return when the drawdown's limit tripped that still stands at the account's end."""
    end_ms = int(account.close_ms[-1])
    standing = [
        trip.at_ms
        for trip in account.trips
        if trip.limit == RuleName.DRAWDOWN and trip.resets_ms > end_ms
    ]
    return standing[-1] if standing else None


def _notes(walked: Sequence[Walked]) -> list[str]:
    """Return what the reader has to know before the figures are believed."""
    notes = []
    for one in walked:
        if one.left_out:
            why = next(iter(one.left_out.values()))
            notes.append(
                f"{one.lesson}: {len(one.left_out)} of {len(one.lesson.folds)} folds are left out, "
                f"the first one for: {why}"
            )
        elif not one.told:
            notes.append(f"{one.lesson}: no fold is done yet")
    return notes
