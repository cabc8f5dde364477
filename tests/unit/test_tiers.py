import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests import tiers
from tests.tiers import Outcome, ci_problems, read_report, render

MIXED = """
import pytest

def test_good():
    pass

def test_bad():
    assert 1 == 2

@pytest.fixture
def broken():
    raise ValueError("no such thing")

def test_error(broken):
    pass

@pytest.mark.skip(reason="no kubelet")
def test_skipped():
    pass

@pytest.mark.skip(reason="no candles")
def test_real(record_property):
    pass
"""
MARKING = """
def pytest_collection_modifyitems(items):
    for item in items:
        if item.name == "test_real":
            item.user_properties.append(("real_candles", "yes"))
"""


def run_pytest(folder: Path, source: str) -> tuple[Path, int]:
    (folder / "conftest.py").write_text(MARKING)
    (folder / "test_it.py").write_text(source)
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", f"--junitxml={report}", "-q", "-p", "no:randomly"]
    done = subprocess.run([*command, str(folder)], cwd=folder, capture_output=True, check=False)
    return report, done.returncode


def test_report_of_a_real_run_is_counted(tmp_path: Path) -> None:
    report, returncode = run_pytest(tmp_path, MIXED)
    outcome = read_report("unit", report, returncode, 1.0)
    assert (outcome.passed, outcome.failed) == (1, 2)
    assert outcome.skipped == {"no kubelet": 1, "no candles": 1}
    assert outcome.real_candles_skipped == 1
    assert outcome.problem == ""


def test_tier_without_tests_has_failed(tmp_path: Path) -> None:
    report, returncode = run_pytest(tmp_path, "x = 1\n")
    outcome = read_report("unit", report, returncode, 1.0)
    assert (outcome.failed, outcome.problem) == (1, "no test ran")


def test_module_that_cannot_be_imported_has_failed(tmp_path: Path) -> None:
    report, returncode = run_pytest(tmp_path, "import no_such_module\n")
    assert read_report("unit", report, returncode, 1.0).failed == 1


def test_run_without_report_has_failed(tmp_path: Path) -> None:
    outcome = read_report("unit", tmp_path / "report.xml", 3, 1.0)
    assert outcome.failed == 1
    assert "left no report" in outcome.problem


def test_table_names_reasons_and_closes_with_the_counts() -> None:
    text = render(
        [Outcome("check", passed=1), Outcome("unit", 7, 2, Counter({"no kubelet": 3}))], ["wrong"]
    )
    assert "skipped 3: no kubelet" in text
    assert "error: wrong" in text
    assert text.split("\n")[-1] == "8 passed, 3 failed, 3 skipped"


def outcomes(skipped: int, *, real: int) -> list[Outcome]:
    return [
        Outcome("unit", 1, skipped=Counter({"x": skipped}), real_candles_skipped=real),
        Outcome("integration", 1),
        Outcome("e2e", 1),
    ]


def test_ci_lets_only_the_known_number_of_real_candle_tests_skip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tiers, "REAL_CANDLES_TESTS", 2)
    assert ci_problems(outcomes(2, real=2), has_candles=False) == []
    assert "1 skipped in CI" in ci_problems(outcomes(3, real=2), has_candles=False)[0]
    assert "3 tests on real candles" in ci_problems(outcomes(3, real=3), has_candles=False)[0]
    assert "2 tests on real candles" in ci_problems(outcomes(2, real=2), has_candles=True)[0]
    assert ci_problems(outcomes(0, real=0), has_candles=True) == []


def test_unknown_tier_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert tiers.main(["unit", "smoke"]) == 2
    assert "smoke" in capsys.readouterr().out
