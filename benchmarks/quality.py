"""`quality`: what the models know, beside naive forecasts, on candles that they have not seen.

DATA=dir: every candle file there of at least 20,000 bars. Trees by walk-forward over five folds,
the Temporal Fusion Transformer on the last fold with a budget of steps, each with the defaults of a
training; nothing is chosen by the test rows.
"""

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.candle_series import candle_series
from benchmarks.figures import Figure
from benchmarks.quality_folds import FOLDS, Judged, folds_of, join, judge
from bot_runtime.arrays import Values
from bot_runtime.contract.spec import OBJECTIVES, Algorithm, ModelSpec, Objective
from bot_runtime.evaluation.score_tables import MODEL, Table, losses_of
from bot_runtime.scoring.overfitting import probability_of_overfitting

LEAST_BARS = 2_000
"""Fewest bars of a fourth that its coverage is judged by."""
TREES: Algorithm = "GradientBoosting"
TFT: Algorithm = "TemporalFusionTransformer"
SPEC = ModelSpec.model_validate(
    {"temporalFusionTransformer": {"maxEpochs": 4, "maxStepsPerEpoch": 200}}
)
_DECIDED_BY: dict[Objective, str] = {"Trend": "log_loss", "Return": "pinball", "Risk": "qlike"}


def measure() -> list[Figure]:
    """Return every series' figures; its tables are printed."""
    started = time.perf_counter()
    source, series = candle_series()
    print(f"   {source}: {', '.join(f'{n} {len(c):,} bars' for n, c in series.items())}")
    figures: list[Figure] = []
    better = 0
    for name, candles in series.items():
        folds = list(folds_of(candles, SPEC.encoder_length))
        judged = [judge(TREES, SPEC, fold) for fold in folds]
        trees = join(judged)
        _show(f"{name}: trees, {FOLDS} folds, {len(trees.outcomes['Trend']):,} bars", trees)
        found = list(_figures(name, trees))
        better += found[0].value > 0
        figures += found
        tft = judge(TFT, SPEC, folds[-1])
        _show(f"{name}: TFT, the last fold, {len(tft.outcomes['Trend']):,} bars", tft)
        _show_choice(judged[-1], tft)
    minutes = (time.perf_counter() - started) / 60
    most = len(series) // 2 + 1
    figures.append(Figure("series with a better Brier score", better, most, at_least=True))
    figures.append(Figure("minutes", minutes, 60, at_least=False))
    return figures


def _figures(name: str, judged: Judged) -> Iterator[Figure]:
    """Give a series' figures: per cent below the best naive reference, and coverage in points."""
    trend, band, risk = (judged.table(objective) for objective in OBJECTIVES)
    yield _gain(f"{name}: Brier, % below the base rate", trend, "brier")
    for level in ("p10", "p90"):
        yield _gain(f"{name}: {level} pinball, % below naive", band, f"pinball_{level}")
    yield _gain(f"{name}: p50 pinball, % below naive", band, "pinball_p50", at_least=-0.2)
    yield _gain(f"{name}: QLIKE, % below naive", risk, "qlike")
    off = max(abs(share - 0.8) for share in coverages(judged)) * 100
    yield Figure(f"{name}: coverage, points off 80 % at worst", off, 3, at_least=False)


def coverages(judged: Judged) -> list[float]:
    """Return the coverage of all bars, and of each fourth that is long enough."""
    quantiles, outcome = judged.forecasts["Return"][MODEL], judged.outcomes["Return"]
    inside = (outcome >= quantiles[:, 0]) & (outcome <= quantiles[:, 2])
    fourths = [part for part in np.array_split(inside, 4) if len(part) >= LEAST_BARS]
    return [float(np.mean(part)) for part in (inside, *fourths)]


def _gain(name: str, table: Table, score: str, at_least: float = 0.0) -> Figure:
    naive = min(row[score] for forecaster, row in table.items() if forecaster != MODEL)
    return Figure(name, 100 * (1 - table[MODEL][score] / naive), at_least, at_least=True)


def _show(title: str, judged: Judged) -> None:
    print(f"   {title}")
    for objective in OBJECTIVES:
        table = judged.table(objective)
        print(f"   {objective:<10}" + "".join(f"{score:>17}" for score in table[MODEL]))
        for name, row in table.items():
            print(f"   {name:<10}" + "".join(f"{value:>17.6g}" for value in row.values()))
    shares = ", ".join(f"{share:.3f}" for share in coverages(judged))
    print(f"   coverage, all and by fourths: {shares}", flush=True)


def _show_choice(trees: Judged, tft: Judged) -> None:
    """Print by how much one of two algorithms is better on the same bars, and how sure that is."""
    for objective in OBJECTIVES:
        losses = np.column_stack([_losses(objective, judged) for judged in (trees, tft)])
        means = losses.mean(axis=0)
        best = (TREES, TFT)[int(np.argmin(means))]
        print(
            f"   {objective}: {best} by {100 * (1 - means.min() / means.max()):.2f} % of "
            f"{_DECIDED_BY[objective]}; probability of overfitting "
            f"{probability_of_overfitting(-losses):.2f}",
            flush=True,
        )


def _losses(objective: Objective, judged: Judged) -> Values:
    model = {MODEL: judged.forecasts[objective][MODEL]}
    return losses_of(objective, model, judged.outcomes[objective])[MODEL]
