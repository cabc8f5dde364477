"""Which fields of a spec the product's code asks for."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from bot_runtime.contract.podspec import ResourcesSpec, TolerationSpec
from tests.conftest import TESTS

ROOT = TESTS.parent
DEFINITIONS = {"spec.py", "podspec.py", "tradingbot.py", "modeltraining.py"}
PASSED_ON_WHOLE = {ResourcesSpec, TolerationSpec}
"""Shapes of Kubernetes that go into a pod as they are; the field that holds one has a reader."""


def fields_of(root: type[BaseModel]) -> set[tuple[str, str]]:
    """Return model and name of every field of a spec and of the specs inside of it."""
    return {
        (model.__name__, name)
        for model in _models(root)
        if model not in PASSED_ON_WHOLE
        for name in model.model_fields
    }


@functools.cache
def attributes_read() -> frozenset[str]:
    """Return the name of every attribute that the product's code asks for."""
    return frozenset(
        node.attr
        for path in _sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    )


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            yield from _models(part)


def _parts(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _parts(argument)


def _sources() -> Iterator[Path]:
    for folder in (ROOT / "operator", ROOT / "bot_runtime"):
        for path in folder.rglob("*.py"):
            if path.parent.name != "contract" or path.name not in DEFINITIONS:
                yield path
