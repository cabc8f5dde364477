"""A bot whose trend is labelled by the triple-barrier method, from its candles to its verdict."""

import numpy as np
import pytest

from bot_runtime.learning.datasets import load_training_data
from bot_runtime.serving.version import load_version
from bot_runtime.store.bundle import load_version_manifest
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import (
    market_candles,
    model_spec,
    prepare_training,
    train_and_evaluate,
)


def test_it_is_learned_judged_and_served_by_the_barriers_that_were_touched(store: Store) -> None:
    candles = market_candles(6000, flavour="threshold")
    by_sign = load_training_data(prepare_training(store, candles, model_spec()), store)
    configuration = prepare_training(store, candles, model_spec(tripleBarrierWidth=0.7))
    data = load_training_data(configuration, store)
    known = np.flatnonzero(data.labels.known)
    other = data.labels.up[known] != by_sign.labels.up[known]
    assert 0.02 < other.mean() < 0.4, "a barrier was touched before the price turned round"

    result = train_and_evaluate(configuration, store)

    assert result.promoted, result.reasons
    manifest = load_version_manifest(store.version(result.version))
    assert manifest.inputs.triple_barrier_width == 0.7
    rows = data.splits.test
    served = load_version(store, result.version).predict_rows(data.features, data.closes, rows)
    scores = load_json(store.version(result.version) / "evaluation.json")["scores"]["Trend"]
    base = float(np.mean(data.labels.up[data.splits.before_test]))
    brier = np.mean((base - data.labels.up[rows]) ** 2)
    assert float(scores["base rate"]["brier"]) == pytest.approx(brier, rel=1e-4)
    own = np.mean((served.prob_up - data.labels.up[rows]) ** 2)
    assert float(scores["model"]["brier"]) == pytest.approx(own, rel=1e-4)
    assert own < 0.97 * brier
