"""Fields newer than the first release: nothing takes notice of one that has its default."""

from typing import Any

import pytest
from pydantic import Field, ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.newer_fields import (
    newer,
    newer_fields,
    newer_fields_set,
    without_fields,
)
from bot_runtime.contract.runconfig import (
    NEWER_FIELDS,
    inference_run,
    training_digest,
    training_run,
    training_spec_of,
)
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.resources import bot

OF_DECISION = ("decision.policy", "decision.slippageBps")
OF_TRADING = ("capital", "regimes", "risk", "execution", "journal")
OTHERS = {"policy": "VolatilityManaged", "slippageBps": 7}


def spec_of(**decision: Any) -> TradingBotSpec:
    return TradingBotSpec.model_validate(bot(decision=decision)["spec"])


def training_of(spec: TradingBotSpec) -> ModelTrainingSpec:
    return training_spec_of("b", spec, image="x:1", claim="c", champion_version=None)


def written_of(spec: TradingBotSpec) -> list[dict[str, Any]]:
    """Return everything of a bot that images read, or that a digest is made of."""
    training = training_of(spec)
    run, inference = training_run("n", "t", training), inference_run("n", "b", spec, "v")
    return [spec.to_json(), training.to_json(), run.to_json(), inference.to_json()]


def test_every_newer_field_is_known_by_its_path_in_yaml() -> None:
    assert (*OF_DECISION, *OF_TRADING) == NEWER_FIELDS
    of_no_run = set(newer_fields(TradingBotSpec)) - set(NEWER_FIELDS)
    assert of_no_run == {"training.refit", "notifications"}
    assert newer_fields(ModelTrainingSpec) == ("refit", *OF_DECISION)


@pytest.mark.parametrize("decision", [{}, {"policy": "Thresholds", "slippageBps": 5}])
def test_a_default_is_left_out_of_all_that_is_written(decision: dict[str, Any]) -> None:
    for content in written_of(spec_of(**decision)):
        assert sorted(content["decision"]) == [
            *("feesBps", "minExpectedReturn", "probMin", "riskMax")
        ]
    assert newer_fields_set(spec_of(**decision)) == ()


@pytest.mark.parametrize("field", OTHERS)
def test_another_value_is_written_and_changes_the_digest_of_runs_alone(field: str) -> None:
    default, changed = spec_of(), spec_of(**{field: OTHERS[field]})
    for content in written_of(changed):
        assert content["decision"][field] == OTHERS[field]
    assert newer_fields_set(changed) == (f"decision.{field}",)
    of_default, of_changed = (
        inference_run("n", "b", default, "v"),
        inference_run("n", "b", changed, "v"),
    )
    assert of_default.digest != of_changed.digest
    assert training_digest(training_of(default)) == training_digest(training_of(changed))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("capital", "500"),
        ("regimes", [{"name": "BEAR_TREND", "entries": False}]),
        ("risk", {"maxPosition": 0.2}),
        ("execution", {"deadlineSeconds": 30}),
    ],
)
def test_what_a_bot_trades_by_reaches_its_runs_alone(field: str, value: Any) -> None:
    changed = TradingBotSpec.model_validate(bot(**{field: value})["spec"])
    spec, training, run, inference = written_of(changed)
    assert field in spec
    assert field in inference
    assert field not in training
    assert field not in run
    assert newer_fields_set(changed) == (field,)
    assert without_fields(changed, (field,)) == spec_of()
    default, of_changed = (inference_run("n", "b", s, "v") for s in (spec_of(), changed))
    assert default.digest != of_changed.digest


def test_whether_a_version_is_fitted_once_more_is_in_no_configuration_and_no_digest() -> None:
    default = spec_of()
    changed = TradingBotSpec.model_validate(bot(training={"refit": "Off"})["spec"])
    assert written_of(default)[2:] == written_of(changed)[2:]
    assert "refit" not in written_of(default)[1]
    assert written_of(changed)[1]["refit"] == "Off"
    assert training_digest(training_of(default)) == training_digest(training_of(changed))


def test_the_size_of_the_container_that_trades_is_in_no_configuration() -> None:
    larger = {"resources": {"limits": {"memory": "1Gi"}}}
    changed = TradingBotSpec.model_validate(bot(execution=larger)["spec"])
    default, of_changed = (inference_run("n", "b", s, "v") for s in (spec_of(), changed))
    assert default == of_changed


def test_what_is_written_is_read_back() -> None:
    for decision in ({}, OTHERS):
        spec = spec_of(**decision)
        assert TradingBotSpec.model_validate(spec.to_json()) == spec


def test_fields_are_set_back_to_their_default_one_by_one() -> None:
    changed = spec_of(**OTHERS, probMin=0.6)
    assert without_fields(changed, ()) is changed
    assert without_fields(changed, ("decision.policy",)) == spec_of(slippageBps=7, probMin=0.6)
    assert without_fields(changed, OF_DECISION) == spec_of(probMin=0.6)


@pytest.mark.parametrize(
    ("field", "value"),
    [("slippageBps", -1), ("slippageBps", 1001), ("policy", "Volatility"), ("policy", None)],
)
def test_a_wrong_value_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=f"decision.{field}"):
        spec_of(**{field: value})


class _Entry(Model):
    late: int = newer(0)


class _Inner(Model):
    late: bool = newer(default=False)
    early: int = 1


class _Outer(Model):
    inner: _Inner = Field(default_factory=_Inner)
    optional: _Inner | None = None
    entries: tuple[_Entry, ...] = ()
    whole: _Inner | None = newer(None)


def test_fields_inside_of_others_are_found_and_entries_of_lists_are_not() -> None:
    assert newer_fields(_Outer) == ("inner.late", "optional.late", "whole")
    value = _Outer(optional=_Inner(late=True), whole=_Inner(late=True))
    assert newer_fields_set(value) == ("optional.late", "whole")
    assert newer_fields_set(_Outer()) == ()
    assert without_fields(value, ("optional.late", "whole")) == _Outer(optional=_Inner())
