"""Every import contract in pyproject.toml holds on a good tree and breaks on a planted import."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.tree import ROOT

PACKAGES = ("bot_runtime", "bot_exchange", "operator/bot_operator")
GOOD = {
    "bot_runtime/contract/names.py": "import json\nimport pydantic\n",
    "bot_runtime/store/layout.py": "import numpy\nimport bot_runtime.contract.names\n",
    "bot_runtime/market/candle_files.py": "import pyarrow\nimport bot_runtime.store.layout\n",
    "bot_runtime/serving/version.py": "import onnxruntime\nimport bot_runtime.store.layout\n",
    "bot_runtime/learning/models/trees.py": "import lightgbm\nimport bot_runtime.serving.version\n",
    "bot_runtime/report/pictures.py": "import matplotlib\n",
    "bot_runtime/trading/decision.py": "import bot_runtime.serving.predictions\n",
    "bot_runtime/steps/infer.py": "import bot_runtime.serving.version\n",
    "bot_runtime/steps/fetch.py": "import bot_runtime.store.layout\n",
    "bot_runtime/steps/preflight.py": "import ccxt\n",
    "bot_exchange/market/candle_files.py": "import pyarrow\n",
    "bot_exchange/rest/routes.py": "import aiohttp\n",
    "operator/bot_operator/api/kube.py": "import kubernetes.aio.client\n",
    "operator/bot_operator/watching/handlers.py": "import kopf\nimport bot_operator.api.kube\n",
    "operator/bot_operator/planning/plans.py": "import bot_runtime.contract.names\n",
}
PLANTED = [
    ("bot_runtime/contract/names.py", "import yaml", "The contract imports pydantic"),
    (
        "bot_runtime/contract/names.py",
        "import bot_runtime.store.layout",
        "The contract imports pydantic",
    ),
    (
        "bot_exchange/rest/routes.py",
        "import bot_runtime.contract.names",
        "The test exchange shares",
    ),
    (
        "bot_exchange/market/candle_files.py",
        "import bot_exchange.rest.routes",
        "The test exchange's",
    ),
    (
        "operator/bot_operator/planning/plans.py",
        "import bot_runtime.store.layout",
        "The operator knows",
    ),
    (
        "operator/bot_operator/api/kube.py",
        "import bot_operator.planning.plans",
        "The operator's rooms",
    ),
    (
        "bot_runtime/store/layout.py",
        "import bot_runtime.serving.version",
        "The runtime's rooms import downwards",
    ),
    ("bot_runtime/store/layout.py", "import bot_operator.api.kube", "The runtime knows neither"),
    ("bot_runtime/store/layout.py", "import kubernetes", "The runtime knows neither"),
    ("bot_runtime/store/layout.py", "def f():\n    import torch", "Serving a model needs none"),
    ("bot_runtime/store/layout.py", "import sqlalchemy", "Serving a model needs none"),
    (
        "bot_runtime/steps/infer.py",
        "import bot_runtime.learning.models",
        "Serving a model needs none",
    ),
    ("bot_runtime/steps/fetch.py", "import lightgbm", "The data step needs no library"),
    ("bot_runtime/steps/fetch.py", "def f():\n    import torch", "Only learning's models"),
    ("bot_runtime/steps/infer.py", "import onnxruntime", "Only serving imports"),
    (
        "bot_runtime/trading/decision.py",
        "import bot_runtime.serving.version",
        "Pure code runs without onnxruntime",
    ),
    ("bot_runtime/steps/fetch.py", "import pandas.testing", "Only the runtime's market"),
    ("bot_runtime/steps/fetch.py", "import matplotlib.pyplot", "Only the report draws"),
    ("operator/bot_operator/planning/plans.py", "import kubernetes", "Only kube.py calls"),
    ("operator/bot_operator/planning/plans.py", "import kopf", "Only the handlers"),
]


def grow(tree: Path, planted: dict[str, str]) -> None:
    for folder in PACKAGES:
        for module in ROOT.glob(f"{folder}/**/*.py"):
            path = tree / module.relative_to(ROOT)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    for name, source in GOOD.items():
        (tree / name).write_text(source + planted.get(name, "") + "\n")
    shutil.copy(ROOT / "pyproject.toml", tree)


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    search = os.pathsep.join(map(str, (tree, tree / "operator", ROOT)))
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=False,
    )


def test_good_tree_keeps_every_contract(tmp_path: Path) -> None:
    grow(tmp_path, {})
    result = lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 broken" in result.stdout


@pytest.mark.parametrize(("path", "source", "contract"), PLANTED)
def test_planted_import_breaks_its_contract(
    tmp_path: Path, path: str, source: str, contract: str
) -> None:
    grow(tmp_path, {path: source})
    result = lint(tmp_path)
    assert result.returncode == 1
    broken = [line for line in result.stdout.split("\n") if " BROKEN" in line]
    assert any(line.startswith(contract) for line in broken)
