"""The wheel holds the three packages, their commands and the licence, and nothing of the tests."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.tree import ROOT, project_files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel from a copy, since setuptools writes beside its sources."""
    tree = tmp_path_factory.mktemp("tree")
    for path in project_files():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tree / path)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", str(tree), str(tree)]
    subprocess.run(command, check=True)
    (built,) = tree.glob("botcripto-*.whl")
    return zipfile.ZipFile(built)


def test_wheel_holds_the_three_packages_and_no_other(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    folders = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert folders == {"bot_exchange", "bot_operator", "bot_runtime"}
    for folder in folders:
        assert f"{folder}/py.typed" in names
        assert f"{folder}/__main__.py" in names


def test_wheel_holds_every_module(wheel: zipfile.ZipFile) -> None:
    packages = ("bot_exchange", "bot_runtime", "operator")
    sources = [p for p in project_files() if p.suffix == ".py" and p.parts[0] in packages]
    assert len(sources) > 50
    expected = {str(path).removeprefix("operator/") for path in sources}
    assert expected <= set(wheel.namelist())


def test_wheel_names_its_commands_and_its_licence(wheel: zipfile.ZipFile) -> None:
    info = next(Path(name).parent for name in wheel.namelist() if name.endswith("/METADATA"))
    entry_points = wheel.read(f"{info}/entry_points.txt").decode()
    for command in ("exchange", "operator", "runtime"):
        assert f"bot-{command} = bot_{command}.__main__:main" in entry_points
    metadata = wheel.read(f"{info}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
