import fcntl
import importlib.util
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools import environment
from tools.tree import ROOT

SCRIPT = ROOT / "tools" / "environment.py"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "botcripto"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock that asks for nothing: the environment is built for real, without a package index."""
    path = tmp_path / "dev.txt"
    path.write_text("# nothing\n")
    return path


def test_path_follows_the_lock_and_the_cache_setting(cache: Path, lock: Path) -> None:
    first = environment.environment_folder(lock)
    assert first.parent == cache
    lock.write_text("# another comment\n")
    assert environment.environment_folder(lock) == first
    lock.write_text("x==1\n")
    assert environment.environment_folder(lock) != first


def test_relative_or_empty_cache_setting_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "relative/cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert environment.cache_folder() == Path.home() / ".cache" / "botcripto"


def test_environment_is_built_once(
    cache: Path, lock: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert environment.setup(lock) == 0
    folder = environment.environment_folder(lock)
    assert cache in folder.parents
    assert environment.interpreter(folder).exists()
    assert "installing dev.txt" in capfd.readouterr().out

    assert environment.setup(lock) == 0
    assert capfd.readouterr().out == ""


@pytest.mark.usefixtures("cache")
def test_half_built_environment_is_built_anew(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def note(folder: Path, _lock: Path) -> None:
        folder.mkdir(exist_ok=True)
        built.append(folder)

    monkeypatch.setattr(environment, "install", note)
    environment.environment_folder(lock).mkdir(parents=True)  # what a killed build leaves
    assert environment.setup(lock) == 0
    assert environment.setup(lock) == 0
    assert built == [environment.environment_folder(lock)]


@pytest.mark.usefixtures("cache")
def test_failed_installation_is_reported_and_not_taken_for_complete(
    lock: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(folder: Path, _lock: Path) -> None:
        folder.mkdir()
        raise subprocess.CalledProcessError(1, ["pip", "install"])

    monkeypatch.setattr(environment, "install", fail)
    assert environment.setup(lock) == 1
    assert "`pip install` exited with 1" in capfd.readouterr().err
    assert not (environment.environment_folder(lock) / environment.STAMP).exists()


def test_what_pip_says_last_is_shown_when_it_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--no-index", "no-such-package-here"]
    with pytest.raises(subprocess.CalledProcessError):
        environment.run_pip(pip, tmp_path / "pip.log")
    assert "No matching distribution found" in capfd.readouterr().out


def test_second_builder_waits_for_the_first(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cache / "venv-x"
    entered = threading.Event()

    def second() -> None:
        with environment.locked(folder):
            entered.set()

    with environment.locked(folder):
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
    assert entered.wait(10)
    thread.join()
    assert "another process builds" in capsys.readouterr().out


def test_lock_is_let_go_by_a_killed_builder(cache: Path) -> None:
    cache.mkdir(parents=True)
    code = (
        "import sys, time; from pathlib import Path; from tools import environment\n"
        f"with environment.locked(Path({str(cache / 'venv-x')!r})):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT
    ) as builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == b"held\n"
        with (cache / "venv-x.lock").open("w") as handle:
            with pytest.raises(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            builder.kill()
            builder.wait()
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.usefixtures("cache")
def test_each_lock_has_an_environment_of_its_own() -> None:
    folders = {environment.environment_folder(lock) for lock in environment.LOCKS.values()}
    assert len(folders) == len(environment.LOCKS) == 2


def test_only_the_environment_that_runs_tests_is_compiled_beforehand() -> None:
    compiled = {
        name: "--no-compile" not in environment.pip_options(lock)
        for name, lock in environment.LOCKS.items()
    }
    assert compiled == {"dev": True, "train-trees": False}


def test_prune_removes_only_old_environments_of_other_locks(cache: Path) -> None:
    old, fresh = cache / "venv-old", cache / "venv-fresh"
    current, trees = (environment.environment_folder(lock) for lock in environment.LOCKS.values())
    for folder in (old, fresh, current, trees):
        folder.mkdir(parents=True)
        (folder / environment.STAMP).touch()
    past = time.time() - (environment.UNUSED_DAYS + 1) * 86_400
    for folder in (old, current, trees):
        os.utime(folder / environment.STAMP, (past, past))
    assert environment.prune() == 0
    found = [folder.exists() for folder in (old, fresh, current, trees)]
    assert found == [False, True, True, True]


def test_python_without_venv_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert "apt-get install python3-venv" in (environment.missing_prerequisite() or "")


def test_old_python_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "MINIMUM_PYTHON", (99, 0))
    assert "3.11 or later is needed" in (environment.missing_prerequisite() or "")


def test_path_command_prints_the_interpreter_and_makes_nothing(cache: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), "path"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(environment.interpreter(environment.environment_folder()))
    assert not cache.exists()


@pytest.mark.usefixtures("cache")
def test_path_command_takes_the_name_of_a_lock() -> None:
    command = [sys.executable, "-I", str(SCRIPT), "path", "train-trees"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    folder = environment.environment_folder(environment.LOCKS["train-trees"])
    assert done.stdout.strip() == str(environment.interpreter(folder))
