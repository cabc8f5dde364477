"""Every bot of a namespace stopped by its label, under the operator's own Role."""

import pytest

from bot_runtime.contract.names import LABEL_STOP
from tests.eventually import eventually
from tests.integration.api import MERGE
from tests.integration.operator_process import running
from tests.integration.stage import Stage


@pytest.mark.timeout(120)
def test_the_label_of_the_namespace_stops_its_bots_within_seconds_and_lets_them_go(
    stage: Stage,
) -> None:
    def label(value: str | None) -> None:
        body = {"metadata": {"labels": {LABEL_STOP: value}}}
        stage.api.request("PATCH", f"/api/v1/namespaces/{stage.namespace}", body, MERGE)

    def is_suspended() -> bool:
        return bool(stage.list("/apis/batch/v1:cronjobs")[0]["spec"]["suspend"])

    with stage.kubelet, running(stage.operator):
        stage.add_bot()
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        assert not is_suspended()
        label("true")
        stage.wait_for("Stalled", ("True", "Stopped"), timeout=15)
        assert is_suspended()
        label(None)
        stage.wait_for("InferenceScheduled", ("True", "CronJobApplied"), timeout=15)
        eventually(lambda: not is_suspended())
