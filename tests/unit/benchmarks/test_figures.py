"""Figures against their limits."""

import os
import sys

import numpy as np
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


def test_a_process_that_fails_shows_its_output() -> None:
    with pytest.raises(RuntimeError, match=r"exit 3(.|\n)*why"):
        run_process([sys.executable, "-c", "print('why'); raise SystemExit(3)"], os.environ)


def test_a_process_is_measured_without_the_memory_of_who_started_it() -> None:
    ours = np.ones(200 << 17)  # 200 MiB
    small = run_process([sys.executable, "-c", "pass"], os.environ)
    large = run_process([sys.executable, "-c", "x = b'1' * (60 << 20)"], os.environ)
    assert ours[0] == 1
    assert small.peak_mib < 60 < large.peak_mib < 120
    assert 0 < small.seconds < 60
