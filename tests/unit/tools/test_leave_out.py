"""What images leave out of their libraries, and that nothing misses it."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path, PurePosixPath

import pytest

from tools.leave_out import NAMED, is_left_out, leave_out
from tools.tree import ROOT

PACKAGES = Path(sysconfig.get_path("platlib"))
WITHOUT = f"""
import importlib.machinery, json, pathlib, sys
from tools.leave_out import is_left_out
packages = pathlib.Path({str(PACKAGES)!r})
class LeftOut:
    def find_spec(self, name, path=None, target=None):
        found = importlib.machinery.PathFinder.find_spec(name, path)
        origin = pathlib.Path(found.origin) if found and found.origin else None
        if origin and packages in origin.parents and is_left_out(origin.relative_to(packages)):
            raise ModuleNotFoundError(f"{{name}} is left out")
        return found
sys.meta_path.insert(0, LeftOut())
"""


def told(script: str) -> object:
    """Return the JSON that a fresh interpreter prints to which what is left out is not there."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_exchange_of_ccxt_works_without_it() -> None:
    script = """
from bot_runtime.exchange.ccxt_import import exchange_class
names = [p.stem for p in (packages / "ccxt").glob("*.py") if p.stem != "__init__"]
print(json.dumps([exchange_class(name)().id for name in names]))
"""
    names = told(script)
    assert isinstance(names, list)
    assert len(names) > 90
    assert {"binance", "coinbase", "kraken"} <= set(names)


def test_every_step_that_needs_no_torch_can_be_imported_without_it() -> None:
    steps = ("preflight", "fetch", "train", "evaluate", "infer")
    late = ("bot_runtime.report.pictures", "onnxmltools")
    modules = [*(f"bot_runtime.steps.{step}" for step in steps), *late]
    script = f"""
import importlib
for name in {modules!r}:
    importlib.import_module(name)
from bot_runtime.learning.models.registry import forecaster_of
forecaster_of("GradientBoosting")
print(json.dumps(sorted(sys.modules)))
"""
    modules_there = told(script)
    assert isinstance(modules_there, list)
    assert {"lightgbm", "onnxmltools", "onnxruntime", "pyarrow.parquet"} <= set(modules_there)
    assert "torch" not in modules_there


def test_a_journal_is_begun_and_exported_without_it(tmp_path: Path) -> None:
    script = f"""
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.run_entries import Owner
from bot_runtime.journal.showing import show
from bot_runtime.journal.sqlite_file import SqliteFile
import bot_runtime.journal.postgres_schema, sqlalchemy.dialects.postgresql.psycopg
file = SqliteFile(pathlib.Path({str(tmp_path / "journal.db")!r}))
with open_journal(file, Owner("bots", "steady", "binance", "Paper", "USDT"), 1):
    pass
with read_journal(file) as reader:
    print(json.dumps([shown.name for shown in show(reader) if list(shown.rows)]))
"""
    assert told(script) == ["journal"]


@pytest.mark.parametrize("pattern", NAMED)
def test_each_pattern_still_finds_something(pattern: str) -> None:
    assert list(PACKAGES.glob(pattern)), f"{pattern} is outdated"


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("numpy/_core/tests/test_api.py", True),
        ("numpy/__init__.pyi", True),
        ("ccxt/async_support/binance.py", True),
        ("ccxt/binance.py", False),
        ("ccxt/abstract/binance.py", False),
        ("onnxruntime/capi/libonnxruntime.so.1.32.0", True),
        ("onnxruntime/capi/onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so", False),
        ("numpy/testing/__init__.py", False),
        ("numpy-2.4.6.dist-info/licenses/numpy/_core/src/tests/LICENSE", False),
    ],
)
def test_rules(path: str, left_out: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_left_out(PurePosixPath(path)) is left_out


def test_folders_and_files_are_removed_and_the_rest_stays(tmp_path: Path) -> None:
    there = (
        "numpy/a.py", "numpy/a.pyi", "numpy/tests/data/b.py", "ccxt/pro/c.py",
        "numpy-1.dist-info/RECORD",
    )  # fmt: skip
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    leave_out(tmp_path)
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert left == {"numpy/a.py", "numpy-1.dist-info/RECORD"}
    assert not (tmp_path / "ccxt" / "pro").exists()
