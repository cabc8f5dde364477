"""Which algorithm finds what: a market that trees win, one that the TFT wins, and one of noise."""

import numpy as np
import pytest

from bot_runtime.contract.spec import Objective
from bot_runtime.serving.version import load_version
from bot_runtime.steps.evaluate import evaluate
from bot_runtime.steps.train import train
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import (
    BOTH,
    market_candles,
    model_spec,
    prepare_training,
    quiet,
    train_all,
    train_and_evaluate,
)

CANDIDATES = ("GradientBoosting", "TemporalFusionTransformer")
SEQUENCE_MODEL = {
    "hiddenSize": 8,
    "batchSize": 64,
    "maxEpochs": 3,
    "maxStepsPerEpoch": 60,
}


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("flavour", "winner"),
    [("threshold", "GradientBoosting"), ("oscillation", "TemporalFusionTransformer")],
)
@pytest.mark.parametrize("objective", ["Trend"])
def test_algorithm_that_suits_the_market_is_taken(
    store: Store, flavour: str, winner: str, objective: Objective
) -> None:
    spec = model_spec(
        candidates=CANDIDATES,
        encoderLength=24,
        gradientBoosting={},
        temporalFusionTransformer=SEQUENCE_MODEL,
    )
    candles = market_candles(5000, BOTH, flavour=flavour)
    result = train(prepare_training(store, candles, spec), objective, store, quiet(objective))
    assert result.algorithm == winner
    scores = {name: float(score) for name, score in result.scores.items()}
    other = scores[next(name for name in CANDIDATES if name != winner)]
    assert scores[winner] < other - 0.005
    assert float(result.metrics["log_loss"]) < float(result.metrics["log_loss_naive"]) - 0.02


@pytest.mark.timeout(400)
def test_transformer_is_trained_judged_and_served_for_every_objective(store: Store) -> None:
    """The mini network of quick tests: what matters is that every part of it is real."""
    spec = model_spec(
        candidates=("TemporalFusionTransformer",),
        encoderLength=24,
        temporalFusionTransformer=SEQUENCE_MODEL | {"maxEpochs": 2, "maxStepsPerEpoch": 20},
    )
    configuration = prepare_training(store, market_candles(2500, BOTH, flavour="oscillation"), spec)
    results = train_all(configuration, store)
    assert {r.algorithm for r in results.values()} == {"TemporalFusionTransformer"}
    result = evaluate(configuration, store, quiet("Evaluation"))
    assert not any(reason.startswith(("Parity", "NotFinite")) for reason in result.reasons)
    version = load_version(store, result.version)
    assert version.longest_window == 24
    assert version.context_length == 84


@pytest.mark.timeout(400)
@pytest.mark.parametrize("flavour", ["momentum", "threshold", "oscillation"])
def test_planted_market_passes_the_gate_and_is_traded_both_ways(store: Store, flavour: str) -> None:
    spec = model_spec(gradientBoosting={})
    candles = market_candles(6000, BOTH, flavour=flavour)
    result = train_and_evaluate(prepare_training(store, candles, spec), store)
    assert result.promoted, result.reasons
    trading = load_json(store.version(result.version) / "evaluation.json")["trading"]
    assert min(trading["longs"], trading["shorts"]) > 10
    assert trading["hit_rate"] >= 0.6


@pytest.mark.timeout(400)
def test_noise_is_rejected_and_not_traded_whatever_the_seed(store: Store) -> None:
    """Twenty markets of noise: a gate that asked for no more than `lower` would pass ten."""
    spec, promoted, lower, shares = model_spec(gradientBoosting={}), [], 0, []
    for seed in range(20):
        candles = market_candles(2500, BOTH, strength=0.0, seed=seed)
        name = f"bot-{seed}"
        result = train_and_evaluate(prepare_training(store, candles, spec, name=name), store)
        promoted.append(result.promoted)
        shares.append(float(result.tradable_share))
        trend = result.objectives[0].metrics
        lower += float(trend["log_loss"]) < float(trend["log_loss_naive"])
    assert not any(promoted)
    assert np.mean(shares) <= 0.01  # of rejected versions, which nothing serves
    assert lower > 2  # luck was there to be had
