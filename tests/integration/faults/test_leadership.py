"""Two replicas: one acts, the other takes over, one that was stopped and goes on writes nothing."""

import signal
import time
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.integration.faults.proxy import Asked, proxied
from tests.integration.faults.supervisor import supervised
from tests.integration.operator_process import OperatorProcess
from tests.integration.stage import Stage

BOTS = 6


@pytest.mark.timeout(240)
def test_a_leader_that_was_stopped_and_goes_on_writes_nothing(stage: Stage, tmp_path: Path) -> None:
    written: list[tuple[float, str]] = []

    def note(asked: Asked) -> None:
        if asked.is_write:
            written.append((time.monotonic(), asked.path))

    other = OperatorProcess(
        stage.operator.kubeconfig,
        stage.namespace,
        tmp_path / "other.log",
        environment={"BOTCRIPTO_IDENTITY": "other"},
    )
    with proxied(stage.operator.kubeconfig, tmp_path) as proxy, stage.kubelet:
        stage.operator.kubeconfig = proxy.kubeconfig
        proxy.rule = note
        with supervised(stage.operator) as first:
            eventually(lambda: "serving" in stage.operator.log.read_text(encoding="utf-8"))
            with supervised(other):
                for n in range(BOTS):
                    stage.add_bot(f"bot-{n}", inference={"schedule": "0 0 1 1 *"})
                time.sleep(0.8)  # in the middle of it
                first.signal(signal.SIGSTOP)
                assert written
                _all_trained(stage)
                assert "leading" in other.log.read_text(encoding="utf-8")
                resumed = time.monotonic()
                first.signal(signal.SIGCONT)
                eventually(lambda: first.ends, timeout=20)
                late = [path for at, path in written if at > resumed]
                # What was being sent as it was stopped is refused: a status that has moved on.
                assert all(path.endswith("/status") for path in late[:1]), late
                assert late[1:] == []
                log = stage.operator.log.read_text(encoding="utf-8")
                assert not late or "409 Conflict" in log
    created = stage.calls.created_jobs()
    assert len(created) == len(set(created)) == 5 * BOTS


def _all_trained(stage: Stage) -> None:
    for n in range(BOTS):
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), f"bot-{n}", 90)
