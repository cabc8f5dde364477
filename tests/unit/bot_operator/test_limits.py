"""docs/reliability.md says the limits as they are."""

from pathlib import Path

import pytest

from bot_operator.api import kube
from bot_operator.applying import events
from bot_operator.planning import conditions
from bot_operator.signs import credentials
from bot_operator.tradingbot import candidate_training, findings, inference
from bot_operator.watching import changes, stops, workqueue
from bot_runtime.contract.conditions import CONDITION_MESSAGE_MAX

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"


@pytest.mark.parametrize(
    ("what", "numbers"),
    [
        ("a key that fails", (workqueue.FIRST_BACKOFF_SECONDS, workqueue.LAST_BACKOFF_SECONDS)),
        ("one request", (kube._TIMEOUT_SECONDS,)),
        (
            "a secret that is not valid",
            (credentials.FAST_SECONDS, credentials.FAST_PERIOD_SECONDS, credentials.SLOW_SECONDS),
        ),
        ("a stop by a namespace's label", (stops.LOOK_SECONDS,)),
        ("a full list", (changes.RELIST_SECONDS,)),
        (
            "a failed training",
            (candidate_training.FIRST_BACKOFF_SECONDS, candidate_training.LAST_BACKOFF_SECONDS),
        ),
        ("a scheduled training", (findings.LATEST_START.total_seconds(),)),
        ("Events of one owner", (events.BURST, events.REFILL_SECONDS)),
        ("message of a condition", (CONDITION_MESSAGE_MAX,)),
        ("versions that could not be loaded", (inference.UNUSABLE_MAX,)),
        ("clocks of nodes", (conditions.CLOCKS_DIFFER.total_seconds(),)),
    ],
)
def test_a_limit_is_written_as_it_is(what: str, numbers: tuple[float, ...]) -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    (row,) = [line.split(" | ") for line in lines if line.startswith(f"| {what} | ")]
    found = tuple(float(word) for word in row[1].split() if word.isdecimal())
    assert found == numbers
