"""Run the check and the test tiers, and say at the end what passed, failed and was skipped.

    python -m tests.tiers check unit integration e2e

Each tier runs as a pytest of its own and leaves reports/<tier>.xml, which the table is made from.
All named tiers run, whatever an earlier one says. The exit code is 1 when anything failed, when a
tier had no test, and in CI (CI=true) when anything but the tests on real candles was skipped.
"""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import REAL_CANDLES_PROPERTY, TIERS, real_candles_folder

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "reports"
# How many tests are marked real_candles: the only ones that CI may skip, where candles are absent.
REAL_CANDLES_TESTS = 12
# Seconds for one test: a unit test computes, an end-to-end test trains.
TEST_TIMEOUT = {"unit": 60, "integration": 300, "e2e": 1800}
# Unit tests need nothing from each other; the tests of the other tiers share a cluster.
PARALLEL = {"unit": ["--numprocesses=logical", "--dist=worksteal"]}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one tier came to."""

    tier: str
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """How many tests were skipped, by reason."""
    seconds: float = 0.0
    real_candles: int = 0
    """How many tests are marked so, skipped or not."""
    real_candles_skipped: int = 0
    problem: str = ""
    """Why the tier as a whole is wrong; empty when it is not."""


def read_report(tier: str, report: Path, returncode: int, seconds: float) -> Outcome:
    """Return the outcome that a JUnit report tells of a pytest run that ended with `returncode`."""
    if not report.exists():
        problem = f"pytest ended with {returncode} and left no report"
        return Outcome(tier, failed=1, seconds=seconds, problem=problem)
    states: Counter[str] = Counter()
    skipped: Counter[str] = Counter()
    real: Counter[bool] = Counter()
    """Tests on real candles, by whether they were skipped."""
    for case in ET.parse(report).iter("testcase"):
        skip = case.find("skipped")
        names = [entry.get("name") for entry in case.iter("property")]
        real[skip is not None] += REAL_CANDLES_PROPERTY in names
        if case.find("failure") is not None or case.find("error") is not None:
            states["failed"] += 1
        elif skip is not None:
            skipped[skip.get("message") or "no reason given"] += 1
        else:
            states["passed"] += 1
    problem = ""
    if not states.total() and not skipped:
        problem = "no test ran"
    elif returncode and not states["failed"]:
        problem = f"pytest ended with {returncode}"
    return Outcome(
        tier,
        passed=states["passed"],
        failed=states["failed"] + bool(problem),
        skipped=skipped,
        seconds=seconds,
        real_candles=real.total(),
        real_candles_skipped=real[True],
        problem=problem,
    )


def run_tests(tier: str) -> Outcome:
    """Run one tier by pytest."""
    report = REPORTS / f"{tier}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", f"tests/{tier}", f"--junitxml={report}"]
    command += [f"--timeout={TEST_TIMEOUT[tier]}", f"--override-ini=junit_suite_name={tier}"]
    command += PARALLEL.get(tier, [])
    started = time.monotonic()
    returncode = subprocess.run(command, cwd=ROOT, check=False).returncode
    return read_report(tier, report, returncode, time.monotonic() - started)


def run_check() -> Outcome:
    """Run `make check`; it counts as one test."""
    started = time.monotonic()
    make = os.environ.get("MAKE", "make")
    ok = subprocess.run([make, "--no-print-directory", "check"], cwd=ROOT, check=False)
    seconds = time.monotonic() - started
    return Outcome("check", int(ok.returncode == 0), int(ok.returncode != 0), seconds=seconds)


def ci_problems(outcomes: list[Outcome], *, has_candles: bool) -> list[str]:
    """Return what is wrong in CI: skipped tests, save those on absent real candles."""
    problems = []
    excused = 0 if has_candles else sum(outcome.real_candles_skipped for outcome in outcomes)
    others = sum(outcome.skipped.total() for outcome in outcomes) - excused
    if others:
        problems.append(f"{others} skipped in CI: only tests on absent real candles may be")
    marked = sum(outcome.real_candles for outcome in outcomes)
    if {outcome.tier for outcome in outcomes} >= set(TIERS) and marked != REAL_CANDLES_TESTS:
        problems.append(
            f"{marked} tests are marked real_candles, {REAL_CANDLES_TESTS} expected: where that is "
            "right, change REAL_CANDLES_TESTS in tests/tiers.py"
        )
    return problems


def render(outcomes: list[Outcome], problems: list[str]) -> str:
    """Return the closing table; its last line is what a CI system reads."""
    head = f"{'tier':<12} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}"
    lines = ["", head, "-" * len(head)]
    for o in outcomes:
        lines.append(
            f"{o.tier:<12} {o.passed:>7} {o.failed:>7} {o.skipped.total():>8} {o.seconds:>8.0f}"
        )
        lines += [f"  skipped {count}: {reason}" for reason, count in sorted(o.skipped.items())]
        lines += [f"  {o.problem}"] if o.problem else []
    lines += ["", *(f"error: {problem}" for problem in problems)]
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes) + len(problems)
    skipped = sum(outcome.skipped.total() for outcome in outcomes)
    return "\n".join([*lines, f"{passed} passed, {failed} failed, {skipped} skipped"])


def main(names: list[str]) -> int:
    """Run the named tiers; return the exit code."""
    unknown = sorted(set(names) - {"check", *TIERS})
    if unknown or not names:
        print(f"tiers: {' '.join(unknown) or 'none named'}; choose of check {' '.join(TIERS)}")
        return 2
    REPORTS.mkdir(exist_ok=True)
    outcomes = [run_check() if name == "check" else run_tests(name) for name in names]
    problems = []
    if os.environ.get("CI") == "true":
        problems = ci_problems(outcomes, has_candles=real_candles_folder() is not None)
    print(render(outcomes, problems), flush=True)
    return 1 if problems or any(outcome.failed for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
