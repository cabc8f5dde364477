"""Every import contract in pyproject.toml holds on a good tree and breaks on a planted import."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.tree import ROOT

GOOD = {
    "bot_runtime/contract/names.py": "import json\nimport pydantic\n",
    "bot_runtime/store.py": "import numpy\nimport bot_runtime.contract.names\n",
    "bot_runtime/infer.py": "import onnxruntime\nimport bot_runtime.store\n",
    "bot_runtime/fetch.py": "import bot_runtime.store\n",
    "bot_runtime/preflight.py": "import ccxt\n",
    "bot_exchange/routes.py": "import aiohttp\n",
    "operator/bot_operator/kube.py": "import kubernetes.aio.client\n",
    "operator/bot_operator/handlers.py": "import kopf\nimport bot_operator.kube\n",
    "operator/bot_operator/plan.py": "import bot_runtime.contract.names\n",
}
PLANTED = [
    ("bot_runtime/contract/names.py", "import yaml", "The contract imports pydantic"),
    ("bot_runtime/contract/names.py", "import bot_runtime.store", "The contract imports pydantic"),
    ("bot_exchange/routes.py", "import bot_runtime.contract.names", "The test exchange shares"),
    ("operator/bot_operator/plan.py", "import bot_runtime.store", "The operator knows"),
    ("bot_runtime/store.py", "import bot_operator.plan", "The runtime knows neither"),
    ("bot_runtime/store.py", "import kubernetes", "The runtime knows neither"),
    ("bot_runtime/store.py", "def f():\n    import torch", "Serving a model needs none"),
    ("operator/bot_operator/plan.py", "import kubernetes", "Only kube.py calls"),
    ("operator/bot_operator/plan.py", "import kopf", "Only the handlers"),
]


def grow(tree: Path, planted: dict[str, str]) -> None:
    for name, source in GOOD.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(source + planted.get(name, "") + "\n")
    (tree / "bot_runtime" / "__init__.py").touch()
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
