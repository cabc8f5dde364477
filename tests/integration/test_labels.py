"""Labels that somebody takes from the operator's objects, under the API server's own watches."""

import time
from typing import Any

import pytest

from bot_runtime.contract.names import LABEL_MANAGED_BY
from tests.eventually import eventually
from tests.integration.api import MERGE
from tests.integration.operator_process import running
from tests.integration.stage import Stage

CRON_JOBS, CONFIG_MAPS = "/apis/batch/v1:cronjobs", "/api/v1:configmaps"


def take_label(stage: Stage, kind: str, name: str) -> None:
    """Take our label from a child, as `kubectl label` does: it leaves the operator's watch."""
    root, _, plural = kind.partition(":")
    body = {"metadata": {"labels": {LABEL_MANAGED_BY: None}}}
    path = f"{root}/namespaces/{stage.namespace}/{plural}/{name}"
    stage.api.request("PATCH", path, body, MERGE)


def cron_job(stage: Stage) -> dict[str, Any]:
    return stage.list(CRON_JOBS)[0]


@pytest.mark.timeout(150)
def test_a_label_that_is_taken_away_is_put_back_and_nothing_is_written_for_ever(
    stage: Stage,
) -> None:
    with stage.kubelet, running(stage.operator):
        stage.add_bot(inference={"schedule": "0 0 1 1 *"})
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        labels = cron_job(stage)["metadata"]["labels"]
        for _ in range(2):
            take_label(stage, CRON_JOBS, "btc-paper-infer")
            stage.wake()
            eventually(lambda: cron_job(stage)["metadata"]["labels"] == labels)
        take_label(stage, CONFIG_MAPS, stage.status()["children"]["runConfiguration"])
        stage.wake()
        stage.fire()
        stage.wait_for("Ready", ("True", "BotReady"))
        time.sleep(2)
        before = len(stage.calls.writes())
        stage.wake()
        time.sleep(3)
        assert stage.calls.writes()[before:] == []
