"""Planted mutants: a module with one fault in it, and a test of ours that has to find it."""

import importlib
import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

TESTS = "tests.unit.bot_runtime"
FRESH = (
    "bot_runtime.trading",
    "bot_runtime.scoring.ratios",
    "bot_runtime.journal",
    "bot_runtime.backtest",
    "bot_runtime.exchange.unsettled",
    "bot_runtime.steps.trade",
    "bot_runtime.store.marker",
    TESTS,
)
"""What is imported anew around a mutant: whoever may hold a part of the module, and the tests."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault.

    Attributes:
        name: what it does wrong.
        module: below bot_runtime; in its source `was` is replaced by `now`.
        test: `test_<module>.<function>` that has to fail.
    """

    name: str
    module: str
    was: str
    now: str
    test: str

    @property
    def source(self) -> str:
        """The module with the fault in it."""
        spec = _spec_of(f"bot_runtime.{self.module}")
        source = Path(str(spec.origin)).read_text(encoding="utf-8")
        found = source.count(self.was)
        if found != 1:  # an AssertionError would be taken for the test's
            raise ValueError(f"{self.was!r} stands in {self.module} {found} times, and not once")
        return source.replace(self.was, self.now)


def run_test_on(mutant: Mutant, **fixtures: Any) -> None:
    """Run a mutant's test, with every one of its parameters, on the module with the fault.

    `fixtures` are those that the test may ask for.
    """
    module, function = mutant.test.split(".")
    with _imported_anew():
        _install(f"bot_runtime.{mutant.module}", mutant.source)
        test = getattr(importlib.import_module(f"{TESTS}.{module}"), function)
        asked = inspect.signature(test).parameters
        given = {name: value for name, value in fixtures.items() if name in asked}
        for case in _cases(test):
            test(**given, **case)


@contextmanager
def _imported_anew() -> Iterator[None]:
    """Let modules be imported anew, and put those of before back.

    pytest does not rewrite their assertions, which takes longer than all else: whether one fails is
    all that is asked.
    """
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_fresh(name)}
    finders = list(sys.meta_path)
    sys.meta_path[:] = [finder for finder in finders if "_pytest" not in type(finder).__module__]
    try:
        yield
    finally:
        sys.meta_path[:] = finders
        for name in [name for name in sys.modules if _is_fresh(name)]:
            del sys.modules[name]
        for name, module in before.items():
            sys.modules[name] = module
            parent, _, last = name.rpartition(".")
            setattr(sys.modules[parent], last, module)


def _is_fresh(name: str) -> bool:
    return any(name == fresh or name.startswith(f"{fresh}.") for fresh in FRESH)


def _install(name: str, source: str) -> None:
    spec = _spec_of(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    exec(compile(source, str(spec.origin), "exec"), module.__dict__)
    parent, _, last = name.rpartition(".")
    package: ModuleType = importlib.import_module(parent)
    setattr(package, last, module)


def _spec_of(name: str) -> ModuleSpec:
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ValueError(f"there is no module {name}")
    return spec


def _cases(test: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """Yield the arguments that pytest would call a test with."""
    columns = []
    for mark in getattr(test, "pytestmark", []):
        names, rows = mark.args
        names = [name.strip() for name in names.split(",")] if isinstance(names, str) else names
        single = len(names) == 1
        columns.append([dict(zip(names, [row] if single else row, strict=True)) for row in rows])
    for parts in itertools.product(*columns):
        yield {name: value for part in parts for name, value in part.items()}
