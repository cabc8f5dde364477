"""What a version's skill is held against: numbers of the judgement, frozen once."""

import numpy as np
import pytest

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.evaluation import references
from bot_runtime.evaluation.score_tables import forecasts_of, losses_of, outcome_of
from bot_runtime.evaluation.skill_reference import build_skill_reference, judged_lead
from bot_runtime.features.panel import feature_names
from bot_runtime.serving.live_skill import SkillReference
from bot_runtime.serving.predictions import columns_of
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import training_data
from tests.unit.bot_runtime.markets import COMBINATION, bot_spec, publish_version

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def test_naive_forecasts_are_those_of_the_judgement(store: Store) -> None:
    """Of the rows before the test slice: the same losses as in the tables of the evaluation."""
    version = load_version(store, publish_version(store, bot_spec(), combination=COMBINATION))
    data = training_data(2_500)
    rows = data.splits.test
    served = version.predict_rows(data.features, data.closes, rows)
    found = build_skill_reference(version, data, served)
    assert found is not None
    assert found.base_rate == references.base_rate(data, rows)[0]
    losses = losses_of(
        "Return",
        forecasts_of("Return", columns_of(served, "Return"), data, rows),
        outcome_of("Return", data, rows),
    )
    assert found.scaled == (losses["scaled"].mean() < losses["constant"].mean())
    quantiles = references.scaled_quantiles if found.scaled else references.constant_quantiles
    unit = data.volatility[rows[0]] if found.scaled else 1.0
    assert np.array(found.quantiles) * unit == pytest.approx(quantiles(data, rows)[0])
    assert SkillReference.model_validate(found.to_json()) == found


def test_the_blocks_of_a_judgement_are_of_all_symbols(store: Store) -> None:
    spec = bot_spec(symbols=list(SYMBOLS))
    version = load_version(store, publish_version(store, spec, combination=COMBINATION))
    data = training_data(2_500, symbols=SYMBOLS)
    assert data.features.shape[1] == len(feature_names(2))
    served = version.predict_rows(data.features, data.closes, data.splits.test)
    found = build_skill_reference(version, data, served)
    assert found is not None
    assert found.block_rows == 2 * DAY_MS // data.interval_ms


def test_a_judgement_of_few_days_has_no_lead_that_is_watched(store: Store) -> None:
    version = load_version(store, publish_version(store, bot_spec(), combination=COMBINATION))
    data = training_data(1_500)
    served = version.predict_rows(data.features, data.closes, data.splits.test)
    found = build_skill_reference(version, data, served)
    assert found is not None
    assert not any(found.watches(i) for i in range(len(OBJECTIVES)))


def test_a_version_of_an_earlier_format_has_no_reference(store: Store) -> None:
    version = load_version(store, publish_version(store, bot_spec()))
    data = training_data(1_500)
    served = version.predict_rows(data.features, data.closes, data.splits.test)
    assert build_skill_reference(version, data, served) is None


def test_a_lead_is_the_mean_of_days_that_have_half_of_their_rows() -> None:
    block = np.repeat(np.arange(10), [10] * 9 + [4])
    lead = np.concatenate([np.repeat([1.0, 2.0, 3.0] * 3, 10), np.full(4, 100.0)])
    found = judged_lead(lead, block, 10)
    assert found.mean == pytest.approx(2.0)
    assert found.deviation == pytest.approx(np.std([1.0, 2.0, 3.0] * 3, ddof=1))
    assert judged_lead(lead[:70], block[:70], 10).mean == 0.0
