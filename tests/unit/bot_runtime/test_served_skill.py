"""Skill at inference: states that survive, states that cannot be, versions without a reference."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import numpy as np
import pytest

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.features.indicators import compute_features
from bot_runtime.market.candles import Candles
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.live_skill import JudgedLead, SkillReference, SkillState
from bot_runtime.serving.served_skill import Seen, load_skill_reference, read_skill, watch_skill
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.markets import COMBINATION, bot_spec, publish_version, random_candles

SYMBOL = "BTC/USDT"
REFERENCE = SkillReference(
    block_ms=DAY_MS,
    block_rows=DAY_MS // MINUTE_MS,
    judged=(JudgedLead(mean=1, deviation=1),) * 3,
)
CANDLES = random_candles(1_000, seed=3)


@pytest.fixture
def version(store: Store) -> ServedVersion:
    name = publish_version(store, bot_spec(), score=0.1, slope=90.0, combination=COMBINATION)
    save_json(store.judged_skill(name), REFERENCE.to_json())
    return load_version(store, name)


def run(store: Store, version: ServedVersion, candles: Candles | None) -> list[str]:
    """Watch the version on candles that are trusted, or on none; return what was warned of."""
    reporter = Reporter("Inference", stream=StringIO())
    reference = load_skill_reference(store, version.version, reporter)
    assert reference is not None
    seen = {} if candles is None else {SYMBOL: Seen(candles, compute_features(candles))}
    watch_skill(store, version, reference, seen, reporter)
    return reporter.warnings


def state_of(store: Store, version: ServedVersion) -> SkillState:
    return SkillState.model_validate(load_json(store.skill(version.version)))


def rows_of(state: SkillState) -> int:
    return sum(block.rows for block in state.blocks)


def test_the_first_run_scores_nothing_and_its_candle_is_the_first_that_is_scored(
    store: Store, version: ServedVersion
) -> None:
    for end in (950, 955):
        assert run(store, version, CANDLES[:end]) == []
        assert rows_of(state_of(store, version)) == (end - 950) // 5
    assert state_of(store, version).scored_ms == {SYMBOL: int(CANDLES.close_time_ms[949])}


def test_a_repeated_run_and_one_without_candles_change_nothing(
    store: Store, version: ServedVersion
) -> None:
    run(store, version, CANDLES[:940])
    run(store, version, CANDLES[:990])
    before = store.skill(version.version).read_bytes()
    assert rows_of(state_of(store, version)) == 46
    for candles in (CANDLES[:990], None, CANDLES[:990]):
        assert run(store, version, candles) == []
        assert store.skill(version.version).read_bytes() == before


def test_what_the_runs_have_found_is_read_by_a_training(
    store: Store, version: ServedVersion
) -> None:
    reporter = Reporter("Evaluation", stream=StringIO())
    assert read_skill(store, version.version, reporter) is None  # it has not served yet
    run(store, version, CANDLES[:940])
    assert read_skill(store, version.version, reporter) == LiveSkill(blocks=0)
    assert read_skill(store, "bot-9-12345678", reporter) is None
    assert reporter.warnings == []


def test_a_symbol_that_joins_begins_with_its_own_first_run(
    store: Store, version: ServedVersion
) -> None:
    run(store, version, CANDLES[:990])
    reporter = Reporter("Inference", stream=StringIO())
    seen = {name: Seen(CANDLES, compute_features(CANDLES)) for name in (SYMBOL, "ETH/USDT")}
    watch_skill(store, version, REFERENCE, seen, reporter)
    assert rows_of(state_of(store, version)) == 6
    assert set(state_of(store, version).scored_ms) == {SYMBOL, "ETH/USDT"}


def _cut(content: dict[str, Any]) -> str:
    return json.dumps(content)[:-20]


def _changed(**changes: Any) -> Callable[[dict[str, Any]], str]:
    return lambda content: json.dumps(content | changes)


def _from_the_future(content: dict[str, Any]) -> str:
    return json.dumps(content | {"scoredMs": {SYMBOL: 2_000_000_000_000}})


@pytest.mark.parametrize(
    ("spoiled", "told"),
    [
        (_cut, "is not JSON"),
        (lambda _: "[]", "not an object"),
        (_changed(version="other-1-12345678"), "is of version other-1-12345678"),
        (_changed(format=2), "format"),
        (_changed(secret="x"), "secret"),
        (_changed(blocks=[{"beginMs": 0, "rows": 5, "own": [1], "naive": [1]}]), "own"),
        (_changed(blocks=[{"beginMs": 0, "rows": 1, "own": [1] * 3, "naive": [1] * 3}] * 99), "31"),
        (_from_the_future, "knows of 2033-05-18T03:33:20Z; the newest candle closed 2023-"),
    ],
    ids=["cut", "list", "version", "format", "field", "block", "size", "future"],
)
def test_a_state_that_cannot_be_its_own_begins_anew_and_says_why(
    store: Store,
    version: ServedVersion,
    spoiled: Callable[[dict[str, Any]], str],
    told: str,
) -> None:
    run(store, version, CANDLES[:940])
    run(store, version, CANDLES[:970])
    path = store.skill(version.version)
    path.write_text(spoiled(load_json(path)), encoding="utf-8")
    (warning,) = run(store, version, CANDLES[:990])
    assert warning.startswith("skill/state.json: ")
    assert told in warning
    assert warning.endswith("the skill is counted anew")
    assert state_of(store, version) == SkillState(
        version=version.version, scored_ms={SYMBOL: int(CANDLES.close_time_ms[989]) - 1}
    )
    assert run(store, version, CANDLES[:995]) == []
    assert rows_of(state_of(store, version)) == 1


def test_a_version_without_a_reference_is_not_watched(store: Store) -> None:
    reporter = Reporter("Inference", stream=StringIO())
    name = publish_version(store, bot_spec())
    assert load_skill_reference(store, name, reporter) is None
    assert reporter.warnings == []


def test_an_unreadable_reference_is_told(store: Store, version: ServedVersion) -> None:
    reporter = Reporter("Inference", stream=StringIO())
    save_json(store.judged_skill(version.version), REFERENCE.to_json() | {"blockRows": 0})
    assert load_skill_reference(store, version.version, reporter) is None
    (warning,) = reporter.warnings
    assert "judged-skill.json: blockRows" in warning
    assert warning.endswith("the version's skill is not watched: train again")


def test_losses_that_are_no_numbers_are_left_out(
    store: Store, version: ServedVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(store, version, CANDLES[:940])
    told = version.predict_rows

    def broken(*asked: Any) -> Any:
        found = told(*asked)
        return found.with_band(np.full(len(found), np.nan), found.p90)

    monkeypatch.setattr(version, "predict_rows", broken)
    assert run(store, version, CANDLES[:990]) == []
    assert rows_of(state_of(store, version)) == 0
