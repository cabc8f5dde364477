"""The log line by which a step tells how far it is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.contract.progress import last_progress, seconds_left


def line(**parts: Any) -> str:
    told = {"ts": "2026-03-01T12:00:00Z", "step": "Trend", "event": "progress", "fraction": 0.5}
    return json.dumps({**told, "message": "round 50 of 100", **parts})


def test_the_last_line_of_the_step_counts() -> None:
    log = "\n".join([line(fraction=0.1), line(), line(step="Risk", fraction=0.9), "Traceback"])
    found = last_progress(log, "Trend")
    assert found is not None
    assert (found.fraction, found.epoch, found.eta_seconds) == (0.5, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "progress",
        line()[:-5],
        line(fraction=1.5),
        line(fraction=-0.1),
        line(fraction="NaN"),
        line(fraction=0.5).replace("0.5", "NaN"),
        line(fraction=0.5).replace("0.5", "1e999"),
        line(event="progress!"),
        line(epochs=0),
        line(epoch=10**9),
        line(eta_seconds=-1),
        line(eta_seconds=10**12),
        line(ts="x" * 4000),
        line(step="Inference2"),
        "[" * 10_000 + "progress",
    ],
)
def test_what_is_no_progress_line_is_passed_over(text: str) -> None:
    assert last_progress(text, "Trend") is None
    found = last_progress(f"{line(fraction=0.25)}\n{text}", "Trend")
    assert found is not None
    assert found.fraction == 0.25


@given(st.text(max_size=2000))
def test_any_log_is_read_without_an_error(text: str) -> None:
    last_progress(f"progress {text}", "Trend")


def test_the_time_left_is_at_the_pace_so_far() -> None:
    assert seconds_left(60, 0.25) == 180
    assert seconds_left(60, 1.0) == 0
    assert seconds_left(60, 0.0) is None
