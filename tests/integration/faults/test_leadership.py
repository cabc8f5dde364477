"""Two replicas: one acts, the other takes over, one that was stopped and goes on writes nothing."""

import signal
import time
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.integration.faults.proxy import Answered, Proxy, proxied
from tests.integration.faults.supervisor import supervised
from tests.integration.operator_process import OperatorProcess
from tests.integration.stage import Stage

BOTS = 6


@pytest.mark.timeout(240)
def test_a_leader_that_was_stopped_and_goes_on_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    other = OperatorProcess(
        stage.operator.kubeconfig,
        stage.namespace,
        tmp_path / "other.log",
        environment={"BOTCRIPTO_IDENTITY": "other"},
    )
    with proxied(stage.operator.kubeconfig, tmp_path) as proxy, stage.kubelet:
        stage.operator.kubeconfig = proxy.kubeconfig
        with supervised(stage.operator) as first:
            eventually(lambda: "serving" in stage.operator.log.read_text(encoding="utf-8"))
            with supervised(other):
                for n in range(BOTS):
                    stage.add_bot(f"bot-{n}", inference={"schedule": "0 0 1 1 *"})
                time.sleep(0.8)  # in the middle of it
                first.signal(signal.SIGSTOP)
                assert _writes(proxy)
                _all_trained(stage)
                assert "leading" in other.log.read_text(encoding="utf-8")
                resumed = time.monotonic()
                first.signal(signal.SIGCONT)
                eventually(lambda: first.ends, timeout=20)
                # What was being sent as it was stopped is refused: a status that has moved on, or
                # an object that the other has created.
                late = [one for one in _writes(proxy) if one.at > resumed]
                assert all(one.status == HTTPStatus.CONFLICT for one in late), late
    created = stage.calls.created_jobs()
    assert len(created) == len(set(created)) == 5 * BOTS


def _writes(proxy: Proxy) -> list[Answered]:
    """Return what would change an object; an Event only tells of the past."""
    asked = (one for one in proxy.answered if one.asked.is_write)
    return [one for one in asked if not one.asked.path.endswith("/events")]


def _all_trained(stage: Stage) -> None:
    for n in range(BOTS):
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), f"bot-{n}", 90)
