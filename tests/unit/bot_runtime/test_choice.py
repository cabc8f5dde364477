"""The better candidate is taken, and its lead is told with the luck in it."""

import math
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.contract.spec import Algorithm
from bot_runtime.learning.candidate import Candidate
from bot_runtime.learning.choice import Choice, choose
from bot_runtime.learning.curve import LearningCurve
from bot_runtime.process.errors import ModelUnfitError
from bot_runtime.store.bundle import Graph, Inputs, ObjectiveManifest, Platt

TREES: Algorithm = "GradientBoosting"
TFT: Algorithm = "TemporalFusionTransformer"
RNG = np.random.default_rng(7)


def candidate(algorithm: Algorithm, losses: list[float], dropped: str | None = None) -> Candidate:
    manifest = ObjectiveManifest(
        objective="Trend",
        algorithm=algorithm,
        inputs=Inputs(
            timeframe="1m", horizon_steps=5, features=("rsi",), warm_up=0, volatility_candles=60
        ),
        window_length=1,
        seen_until_ms=0,
        graphs=(Graph(file="trend.onnx", sha256="0" * 64),),
        calibration=Platt(slope=1.0, intercept=0.0, rows=500),
    )
    return Candidate(manifest, Path(), np.array(losses), {}, {}, {}, LearningCurve(), 1.0, dropped)


def test_lowest_loss_is_taken_and_its_lead_told() -> None:
    found = choose({TREES: candidate(TREES, [0.5] * 20), TFT: candidate(TFT, [0.25] * 20)})
    assert found.taken == TFT
    assert found.losses == {TREES: 0.5, TFT: 0.25}
    assert found.lead == 1.0
    assert found.overfitting == 0.0, "better at every row is no luck"
    assert Choice.from_json(found.to_json()) == found


def test_a_choice_among_equals_is_luck() -> None:
    noise = [list(RNG.normal(0.7, 0.1, 4000)) for _ in range(2)]
    found = choose({TREES: candidate(TREES, noise[0]), TFT: candidate(TFT, noise[1])})
    assert 0 < found.lead < 0.02
    assert found.overfitting > 0.2


def test_what_cannot_be_served_is_no_rival() -> None:
    """A better loss that is not that of the graph, and a loss of NaN: neither says anything."""
    others = {
        "its graph differs from it: p50: 3 rows": candidate(TFT, [0.1] * 20, "p50: 3 rows"),
        "its selection loss is nan": candidate(TFT, [0.1] * 19 + [math.nan]),
    }
    for reason, other in others.items():
        found = choose({TREES: candidate(TREES, [0.5] * 20), TFT: other})
        assert found.taken == TREES
        assert found.dropped == {TFT: reason}
        assert math.isnan(found.lead)
        assert math.isnan(found.overfitting)


def test_none_that_can_be_served_is_an_error_with_every_reason() -> None:
    with pytest.raises(ModelUnfitError, match=r"p50: 3 rows.*loss is nan"):
        choose(
            {
                TREES: candidate(TREES, [0.5], "p50: 3 rows"),
                TFT: candidate(TFT, [math.nan]),
            }
        )
