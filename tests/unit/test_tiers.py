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
def test_real():
    pass

def test_real_and_run():
    pass
"""
MARKING = """
def pytest_collection_modifyitems(items):
    for item in items:
        if item.name.startswith("test_real"):
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
    assert (outcome.passed, outcome.failed) == (2, 2)
    assert outcome.skipped == {"no kubelet": 1, "no candles": 1}
    assert (outcome.real_candles, outcome.real_candles_skipped) == (2, 1)
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


def outcomes(skipped: int, *, real: int, marked: int = 2) -> list[Outcome]:
    reasons = Counter({"x": skipped})
    unit = Outcome("unit", 1, skipped=reasons, real_candles=marked, real_candles_skipped=real)
    return [unit, Outcome("integration", 1), Outcome("e2e", 1)]


def test_ci_lets_only_tests_on_absent_real_candles_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "REAL_CANDLES_TESTS", 2)
    assert ci_problems(outcomes(2, real=2), has_candles=False) == []
    assert ci_problems(outcomes(0, real=0), has_candles=True) == []
    assert "1 skipped in CI" in ci_problems(outcomes(3, real=2), has_candles=False)[0]
    assert "2 skipped in CI" in ci_problems(outcomes(2, real=2), has_candles=True)[0]


def test_ci_knows_how_many_tests_may_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "REAL_CANDLES_TESTS", 2)
    (problem,) = ci_problems(outcomes(0, real=0, marked=3), has_candles=True)
    assert "3 tests are marked real_candles, 2 expected" in problem
    one_tier = outcomes(0, real=0, marked=3)[:1]
    assert ci_problems(one_tier, has_candles=True) == []


def test_unknown_tier_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert tiers.main(["unit", "smoke"]) == 2
    assert "smoke" in capsys.readouterr().out
