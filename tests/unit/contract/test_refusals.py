"""The models refuse what the API server refuses, with the same words where they are ours."""

import json

import pytest
from pydantic import ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.refusals import ACCEPTED, ACCEPTED_SCHEDULES, REFUSALS, Refusal
from tests.resources import EXAMPLES, Object, bot, changed, example

KNOWN = [refusal for refusal in REFUSALS if refusal.known_to_python]
SPECS: dict[str, type[Model]] = {"TradingBot": TradingBotSpec, "ModelTraining": ModelTrainingSpec}


def _spec(resource: Object) -> str:
    return json.dumps(resource["spec"])


@pytest.mark.parametrize("refusal", KNOWN, ids=lambda refusal: refusal.name)
def test_a_wrong_value_is_refused_by_the_model(refusal: Refusal) -> None:
    with pytest.raises(ValidationError) as refused:
        TradingBotSpec.model_validate_json(_spec(changed(bot(), refusal.changes)))
    for error in refused.value.errors():
        if error["type"] == "rule":
            assert any(words.rpartition("' ")[2] in error["msg"] for words in refusal.words)


@pytest.mark.parametrize("changes", ACCEPTED, ids=lambda changes: json.dumps(changes)[:80])
def test_what_is_valid_is_accepted(changes: Object) -> None:
    TradingBotSpec.model_validate_json(_spec(changed(bot(), changes)))


@pytest.mark.parametrize(("timeframe", "schedule"), ACCEPTED_SCHEDULES)
def test_a_schedule_no_finer_than_the_timeframe_is_accepted(timeframe: str, schedule: str) -> None:
    wanted = bot(timeframe=timeframe, inference={"schedule": schedule})
    TradingBotSpec.model_validate_json(_spec(wanted))


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"decision\.feeBps"):
        TradingBotSpec.model_validate(changed(bot(), {"spec.decision.feeBps": 1})["spec"])


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.yaml")))
def test_the_examples_are_valid(name: str) -> None:
    resource = example(name)
    spec = SPECS[resource["kind"]].model_validate(resource["spec"])
    assert SPECS[resource["kind"]].model_validate(spec.to_json()) == spec


def test_the_smallest_bot_is_ten_lines() -> None:
    lines = (EXAMPLES / "mybot.yaml").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 10
