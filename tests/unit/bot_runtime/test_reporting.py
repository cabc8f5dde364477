"""Reporting: nothing secret leaves, results fit their size, warnings are kept."""

import errno
import json
import re
from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.results import RESULT_MAX_BYTES, EvaluationResult, ObjectiveResult
from bot_runtime.contract.scrub import SCRUBBED
from bot_runtime.contract.signal import ShortSignal
from bot_runtime.process.errors import CredentialsError, DataUnusableError
from bot_runtime.process.reporting import (
    Reporter,
    peak_memory_bytes,
    termination_path,
    write_termination,
)

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"


def test_secret_reaches_neither_log_nor_message() -> None:
    stream = StringIO()
    reporter = Reporter("Preflight", stream=stream, secrets=("hunter2hunter2",))
    reporter.log("asked", url="http://x/?key=hunter2hunter2", key=KEY)
    reporter.warn("the key hunter2hunter2 may withdraw")
    error = reporter.error_of(CredentialsError(f"refused hunter2hunter2 and {KEY}"))
    crash = reporter.error_of(ValueError(f"unexpected {KEY} hunter2hunter2"))
    told = stream.getvalue() + error.message + crash.message + "".join(reporter.warnings)
    assert "hunter2hunter2" not in told
    assert KEY not in told
    assert told.count(SCRUBBED) >= 7


def test_secret_that_json_escapes_does_not_reach_the_log() -> None:
    stream = StringIO()
    Reporter("Preflight", stream=stream, secrets=('hunt"er\\2\nhunter3',)).log(
        "asked", said='the key hunt"er\\2\nhunter3 may', retried={"n": 1}
    )
    found = json.loads(stream.getvalue())
    assert (found["said"], found["retried"]) == (f"the key {SCRUBBED} may", {"n": 1})


def test_log_line_is_one_line_of_json() -> None:
    stream = StringIO()
    Reporter("Trend", stream=stream).progress(0.25, "epoch 1\nof 4", loss=0.69)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (
        found.items()
        >= {
            "step": "Trend",
            "event": "progress",
            "fraction": 0.25,
            "message": "epoch 1\nof 4",
            "loss": 0.69,
        }.items()
    )
    assert found["ts"].endswith("Z")


@pytest.mark.parametrize(("given_fraction", "told"), [(-1.0, 0.0), (1.5, 1.0), (0.123456, 0.1235)])
def test_progress_stays_between_none_and_all(given_fraction: float, told: float) -> None:
    stream = StringIO()
    Reporter("Risk", stream=stream).progress(given_fraction, "")
    assert json.loads(stream.getvalue())["fraction"] == told


def test_failure_keeps_its_exit_code_and_anything_else_is_a_crash() -> None:
    reporter = Reporter("Data", stream=StringIO())
    assert reporter.error_of(DataUnusableError("few")).exit_code == ExitCode.DATA_UNUSABLE
    crash = reporter.error_of(KeyError("x"))
    assert (crash.exit_code, crash.message) == (ExitCode.CRASH, "KeyError: 'x'")


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), "/tmp/x: No space left on"),
        (OSError(errno.EDQUOT, "Error writing bytes"), "outside the store: Disk quota exceeded"),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
            r"temporary folder: No usable .*; make room in one of them, or set TMPDIR",
        ),
    ],
)
def test_full_disk_outside_the_store_is_no_crash(failure: OSError, words: str) -> None:
    error = Reporter("Trend", stream=StringIO()).error_of(failure)
    assert error.exit_code == ExitCode.STORE_UNAVAILABLE
    assert re.search(words, error.message)


def test_missing_file_is_a_crash() -> None:
    failure = FileNotFoundError(errno.ENOENT, "No such file or directory", "scores.json")
    assert Reporter("Trend", stream=StringIO()).error_of(failure).exit_code == ExitCode.CRASH


def test_error_is_cut_to_its_limit() -> None:
    error = Reporter("Data", stream=StringIO()).error_of(DataUnusableError("é" * 5000))
    assert len(error.message) == 1000


def test_many_warnings_fit_the_result() -> None:
    reporter = Reporter("Data", stream=StringIO())
    for i in range(9):
        reporter.warn(f"{i} " + "long " * 100)
    warnings = reporter.result().warnings
    assert len(warnings) == 4
    assert all(len(text) <= 200 for text in warnings)


def test_same_warning_stands_once() -> None:
    reporter = Reporter("Data", stream=StringIO())
    reporter.warn("again")
    reporter.warn("again")
    assert reporter.warnings == ["again"]


def signal(i: int) -> ShortSignal:
    return ShortSignal(
        symbol=f"SYMBOL{i}/USDT",
        decision="NO_TRADE",
        reason="FeedStale: newest closed at 2026-11-22T19:11:00Z, expected 2026-11-22T19:21:00Z",
        ts="2026-11-22T19:21:00Z",
        bar_close_ts="2026-11-22T19:11:00Z",
        prob_up="0.512345",
        expected_return="-0.000123456",
        risk_score="0.912345",
        confidence="0.00123456",
    )


def test_result_of_ten_symbols_fits_a_termination_message(tmp_path: Path) -> None:
    reporter = Reporter("Inference", stream=StringIO())
    for i in range(4):
        reporter.warn(f"{i} " + "x" * 200)
    path = tmp_path / "message"
    write_termination(reporter.result(signals=tuple(map(signal, range(10)))), path)
    assert len(path.read_bytes()) <= RESULT_MAX_BYTES
    assert len(json.loads(path.read_text())["signals"]) == 10


def test_result_of_an_evaluation_fits_a_termination_message(tmp_path: Path) -> None:
    metrics = {f"{'metric' * 6}{i}": "-1.23457e-05" for i in range(8)}
    objectives = tuple(
        ObjectiveResult(
            objective=name,
            algorithm="TemporalFusionTransformer",
            scores=metrics,
            metrics=metrics,
            artifact_sha256="a" * 64,
        )
        for name in ("Trend", "Return", "Risk")
    )
    evaluation = EvaluationResult(
        version="v" * 80,
        promoted=False,
        reasons=("r" * 160,) * 8,
        artifact_digest="b" * 64,
        trained_at="2026-11-22T19:21:00Z",
        objectives=objectives,
    )
    path = tmp_path / "message"
    write_termination(Reporter("Evaluation", stream=StringIO()).result(evaluation=evaluation), path)
    assert len(path.read_bytes()) <= RESULT_MAX_BYTES


def test_no_file_no_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BOTCRIPTO_TERMINATION", str(tmp_path / "x"))
    assert termination_path() == tmp_path / "x"
    write_termination(Reporter("Data", stream=StringIO()).result(), None)


def test_peak_memory_is_in_bytes() -> None:
    assert 10 * 2**20 < peak_memory_bytes() < 64 * 2**30
