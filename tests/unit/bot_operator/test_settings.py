"""Settings from the environment."""

import pytest

from bot_operator.api.errors import SettingsError
from bot_operator.settings import load_settings

GOOD = {
    "BOTCRIPTO_TRAINING_IMAGE": "registry.example:5000/team/train:1.2.3",
    "BOTCRIPTO_INFERENCE_IMAGE": "example.org/infer@sha256:" + "a" * 64,
    "BOTCRIPTO_NAMESPACE": "bots",
}


def test_good_settings_are_read() -> None:
    settings = load_settings({**GOOD, "BOTCRIPTO_WORKERS": "3"})
    assert (settings.own_namespace, settings.scope, settings.workers) == ("bots", "bots", 3)
    assert load_settings(GOOD, all_namespaces=True).scope is None
    assert load_settings(GOOD, namespace="other").scope == "other"


@pytest.mark.parametrize(
    "image",
    ["", "train", "example.org/train", "example.org/train:latest", "registry:5000/train", "a b:1",
     "example.org/train:latest@sha256:" + "a" * 64],
)  # fmt: skip
@pytest.mark.parametrize("variable", ["BOTCRIPTO_TRAINING_IMAGE", "BOTCRIPTO_INFERENCE_IMAGE"])
def test_an_image_that_is_not_pinned_is_refused_by_the_variables_name(
    variable: str, image: str
) -> None:
    with pytest.raises(SettingsError, match=variable):
        load_settings({**GOOD, variable: image})


def test_the_image_for_trees_may_be_left_out_and_is_pinned_where_it_is_not() -> None:
    variable = "BOTCRIPTO_TREES_TRAINING_IMAGE"
    assert load_settings(GOOD).trees_training_image is None
    assert load_settings({**GOOD, variable: ""}).trees_training_image is None
    assert load_settings({**GOOD, variable: "a/b:1"}).trees_training_image == "a/b:1"
    with pytest.raises(SettingsError, match=variable):
        load_settings({**GOOD, variable: "a/b:latest"})


@pytest.mark.parametrize("value", ["0", "-1", "many", "1e3", "100000"])
def test_a_number_out_of_bounds_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="BOTCRIPTO_WORKERS"):
        load_settings({**GOOD, "BOTCRIPTO_WORKERS": value})


def test_without_a_namespace_outside_a_pod_the_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="BOTCRIPTO_NAMESPACE"):
        load_settings({k: v for k, v in GOOD.items() if k != "BOTCRIPTO_NAMESPACE"})
