"""What each package imports is what its extra asks for: an image lacks nothing, and no more."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.environment import LOCKS
from tools.tree import ROOT

OWN = {"bot_runtime", "bot_exchange", "bot_operator", "tests", "tools", "demo", "benchmarks"}
DISTRIBUTIONS = packages_distributions()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What runs in the inference image; the other commands of the runtime import torch and more.
SERVING = ("bot_runtime.steps.infer", "bot_runtime.steps.preflight")
# Packages that another one pins exactly and is made of.
PARTS = {"pydantic-core": "pydantic"}
# What a benchmark installs apart: its licence keeps it out of every lock.
APART = {"backtesting"}


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
    apart = APART if folder == "benchmarks" else set()
    assert imported(files) - asked_for(extra) == apart


def test_what_trains_trees_imports_only_what_is_there_without_the_transformer() -> None:
    models = ROOT / "bot_runtime" / "learning" / "models"
    transformer = {models / "temporal_fusion_transformer.py", *(models / "tft").rglob("*.py")}
    files = set((ROOT / "bot_runtime").rglob("*.py")) - transformer
    assert imported(list(files)) - asked_for("train-trees") == set()


def test_the_local_demo_imports_only_what_its_environment_has() -> None:
    script = "import json, sys, demo.__main__; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "demo" in modules
    modules -= {*OWN, "_distutils_hack"}  # the latter by a file of setuptools, at every start
    names = {canonicalize_name(d) for m in modules for d in DISTRIBUTIONS.get(m, [])}
    pinned = re.findall(r"^([a-z0-9][\w.-]*)==", LOCKS["train-trees"].read_text(), re.MULTILINE)
    assert names - {canonicalize_name(name) for name in pinned} == set()


def test_serving_imports_only_what_the_inference_image_has() -> None:
    graph = grimp.build_graph("bot_runtime", cache_dir=None)
    modules = set(SERVING)
    for module in SERVING:
        modules |= graph.find_upstream_modules(module)
    assert "bot_runtime.contract.names" in modules
    files = [ROOT / Path(*name.split(".")) for name in modules]
    sources = [path / "__init__.py" if path.is_dir() else path.with_suffix(".py") for path in files]
    assert imported(sources) - asked_for("infer") == set()
