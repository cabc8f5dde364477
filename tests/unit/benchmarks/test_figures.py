"""Figures against their limits."""

import os
import sys

import pytest

from benchmarks.figures import Figure, run_process


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure("speed-up", 4.0, 4.0, at_least=True), "holds"),
        (Figure("speed-up", 3.9, 4.0, at_least=True), "falls short"),
        (Figure("share", 4.1, 4.0, at_least=False), "falls short"),
    ],
)
def test_a_figure_says_whether_it_holds(figure: Figure, verdict: str) -> None:
    assert str(figure).endswith(verdict)
    assert figure.holds is (verdict == "holds")


def test_a_process_is_measured_by_the_system_s_own_account() -> None:
    run = run_process([sys.executable, "-c", "x = bytearray(64 << 20)"], os.environ)
    assert run.peak_mib > 64
    assert run.seconds > 0


def test_a_process_that_fails_shows_its_output() -> None:
    with pytest.raises(RuntimeError, match=r"exit 3(.|\n)*why"):
        run_process([sys.executable, "-c", "print('why'); raise SystemExit(3)"], os.environ)
