"""What a version's skill is held against: numbers of the judgement, frozen once."""

import numpy as np
import pytest

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.evaluation.skill_reference import build_skill_reference, judged_lead
from bot_runtime.features.panel import feature_names
from bot_runtime.scoring.scores import log_loss
from bot_runtime.serving.live_skill import SkillReference
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import training_data
from tests.unit.bot_runtime.markets import COMBINATION, NAIVE, bot_spec, publish_version

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def test_the_lead_is_that_of_the_test_slice_by_days(store: Store) -> None:
    version = load_version(store, publish_version(store, bot_spec(), combination=COMBINATION))
    data = training_data(70_000)
    rows = data.splits.test
    served = version.predict_rows(data.features, data.closes, rows)
    found = build_skill_reference(version, data, served)
    assert found is not None
    own = log_loss(served.prob_up, data.labels.up[rows])
    naive = log_loss(np.full(len(rows), NAIVE.base_rate), data.labels.up[rows])
    day = (data.time_ms[rows] + data.interval_ms) // DAY_MS
    assert found.judged[0] == judged_lead(naive - own, day, found.block_rows)
    assert found.judged[0].deviation > 0
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
