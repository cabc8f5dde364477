"""What the API server fills in, and that applying the same again changes nothing."""

import json
from typing import Any

import pytest
from pydantic.alias_generators import to_snake

from bot_runtime.contract.base import Model
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.newer_fields import newer_fields
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.integration.stage import ControlPlane
from tests.resources import Object, bot, example, training


def _without_empty(value: Any) -> Any:
    """Return `value` without empty objects and lists: absent and empty mean the same."""
    if isinstance(value, dict):
        inner = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in ({}, [], ())}
    return value


def _with_defaults(model: type[Model], written: Object) -> Any:
    """Return a spec with every default, those of newer fields too."""
    spec = model.model_validate(written["spec"])
    content = spec.to_json()
    for path in newer_fields(model):
        part, value = content, spec
        *parents, name = path.split(".")
        for parent in parents:
            part, value = part[parent], getattr(value, to_snake(parent))
        default = getattr(value, to_snake(name))
        part[name] = default.to_json() if isinstance(default, Model) else default
    return _without_empty(content)


def test_the_ten_line_bot_gets_every_default(control_plane: ControlPlane, namespace: str) -> None:
    written = example("mybot.yaml")
    found = control_plane.api.apply(written, namespace)["spec"]
    assert _without_empty(found) == _with_defaults(TradingBotSpec, written)
    assert found["model"]["temporalFusionTransformer"]["hiddenSize"] == 16
    assert found["inference"]["timeZone"] == "Etc/UTC"


def test_a_training_gets_every_default(control_plane: ControlPlane, namespace: str) -> None:
    written = training()
    found = control_plane.api.apply(written, namespace)["spec"]
    assert _without_empty(found) == _with_defaults(ModelTrainingSpec, written)


@pytest.mark.parametrize("name", ["mybot.yaml", "demo.yaml", "study.yaml", "trading.yaml"])
def test_applying_the_same_again_changes_nothing(
    control_plane: ControlPlane, namespace: str, name: str
) -> None:
    api = control_plane.api
    api.apply(example(name), namespace)
    # As the operator does; until then the status' default would be stored by the second apply.
    first = api.apply_status(example(name), {"observedGeneration": 1}, namespace)["metadata"]
    again = api.apply(example(name), namespace)["metadata"]
    assert again["resourceVersion"] == first["resourceVersion"]
    assert again["generation"] == 1
    assert "annotations" not in again


def test_what_the_server_answered_can_be_applied_as_it_is(
    control_plane: ControlPlane, namespace: str
) -> None:
    api = control_plane.api
    stored = api.apply(bot(), namespace)
    copy = {**bot(), "spec": stored["spec"]}
    again = api.apply(copy, namespace)
    assert again["metadata"]["generation"] == 1


@pytest.mark.parametrize(
    ("section", "value"),
    [
        ("model", {"candidates": ["GradientBoosting"]}),
        ("training", {"resources": {"limits": {"memory": "8Gi"}}}),
        ("inference", {"resources": {"requests": {"cpu": "10m"}}}),
    ],
)
def test_a_value_written_later_gives_the_same_as_one_written_first(
    control_plane: ControlPlane, namespace: str, section: str, value: Object
) -> None:
    """A list or map would be merged with its default if it were not atomic."""
    api = control_plane.api
    api.apply(bot("later"), namespace)
    later = api.apply(bot("later", **{section: value}), namespace)
    first = api.apply(bot("first", **{section: value}), namespace)
    assert later["spec"] == first["spec"]
    back = api.apply(bot("later"), namespace)
    assert back["spec"] == api.apply(bot("new"), namespace)["spec"]


def test_client_side_apply_twice_says_unchanged(
    control_plane: ControlPlane, namespace: str
) -> None:
    arguments = ("apply", f"--namespace={namespace}", "--filename=-")
    text = json.dumps(example("mybot.yaml"))
    assert "created" in control_plane.kubectl(*arguments, stdin=text)
    assert "unchanged" in control_plane.kubectl(*arguments, stdin=text)
