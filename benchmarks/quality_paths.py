"""`quality-paths`: trees by combinatorial purged cross-validation: does a gain hold in every order?

Six stretches of the newest candles of a series, two of them tested at a time, learned from the
other four on either side: 15 splits, and 5 paths through all of the time. What is learned from
keeps clear of what is tested by the features' memory and the horizon.
"""

from collections.abc import Iterator

from benchmarks.candle_series import candle_series
from benchmarks.figures import Figure
from benchmarks.quality_folds import HORIZON, folds_of, judge
from benchmarks.validation import Spans, Split, combinatorial
from bot_runtime.contract.spec import ModelSpec, Objective
from bot_runtime.evaluation.score_tables import MODEL
from bot_runtime.features.indicators import WARM_UP

BARS = 20_000
GROUPS, TESTED = 6, 2
SPEC = ModelSpec()
DECIDED_BY: dict[Objective, str] = {"Trend": "brier", "Return": "pinball", "Risk": "qlike"}


def around(spans: Spans, interval_ms: int) -> Iterator[Split]:
    """Give each pair of stretches what lies on either side of them to learn from."""
    memory = WARM_UP + SPEC.encoder_length + HORIZON
    return combinatorial(spans, GROUPS, TESTED, memory * interval_ms)


def measure() -> list[Figure]:
    """Return in how many splits each objective is better than its best naive reference."""
    source, series = candle_series()
    figures: list[Figure] = []
    for name, candles in series.items():
        rows = folds_of(candles[-BARS:], SPEC.encoder_length, around)
        folds = [judge("GradientBoosting", SPEC, fold) for fold in rows]
        for objective, score in DECIDED_BY.items():
            gains = []
            for fold in folds:
                table = fold.table(objective)
                naive = min(row[score] for who, row in table.items() if who != MODEL)
                gains.append(100 * (1 - table[MODEL][score] / naive))
            shown = ", ".join(f"{gain:.2f}" for gain in sorted(gains))
            print(f"   {source}, {name}, {objective}: {score}, % below naive: {shown}", flush=True)
            better, most = sum(gain > 0 for gain in gains), len(gains) // 2 + 1
            figures.append(Figure(f"{name}: splits better by {score}", better, most, at_least=True))
    return figures
