"""What pydantic refuses is told in the words of YAML, whatever stands in whichever field."""

import json
import re
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from bot_runtime.contract.explanations import explain, explain_first, shown
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.retention import Pruning
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.contract.trainingstatus import ModelTrainingStatus

MODELS = (
    TradingBotSpec,
    ModelTrainingSpec,
    RunConfiguration,
    StepResult,
    Pruning,
    TradingBotStatus,
    ModelTrainingStatus,
)
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    float("inf"),
    10**20,
    "",
    "x y",
    "x" * 5_000,
    [],
    [None],
    ["x"] * 20,
    {},
    {"a": None},
    {f"k{i}": "x" for i in range(20)},
    {1: 2},
)
Place = Callable[[Any], Any]

PYTHON = re.compile(
    r"[Tt]uple|[Dd]ict|None|True|False|[Ii]nstance|isoformat|Value error|discriminator|[Bb]oolean"
    r"|[Aa]rray|Error\b"
)
CONDITION = "'True', 'False' or 'Unknown'"
"""Kubernetes' own words."""


@pytest.mark.parametrize("model", MODELS)
def test_no_word_of_python_is_told(model: type[BaseModel]) -> None:
    found = set(_explained(model))
    assert len(found) > len(WRONG)
    assert [text for text in sorted(found) if PYTHON.search(text.replace(CONDITION, ""))] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (False, "false"),
        ("7m", "'7m'"),
        (("BTC/USDT", 7), "['BTC/USDT', 7]"),
        ([["deep"], {"deep": 1}], "[[...], {...}]"),
        ("http://me:pw@proxy", "'http://[hidden]@proxy'"),
        ("x" * 100, f"'{'x' * 56}..."),
    ],
)
def test_a_value_is_shown_as_yaml_has_it(value: Any, text: str) -> None:
    assert shown(value) == text


def test_what_is_beyond_the_limit_is_counted() -> None:
    with pytest.raises(ValidationError) as refused:
        TradingBotSpec.model_validate({f"k{i}": 1 for i in range(3)} | {"mode": 1})
    assert explain(refused.value, prefix="spec", at_most=2).endswith("; and 5 more")


def _explained(top: type[BaseModel]) -> Iterator[str]:
    """Yield what is told of each wrong value in each field of a model and of those in it."""
    for place in (lambda content: content, *_places(top)):
        for wrong in WRONG:
            yield from _texts(top, place(wrong))


def _places(model: type[BaseModel]) -> Iterator[Place]:
    """Yield what puts a value into each field, and into each field of the models in it."""
    for name, field in model.model_fields.items():
        outside = field.alias or name
        yield _at(outside)
        for inner in _models_in(field.annotation):
            for place in _places(inner):
                yield _within(_at(outside), place)
                yield _within(_at(outside), _in_list, place)


def _at(name: str) -> Place:
    return lambda content: {name: content}


def _in_list(content: Any) -> Any:
    return [content]


def _within(*places: Place) -> Place:
    return lambda content: reduce(lambda inner, place: place(inner), reversed(places), content)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _texts(model: type[BaseModel], content: Any) -> Iterator[str]:
    """Yield what is told of the content, read as YAML is and as JSON is."""
    for as_json in (False, True):
        try:
            if as_json:
                model.model_validate_json(json.dumps(content))
            else:
                model.model_validate(content)
        except ValidationError as e:
            yield explain(e, at_most=100)
            yield explain_first(e, whole="file")
