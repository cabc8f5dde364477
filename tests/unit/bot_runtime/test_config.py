"""The run configuration's file: what is wrong with it is named, with a remedy."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.process.config import (
    configuration_path,
    inference_of,
    load_configuration,
    training_of,
)
from bot_runtime.process.errors import ConfigurationError
from tests.unit.bot_runtime.markets import (
    bot_spec,
    inference_configuration,
    training_configuration,
)


def written(tmp_path: Path, **changes: Any) -> Path:
    """Write a training's configuration with top-level fields changed; None removes one."""
    content = training_configuration(bot_spec()).to_json() | changes
    path = tmp_path / "run.json"
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return path


def test_configuration_comes_back_with_the_same_digest(tmp_path: Path) -> None:
    configuration = training_configuration(bot_spec())
    loaded = load_configuration(written(tmp_path))
    assert loaded == configuration
    assert loaded.digest == configuration.digest


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbols": None}, "symbols: is missing; add it"),
        ({"symbls": ["A/B"]}, "symbls: is not a field of the contract"),
        ({"timeframe": "7m"}, "timeframe: found '7m'; input should be '1m'"),
        (
            {"contractVersion": 99},
            r"contractVersion: found 99; this runtime reads 1; run the image",
        ),
        ({"decision": {"riskMax": 2}}, "decision.riskMax: found 2; input should be less than"),
    ],
)
def test_wrong_field_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load_configuration(written(tmp_path, **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
def test_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"run\.json: file: "):
        load_configuration(path)


def test_file_that_is_not_there_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"No such file.*BOTCRIPTO_CONFIG"):
        load_configuration(tmp_path / "no.json")


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    changes = {"model": dict.fromkeys("abcdefg", 1)}
    with pytest.raises(ConfigurationError, match="and 3 more"):
        load_configuration(written(tmp_path, **changes))


def test_path_is_the_mounted_one_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOTCRIPTO_CONFIG", raising=False)
    assert configuration_path() == Path("/etc/botcripto/run.json")
    monkeypatch.setenv("BOTCRIPTO_CONFIG", "/elsewhere/run.json")
    assert configuration_path() == Path("/elsewhere/run.json")


def test_part_that_a_step_needs_is_asked_for() -> None:
    training = training_configuration(bot_spec())
    inference = inference_configuration(bot_spec(), "v-1")
    assert training_of(training).lookback == "1d"
    assert inference_of(inference).model_version == "v-1"
    with pytest.raises(ConfigurationError, match="training: missing"):
        training_of(inference)
    with pytest.raises(ConfigurationError, match="inference: missing"):
        inference_of(training)
