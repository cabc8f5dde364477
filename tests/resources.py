"""Resources for tests: the smallest valid ones, changed by path."""

import copy
from typing import Any

import yaml

from tests.conftest import TESTS

Object = dict[str, Any]

EXAMPLES = TESTS.parent / "examples"
REMOVED = object()
"""As a value: the field is taken away."""


def example(name: str) -> Object:
    """Return a resource of examples/."""
    loaded: Object = yaml.safe_load((EXAMPLES / name).read_text(encoding="utf-8"))
    return loaded


def changed(resource: Object, changes: dict[str, Any]) -> Object:
    """Return a copy of `resource` with each dotted path set to its value."""
    result = copy.deepcopy(resource)
    for path, value in changes.items():
        *parents, last = path.split(".")
        inner = result
        for parent in parents:
            inner = inner.setdefault(parent, {})
        if value is REMOVED:
            inner.pop(last, None)
        else:
            inner[last] = value
    return result


def bot(name: str = "btc-paper", **spec: Any) -> Object:
    """Return the ten-line bot under another name, with parts of its spec replaced."""
    return changed(
        example("mybot.yaml"),
        {"metadata.name": name, **{f"spec.{key}": value for key, value in spec.items()}},
    )


def training(name: str = "study", **spec: Any) -> Object:
    """Return a small ModelTraining, with parts of its spec replaced."""
    return {
        "apiVersion": "botcripto.io/v1alpha1",
        "kind": "ModelTraining",
        "metadata": {"name": name},
        "spec": {
            "exchange": {"id": "binance"},
            "symbols": ["BTC/USDT"],
            "timeframe": "5m",
            **spec,
        },
    }
