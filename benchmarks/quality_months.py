"""`quality-months`: what a training has learned, judged on the month after it, again and again.

DATA=dir: every candle file there of at least 20,000 bars. Trainings of 180 days with the defaults
of a bot, of trees, gate and calibration included. A version is judged whether it passes or not, and
every contestant (quality_contestants.py) on the same rows.

`quality-months-choice` is for whoever chooses between contestants: the same on candles before
CHOICE_END alone, those of five minutes in windows of 90 days. `quality-months` reports the choice.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.candle_series import candle_series
from benchmarks.figures import Figure
from benchmarks.quality_contestants import CONTESTANTS, JUDGED, SERVED
from benchmarks.quality_judged import LEAST_OUTCOMES, Month, coverages, gains_of, judge
from benchmarks.quality_windows import Window, learn, windows_of
from bot_runtime.contract.intervals import HOUR_MS
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation.judge import LOSSES
from bot_runtime.evaluation.score_tables import MODEL
from bot_runtime.market.candles import Candles, ms_of, utc
from bot_runtime.process.errors import StepError
from bot_runtime.store.layout import Store

LEARNED_DAYS: Final = 180
GENERATED_BARS: Final = 61_000
"""Of five minutes: one window, and the month after it."""
CHOICE_DAYS: Final = 90
CHOICE_END: Final = "2023-06-01T00:00:00Z"


def measure() -> list[Figure]:
    """Return what is promised of months of five-minute candles; the tables are printed."""
    source, series = candle_series(GENERATED_BARS)
    started = time.perf_counter()
    months = list(months_of(source, series, lambda _: LEARNED_DAYS))
    minutes = (time.perf_counter() - started) / 60
    _show(months)
    pace = 20 * minutes / max(len(months) / len(CONTESTANTS), 1)
    return [*figures_of(months), Figure("minutes for 20 windows", pace, 60, at_least=False)]


def measure_choice() -> list[Figure]:
    """Print the tables that a choice may be made by; no limit is held against them."""
    source, series = candle_series(GENERATED_BARS)
    early = {name: candles.between(0, ms_of(CHOICE_END)) for name, candles in series.items()}
    _show(list(months_of(f"{source}, before {CHOICE_END}", early, _choice_days)))
    return []


def _choice_days(candles: Candles) -> int:
    return CHOICE_DAYS if candles.interval_ms < HOUR_MS else LEARNED_DAYS


def months_of(
    source: str, series: Mapping[str, Candles], days_of: Callable[[Candles], int]
) -> Iterator[Month]:
    """Give what every contestant is worth in every month of every series, and tell of each."""
    found = {name: windows_of(candles, days_of(candles)) for name, candles in series.items()}
    windows = [(name, window) for name, own in found.items() for window in own]
    print(f"   {source}: {', '.join(f'{name} {len(own)} windows' for name, own in found.items())}")
    for number, (name, window) in enumerate(windows, start=1):
        started = time.perf_counter()
        try:
            own, verdict = _judged(name, series[name], window)
        except StepError as e:
            own, verdict = [], f"not trained: {e}"
        yield from own
        at = f"{number} of {len(windows)}, {time.perf_counter() - started:.0f} s"
        print(f"   {at}: {name}, {_day(window.begin_ms)}: {verdict}", flush=True)


def _judged(name: str, candles: Candles, window: Window) -> tuple[list[Month], str]:
    """Return what the contestants are worth after a window, and the gate's verdict in words."""
    with tempfile.TemporaryDirectory() as folder:
        learned = learn(candles, window, Store(Path(folder)))
        months = list(judge(name, window.begin_ms, learned, CONTESTANTS))
    reasons = learned.result.reasons
    return months, f"refused: {'; '.join(reasons)}" if reasons else "passed"


def _show(months: Sequence[Month]) -> None:
    """Print a table of every series and contestant, and the contestants beside what is served."""
    for (series, contestant), own in _by_table(months).items():
        print(f"   {series}, {contestant}: losses, and by how many % they are below naive ones")
        for line in table_of(own):
            print(f"   {line}")
    for line in comparison_of(months):
        print(f"   {line}")


def table_of(months: Sequence[Month]) -> Iterator[str]:
    """Give the lines of one contestant's months of a series, the mean and the worst at the end."""
    yield (
        f"{'month':<11}{'gate':<9}{'outcomes':>9}{'log loss':>10}{'base':>11}{'pinball':>11}"
        f"{'then':>16}{'best':>16}{'QLIKE':>8}{'then':>13}{'best':>13}{'coverage':>10}"
    )
    for month, coverage in zip(months, coverages(months), strict=True):
        loss = {o: month.losses[o][MODEL] for o in OBJECTIVES}
        yield (
            f"{_day(month.begin_ms):<11}{'passed' if month.promoted else 'refused':<9}"
            f"{len(month.inside):>9,}{loss['Trend']:>10.5f}{month.below_best('Trend'):>+11.2f}"
            f"{loss['Return']:>11.7f}{_beside(month, 'Return', 16)}"
            f"{loss['Risk']:>8.4f}{_beside(month, 'Risk', 13)}{coverage:>10.1f}"
        )
    below = [
        [share(month, objective) for month in months]
        for objective in OBJECTIVES
        for share in ((Month.below_then, Month.below_best)[objective == "Trend" :])
    ]
    passed = f"{sum(month.promoted for month in months)} of {len(months)} passed"
    worst = [int(np.argmin(shares)) for shares in below]
    yield _line(f"mean, {passed}", [f"{np.mean(shares):+.2f}" for shares in below])
    yield _line("worst", [f"{min(shares):+.2f}" for shares in below])
    yield _line("in the month", [_day(months[place].begin_ms) for place in worst])


def _beside(month: Month, objective: Objective, width: int) -> str:
    """Return the two cells of a loss beside naive ones: by how much it is below which of them."""
    then = f"{month.below_then(objective):+.2f} {month.then[objective]}"
    best = f"{month.below_best(objective):+.2f} {month.best(objective)}"
    return f"{then:>{width}}{best:>{width}}"


def _line(what: str, cells: Sequence[str]) -> str:
    """Return a line with a cell below each of what a loss is compared with."""
    base, pinball_then, pinball_best, qlike_then, qlike_best = cells
    return (
        f"{what:<29}{base:>21}{pinball_then:>27}{pinball_best:>16}{qlike_then:>21}{qlike_best:>13}"
    )


def comparison_of(months: Sequence[Month]) -> Iterator[str]:
    """Give a line for each contestant, series and loss: how far below what is served it is."""
    contestants = dict.fromkeys(month.contestant for month in months if month.contestant != SERVED)
    series = dict.fromkeys(month.series for month in months)
    for contestant in contestants:
        for name in series:
            own = [month for month in months if month.series == name]
            for objective, loss in LOSSES.items():
                gains = gains_of(own, contestant, objective)
                error = np.std(gains, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.inf
                yield (
                    f"{name}: {loss} of {contestant}, % below {SERVED}: {np.mean(gains):+.2f} on "
                    f"average, standard error {error:.2f}, worst {min(gains):+.2f}, "
                    f"lower in {int(np.sum(gains > 0))} of {len(gains)} months"
                )


def figures_of(months: Sequence[Month]) -> list[Figure]:
    """Return what is promised, of all months that have LEAST_OUTCOMES."""
    long = [month for month in months if len(month.inside) >= LEAST_OUTCOMES]
    own = [month for month in long if month.contestant == SERVED]
    if not own:
        return []
    trend, risk = ([month.below_best(o) for month in own] for o in ("Trend", "Risk"))
    off = max(abs(share - 80) for table in _by_table(own).values() for share in coverages(table))
    of, few = f"of {len(own)} months", len(own) / 8
    gain = -float(np.mean(gains_of(long, JUDGED, "Trend")))
    return [
        Figure(f"log loss above the base rate, {of}", _negative(trend), few, at_least=False),
        Figure("QLIKE, % below EWMA and HAR, on average", float(np.mean(risk)), 5, at_least=True),
        Figure(f"QLIKE above EWMA or HAR, {of}", _negative(risk), few, at_least=False),
        Figure("QLIKE, % below EWMA and HAR, worst month", min(risk), -5, at_least=True),
        Figure("coverage, points off 80 %, worst month", off, 3, at_least=False),
        Figure("log loss of a refit, % below what was judged", gain, 0.1, at_least=True),
    ]


def _negative(shares: Sequence[float]) -> int:
    return sum(share < 0 for share in shares)


def _by_table(months: Sequence[Month]) -> dict[tuple[str, str], list[Month]]:
    """Return each contestant's months of each series, by time."""
    found: dict[tuple[str, str], list[Month]] = {}
    for month in months:
        found.setdefault((month.series, month.contestant), []).append(month)
    return found


def _day(time_ms: int) -> str:
    return utc(time_ms)[:10]
