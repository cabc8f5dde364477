"""What each package imports is what its extra asks for: an image lacks nothing, and no more."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.tree import ROOT

OWN = {"bot_runtime", "bot_exchange", "bot_operator", "tests", "tools", "demo", "benchmarks"}
DISTRIBUTIONS = packages_distributions()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What runs in the inference image; the other commands of the runtime import torch and more.
SERVING = ("bot_runtime.steps.infer", "bot_runtime.steps.preflight")
# Packages that another one pins exactly and is made of.
PARTS = {"pydantic-core": "pydantic"}


def asked_for(extra: str) -> set[str]:
    """Return the names of the distributions that an extra asks for directly."""
    names: set[str] = set()
    for requirement in map(Requirement, PROJECT["optional-dependencies"][extra]):
        if requirement.name == PROJECT["name"]:
            names |= {name for extra in requirement.extras for name in asked_for(extra)}
        else:
            # An extra named for a library asks for it: pandera[pandas].
            names |= {canonicalize_name(name) for name in (requirement.name, *requirement.extras)}
    return names


def imported(files: list[Path]) -> set[str]:
    """Return the distributions that some files import, the standard library and ours apart."""
    modules: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.split(".")[0])
    foreign = modules - OWN - set(sys.stdlib_module_names)
    names = {canonicalize_name(DISTRIBUTIONS.get(name, [name])[0]) for name in foreign}
    return {PARTS.get(name, name) for name in names}


@pytest.mark.parametrize(
    ("folder", "extra"),
    [
        ("operator/bot_operator", "operator"),
        ("bot_runtime", "train"),
        ("bot_exchange", "exchange"),
        ("tests", "dev"),
        ("tools", "dev"),
        ("demo", "dev"),
        ("benchmarks", "dev"),
    ],
)
def test_package_imports_only_what_its_extra_asks_for(folder: str, extra: str) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    assert imported(files) - asked_for(extra) == set()


def test_serving_imports_only_what_the_inference_image_has() -> None:
    graph = grimp.build_graph("bot_runtime", cache_dir=None)
    modules = set(SERVING)
    for module in SERVING:
        modules |= graph.find_upstream_modules(module)
    assert "bot_runtime.contract.names" in modules
    files = [ROOT / Path(*name.split(".")) for name in modules]
    sources = [path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in files]
    assert imported(sources) - asked_for("infer") == set()
