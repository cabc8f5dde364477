"""Runs the benchmarks: `python -m benchmarks [name ...]`."""

import sys
from collections.abc import Callable

from benchmarks import (
    backtest,
    edit_one,
    features,
    inference_cold,
    journal,
    live_skill,
    noise,
    quality,
    quality_months,
    quality_paths,
    reconcile,
    signals,
    steady,
    trade_cold,
    train_gbdt,
    train_tft,
)
from benchmarks.figures import Figure

BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "inference-cold": inference_cold.measure,
    "trade-cold": trade_cold.measure,
    "reconcile-200": reconcile.measure_200,
    "reconcile-1000": reconcile.measure_1000,
    "steady-1000": steady.measure_steady,
    "restart-1000": steady.measure_restart,
    "edit-one": edit_one.measure,
    "signals-1000": signals.measure,
    "features": features.measure,
    "backtest": backtest.measure,
    "journal": journal.measure,
    "train-tft": train_tft.measure,
    "train-gbdt": train_gbdt.measure,
    "quality": quality.measure,
    "quality-months": quality_months.measure,
    "quality-months-choice": quality_months.measure_choice,
    "quality-paths": quality_paths.measure,
    "live-skill": live_skill.measure,
    "noise": noise.measure,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; return 1 if any figure falls short."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"unknown benchmark: {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
        return 2
    figures: list[Figure] = []
    for name in names or BENCHMARKS:
        print(f"== {name}", flush=True)
        for figure in BENCHMARKS[name]():
            print(figure, flush=True)
            figures.append(figure)
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
