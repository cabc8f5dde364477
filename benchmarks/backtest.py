"""`backtest`: the walk beside backtesting.py and beside a plain loop, its memory, and predictions.

Predictions are given; what is timed is decisions, limits and fills in memory, in processor seconds
of one thread. Each side runs in a process of its own, in turn. That all three find the same trades
and the same equity is asserted first.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.backtest_rules import Outcome, Traded
from benchmarks.backtesting_package import installed
from benchmarks.figures import Figure, run_process
from benchmarks.trained import SMALL_TRANSFORMER, Trained, bot, exchange
from bot_runtime.process.threads import cpu_count

BARS = 200_000
MANY = 1_000_000
MOST = 10_000_000
ROUNDS = 5
RUNS = {"own": 16, "plain": 80, "theirs": 3}
"""Of a side in each of its processes, which thus last equally long: the quickest run counts."""
REPEATS = 3
"""Of what takes longer."""
PREDICTED = {"trees": 200_000, "the transformer": 2_000}
MODELS: dict[str, dict[str, Any]] = {
    "trees": {"candidates": ["GradientBoosting"]},
    "the transformer": SMALL_TRANSFORMER,
}
MB = 2**20 / 1e6
"""In a MiB."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one process has measured: seconds of each of its runs, and its peak of memory."""

    seconds: list[float]
    peak_mib: float
    outcome: Outcome

    @property
    def best(self) -> float:
        """Return the seconds of the quickest run: what disturbs it only makes it longer."""
        return min(self.seconds)


def measure() -> list[Figure]:
    """Return the ratios of speed, the growth with the bars, memory, and what predictions cost."""
    with tempfile.TemporaryDirectory() as folder:
        sides = _Sides(Path(folder))
        rounds = [
            {side: sides.run(side, BARS, runs) for side, runs in RUNS.items()}
            for _ in range(ROUNDS)
        ]
        first = {side: found.outcome for side, found in rounds[0].items()}
        for other in ("plain", "theirs"):
            assert_equal(first["own"], first[other])
        growth, beyond = sides.growth()
    speed = {side: BARS / median(found[side].best for found in rounds) for side in first}
    trades = len(first["own"].trades)
    print(f"   {trades:,} equal trades, {BARS / trades:.1f} bars each; bars a second:", flush=True)
    for side, bars in speed.items():
        print(f"   {side:<8} {bars:12,.0f}", flush=True)
    own = [found["own"] for found in rounds]
    over_theirs = median(found["theirs"].best / found["own"].best for found in rounds)
    over_plain = median(found["plain"].best / found["own"].best for found in rounds)
    warm_up = median(found.seconds[0] - found.best for found in own)
    predicted = _predicted(speed["own"])
    return [
        Figure("our bars a second / backtesting.py's", over_theirs, 5, at_least=True),
        Figure("our bars a second / a plain loop's", over_plain, 0.1, at_least=True),
        Figure("time of 10^7 bars / 10^6, at least", growth, 8.5, at_least=True),
        Figure("time of 10^7 bars / 10^6, at most", growth, 11.5, at_least=False),
        Figure("memory beyond the inputs, 10^7 bars, MB", beyond, 300, at_least=False),
        Figure("warm-up, s", warm_up, 1, at_least=False),
        Figure("with the trees' predictions / without", predicted, 0.1, at_least=True),
    ]


def assert_equal(ours: Outcome, others: Outcome) -> None:
    """Raise AssertionError where two sides did not trade alike.

    Bars, lots and prices are equal; of the equity, what floats lose in so many sums.
    """
    for mine, other in zip(ours.trades, others.trades, strict=False):
        assert mine == other, f"found {mine}, others {other}"
    assert len(ours.trades) == len(others.trades)
    assert abs(ours.equity / others.equity - 1.0) < 1e-11, (ours.equity, others.equity)


class _Sides:
    """The sides' processes; what they leave lies in a folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "outcome.json"
        importable = os.pathsep.join((os.environ.get("PYTHONPATH", ""), str(installed())))
        self._environment = {**os.environ, "PYTHONPATH": importable}

    def run(self, side: str, bars: int, runs: int = 1) -> Measured:
        """Run one side in a process of its own."""
        module = [sys.executable, "-m", "benchmarks.backtest_side"]
        run_process([*module, side, str(bars), str(runs), str(self._file)], self._environment)
        told = json.loads(self._file.read_text(encoding="utf-8"))
        trades, equity = told["outcome"]
        outcome = Outcome([Traded(*trade) for trade in trades], equity)
        return Measured(told["seconds"], told["peak_mib"], outcome)

    def growth(self) -> tuple[float, float]:
        """Return the time of MOST bars by that of MANY, and the MB beyond the inputs of MOST."""
        ratios, beyond = [], []
        for _ in range(REPEATS):
            many, most, inputs = (
                self.run(*side) for side in (("own", MANY), ("own", MOST), ("inputs", MOST))
            )
            ratios.append(most.best / many.best)
            beyond.append((most.peak_mib - inputs.peak_mib) * MB)
            print(f"   {MOST:,} bars {most.best:.1f} s, {MANY:,} {many.best:.2f} s", flush=True)
        return median(ratios), median(beyond)


def _predicted(speed: float) -> float:
    """Return the share of the speed that is left with the trees' predictions; print all."""
    shares = {}
    for name, model in MODELS.items():
        bars = PREDICTED[name]
        with tempfile.TemporaryDirectory() as folder, exchange() as endpoint:
            trained = Trained(Path(folder), bot(endpoint, model))
            version = trained.train()
            module = [sys.executable, "-m", "benchmarks.backtest_predictions"]
            command = [*module, str(trained.store), version, str(bars), str(cpu_count())]
            seconds = min(float(subprocess.check_output(command)) for _ in range(ROUNDS))
        per_bar = seconds / bars + 1.0 / speed
        print(f"   with the predictions of {name} {1.0 / per_bar:12,.0f} bars a second", flush=True)
        shares[name] = 1.0 / per_bar / speed
    return shares["trees"]
