"""Children that the API server refuses, by the real quota controller and server-side apply."""

import time
from typing import Any

import pytest

from tests.eventually import eventually
from tests.integration.api import MERGE
from tests.integration.operator_process import running
from tests.integration.stage import Stage

CRON_JOBS, CLAIMS = "count/cronjobs.batch", "count/persistentvolumeclaims"


def restrict(stage: Stage, method: str, name: str, hard: dict[str, Any]) -> None:
    """Set the namespace's quota and wait until it holds."""
    body = {"metadata": {"name": "few"}, "spec": {"hard": hard}}
    path = f"/api/v1/namespaces/{stage.namespace}/resourcequotas"
    stage.api.request(method, path + name, body, MERGE if name else "application/json")
    eventually(lambda: stage.api.request("GET", f"{path}/few")["status"].get("hard") == hard)


def message(stage: Stage, kind: str) -> str:
    return str(next(c for c in stage.status()["conditions"] if c["type"] == kind)["message"])


@pytest.mark.timeout(150)
def test_what_a_quota_refuses_is_told_without_repetition_and_heals(stage: Stage) -> None:
    restrict(stage, "POST", "", {CRON_JOBS: "0", CLAIMS: "0"})
    with stage.kubelet, running(stage.operator):
        stage.add_bot()
        stage.wait_for("Stalled", ("True", "ChildRefused"))
        assert stage.condition("StorageReady") == ("False", "ChildRefused")
        assert stage.status()["observedGeneration"] == 1
        assert "btc-paper-store" in message(stage, "Stalled")
        assert f"exceeded quota: few, requested: {CLAIMS}=1, limited" in message(stage, "Stalled")
        restrict(stage, "PATCH", "/few", {CRON_JOBS: "0", CLAIMS: "9"})
        stage.wait_for("InferenceScheduled", ("False", "ChildRefused"), timeout=60)
        assert stage.condition("Ready") == ("False", "ChildRefused")
        assert stage.condition("ModelAvailable") == ("True", "ModelPromoted")
        stage.change_bot("btc-paper", {"decision": {"probMin": 0.61}})
        eventually(lambda: stage.status()["observedGeneration"] == 2)
        eventually(lambda: stage.condition("ModelAvailable")[0] == "True")
        settled = statuses(stage)
        stage.wake()
        time.sleep(3)
        assert statuses(stage) == settled
        stage.api.request("DELETE", f"/api/v1/namespaces/{stage.namespace}/resourcequotas/few")
        stage.wake()
        stage.wait_for("InferenceScheduled", ("True", "CronJobApplied"), timeout=60)
        stage.fire()
        stage.wait_for("Ready", ("True", "BotReady"))
        assert stage.condition("Stalled")[0] == "False"
    assert len(stage.calls.created_jobs()) == len(set(stage.calls.created_jobs()))


def statuses(stage: Stage) -> int:
    """Return how often the bot's status was written."""
    return sum("tradingbots/status" in write for write in stage.calls.writes())
