"""Containers of one pod: which has ended, and when."""

import pytest

from bot_operator.api.resources import Manifest
from bot_operator.signs.container_ends import finished_at, has_ended, termination_of
from tests.unit.bot_operator.shapes import NOW, ended, pod, pod_of, with_condition

LATER = "2026-03-01T12:00:40Z"
RUNNING: Manifest = {"running": {"startedAt": NOW}}


def test_a_container_ends_by_itself_or_with_its_pod() -> None:
    first = pod_of("Running", runtime={"terminated": ended(0)}, trade=RUNNING)
    assert (has_ended(first), has_ended(first, "trade")) == (True, False)
    second = pod_of("Running", runtime=RUNNING, trade={"terminated": ended(0)})
    assert (has_ended(second), has_ended(second, "trade")) == (False, True)
    waiting = {"waiting": {"reason": "CreateContainerConfigError"}}
    third = pod_of("Pending", runtime={"terminated": ended(0)}, trade=waiting)
    assert (has_ended(third), has_ended(third, "trade")) == (True, False)
    assert has_ended(pod("Failed"))
    assert termination_of(pod("Failed")) is None


def test_each_container_has_its_own_end() -> None:
    late = {"terminated": {**ended(74), "finishedAt": LATER}}
    both = pod_of("Failed", runtime={"terminated": ended(0)}, trade=late)
    assert (finished_at(both), finished_at(both, "trade")) == (NOW, LATER)


def test_a_container_that_never_began_ended_with_its_pod() -> None:
    assert finished_at(pod(terminated=ended(1))) == NOW
    late = with_condition(pod(), "DisruptionTarget", lastTransitionTime="2026-03-02T00:00:00Z")
    assert finished_at(late) == "2026-03-02T00:00:00Z"
    assert finished_at(pod()) == NOW


@pytest.mark.parametrize(("limit", "expected"), [(40, LATER), (None, NOW)])
def test_a_pod_past_its_deadline_ended_at_it(limit: int | None, expected: str) -> None:
    past = pod()
    past["status"]["reason"] = "DeadlineExceeded"
    past["spec"] = {"activeDeadlineSeconds": limit}
    assert finished_at(past) == expected


def test_the_end_of_an_init_container_counts_where_it_kept_the_container_from_beginning() -> None:
    assert finished_at(pod(container="preflight", terminated=ended(77))) == NOW
