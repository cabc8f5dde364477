"""The life of a bot on a real API server: retraining, growth, what is lost, another release."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot_operator.api.resources import to_time
from bot_runtime.contract.names import CONFIG_FILE
from bot_runtime.contract.runconfig import NEWER_FIELDS
from bot_runtime.contract.signalstatus import OLD_NAMES
from bot_runtime.contract.spec import OBJECTIVES
from tests import resources
from tests.eventually import eventually
from tests.integration.api import MERGE
from tests.integration.fake_kubelet import failed
from tests.integration.operator_process import OperatorProcess, running
from tests.integration.stage import Stage

Object = dict[str, Any]
TRAININGS = "/apis/botcripto.io/v1alpha1:modeltrainings"
JOBS = "/apis/batch/v1:jobs"
CONFIG_MAPS = "/api/v1:configmaps"


NEWER_IMAGES = {
    "BOTCRIPTO_TRAINING_IMAGE": "example.org/train:2.0.0",
    "BOTCRIPTO_INFERENCE_IMAGE": "example.org/infer:2.0.0",
}


@pytest.fixture
def earlier(stage: Stage, previous_files: Path, tmp_path: Path) -> OperatorProcess:
    """Return the operator of the release before this one."""
    return OperatorProcess(
        stage.operator.kubeconfig,
        stage.namespace,
        tmp_path / "earlier.log",
        environment={"PYTHONPATH": f"{previous_files}:{previous_files / 'operator'}"},
    )


def patch_status(stage: Stage, status: Object | None) -> None:
    """Merge into the bot's status, as a person or a backup tool may; None takes all of it away."""
    path = f"/apis/botcripto.io/v1alpha1/namespaces/{stage.namespace}/tradingbots/btc-paper/status"
    stage.api.request("PATCH", path, {"status": status}, MERGE)


def uids(stage: Stage, *paths: str) -> set[str]:
    return {item["metadata"]["uid"] for path in paths for item in stage.list(path)}


def ready(stage: Stage) -> None:
    stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
    stage.fire()
    stage.wait_for("Ready", ("True", "BotReady"))


@pytest.mark.timeout(120)
def test_a_due_training_is_made_up_for_once_and_a_lost_status_comes_back(stage: Stage) -> None:
    training = {"schedule": "30 3 * * 0", "timeZone": "Europe/Madrid", "missedRunPolicy": "RunOnce"}
    with stage.kubelet:
        with running(stage.operator):
            stage.add_bot(training=training)
            ready(stage)
        # The operator is down while a training becomes due.
        patch_status(stage, {"nextTrainingTime": to_time(datetime.now(UTC) - timedelta(days=9))})
        with running(stage.operator):
            eventually(lambda: len(stage.list(TRAININGS)) == 2, timeout=20)
            eventually(
                lambda: all("completionTime" in t["status"] for t in stage.list(TRAININGS)),
                timeout=40,
            )
            assert len(stage.calls.created_jobs()) == 10
            eventually(lambda: "previousModel" in stage.status())
            before = stage.status()
            assert before["nextTrainingTime"] > to_time(datetime.now(UTC))
            assert before["candidateTraining"]["scheduledTime"] < to_time(datetime.now(UTC))
            patch_status(stage, None)
            eventually(lambda: "activeModel" in stage.status())
            after = stage.status()
            for part in ("activeModel", "candidateTraining", "nextTrainingTime", "images"):
                assert after[part] == before[part], part
            stage.fire()
            stage.wait_for("Ready", ("True", "BotReady"))
    assert len(stage.calls.created_jobs()) == 10


@pytest.mark.timeout(90)
@pytest.mark.parametrize("allowed", [True, False])
def test_a_claim_grows_where_its_class_allows_it(stage: Stage, allowed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    name = f"expandable-{allowed}-{stage.namespace}".lower()
    stage.api.request(
        "POST",
        "/apis/storage.k8s.io/v1/storageclasses",
        {
            "metadata": {"name": name},
            "provisioner": "kubernetes.io/no-provisioner",
            "allowVolumeExpansion": allowed,
        },
    )
    volume = {
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "2Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/nowhere"},
            "storageClassName": name,
        },
    }
    stage.api.request("POST", "/api/v1/persistentvolumes", volume)
    with running(stage.operator):
        stage.api.create(_suspended(name), stage.namespace)
        stage.wait_for("StorageReady", ("True", "ClaimBound"))
        stage.change_bot("btc-paper", {"storage": {"size": "3Gi"}})
        expected = "ClaimBound" if allowed else "ClaimSizeKept"
        size = "3Gi" if allowed else "2Gi"
        eventually(lambda: _size(stage) == size)
        stage.wait_for("StorageReady", ("True", expected))
        if not allowed:
            message = next(
                c["message"] for c in stage.status()["conditions"] if c["type"] == "StorageReady"
            )
            assert "must support resize" in message
        writes = len(stage.calls.writes())
        stage.wake()
        time.sleep(2)
        kept = [w for w in stage.calls.writes()[writes:] if "persistentvolumeclaims" not in w]
        assert kept == []
        assert _size(stage) == size


def _suspended(storage_class: str) -> Object:
    storage = {"storageClassName": storage_class, "size": "2Gi"}
    return resources.bot("btc-paper", suspend=True, storage=storage)


def _size(stage: Stage) -> str:
    claim = stage.list("/api/v1:persistentvolumeclaims")[0]
    return str(claim["spec"]["resources"]["requests"]["storage"])


@pytest.mark.timeout(120)
def test_a_version_that_cannot_be_loaded_gives_way_on_a_real_api_server(stage: Stage) -> None:
    with stage.kubelet, running(stage.operator):
        stage.add_bot()
        ready(stage)
        first = stage.status()["activeModel"]["version"]
        stage.change_bot("btc-paper", {"model": {"seed": 8}})
        eventually(lambda: stage.status()["activeModel"]["version"] != first, timeout=40)
        second = stage.status()["activeModel"]["version"]
        stage.kubelet.outcomes["Inference"] = lambda _: failed(66, "trend.onnx: sha256 differs")
        stage.fire()
        eventually(lambda: stage.status()["activeModel"]["version"] == first, timeout=30)
        del stage.kubelet.outcomes["Inference"]
        stage.fire()
        stage.wait_for("Ready", ("True", "BotReady"))
        assert stage.condition("ModelAvailable") == ("True", "FellBack")
        events = stage.list("/api/v1:events")
        assert any(e["message"].startswith(f"{second} → {first}") for e in events)


@pytest.mark.timeout(120)
def test_another_release_and_back_restarts_and_trains_nothing(
    stage: Stage, earlier: OperatorProcess
) -> None:
    """The code of the release before this one, this one with other images, and back."""
    with stage.kubelet:
        with running(earlier):
            stage.add_bot(inference={"schedule": "0 0 2 1 *"})  # fired by hand alone
            ready(stage)
        told, template = stage.status()["signals"], _pod_template(stage)
        stage.change_bot("btc-paper", {"inference": {"schedule": "0 0 1 1 *"}})
        with running(stage.operator):
            stage.wait_for("InferenceScheduled", ("True", "CronJobApplied"))
            eventually(lambda: stage.status()["images"]["reads"] == list(NEWER_FIELDS))
            assert _containers(_pod_template(stage)) == ["runtime", "trade"]
            eventually(lambda: _schedule(stage) == "0 0 1 1 *")
        there = uids(stage, JOBS, TRAININGS, "/api/v1:pods", "/apis/batch/v1:cronjobs")
        jobs, traded = len(stage.calls.created_jobs()), _pod_template(stage)
        stage.operator.environment.update(NEWER_IMAGES)
        with running(stage.operator):
            eventually(lambda: "availableImages" in stage.status())
            stage.wake()
            time.sleep(2)
            assert [_with_both_names(signal) for signal in told] == stage.status()["signals"]
            assert _pod_template(stage) == traded
        with running(earlier):
            eventually(lambda: earlier.log.read_text(encoding="utf-8").count('"serving"') == 2)
            stage.wake()
            eventually(lambda: _pod_template(stage) == template)  # it knows one container alone
            time.sleep(2)
            assert stage.condition("Ready") == ("True", "BotReady")
        assert stage.status()["signals"] == told
    assert uids(stage, JOBS, TRAININGS, "/api/v1:pods", "/apis/batch/v1:cronjobs") == there
    assert len(stage.calls.created_jobs()) == jobs
    assert _pod_template(stage) == template


@pytest.mark.timeout(120)
def test_another_release_and_back_in_mid_training_begins_nothing_anew(
    stage: Stage, earlier: OperatorProcess
) -> None:
    for objective in OBJECTIVES:
        stage.kubelet.outcomes[objective] = lambda _: None  # its pod stays as it is
    with stage.kubelet:
        with running(earlier):
            stage.add_bot()
            eventually(lambda: len(stage.list("/api/v1:pods")) == 4, timeout=40)
        there = uids(stage, JOBS, TRAININGS, "/api/v1:pods", CONFIG_MAPS)
        stage.operator.environment.update(NEWER_IMAGES)
        with running(stage.operator):
            eventually(lambda: "availableImages" in stage.status())
            stage.wake()
            time.sleep(2)
            assert uids(stage, JOBS, TRAININGS, "/api/v1:pods", CONFIG_MAPS) == there
            stage.kubelet.outcomes.clear()
            ready(stage)
        with running(earlier):
            eventually(lambda: earlier.log.read_text(encoding="utf-8").count('"serving"') == 2)
            stage.wake()
            time.sleep(2)
    assert len(stage.list(TRAININGS)) == 1
    jobs = [j for j in stage.list(JOBS) if j["metadata"]["name"].startswith("btc-paper-")]
    steps = [j for j in jobs if j["metadata"]["labels"].get("botcripto.io/step")]
    assert len(steps) == 5
    assert {_image(job["spec"]["template"]) for job in steps} == {"example.org/train:1.0.0"}
    assert _image(_pod_template(stage)) == "example.org/infer:1.0.0"


@pytest.mark.timeout(120)
def test_a_policy_that_kept_images_do_not_read_is_refused_until_others_are_taken(
    stage: Stage,
) -> None:
    with stage.kubelet:
        with running(stage.operator):
            stage.add_bot()
            ready(stage)
        # As an operator of the first release writes it.
        patch_status(stage, {"images": {"reads": None}})
        there = uids(stage, TRAININGS, "/apis/batch/v1:cronjobs", CONFIG_MAPS)
        jobs = len(stage.calls.created_jobs())
        stage.operator.environment.update(NEWER_IMAGES)
        with running(stage.operator):
            stage.wait_for("TradingAllowed", ("False", "ImageTooOld"))
            eventually(lambda: _containers(_pod_template(stage)) == ["runtime"])
            template = _pod_template(stage)
            stage.change_bot("btc-paper", {"decision": {"policy": "VolatilityManaged"}})
            stage.wait_for("Stalled", ("True", "ImageTooOld"))
            stage.wake()
            stage.fire()
            time.sleep(2)
            assert stage.condition("Ready") == ("True", "BotReady")
            assert uids(stage, TRAININGS, "/apis/batch/v1:cronjobs", CONFIG_MAPS) == there
            assert len(stage.calls.created_jobs()) == jobs
            assert _pod_template(stage) == template
            stage.change_bot("btc-paper", {"updateStrategy": "Auto"})
            eventually(lambda: _image(_pod_template(stage)) == "example.org/infer:2.0.0")
            stage.fire()
            stage.wait_for("Ready", ("True", "BotReady"))
            assert stage.condition("Stalled")[0] == "False"
            assert stage.status()["images"]["reads"] == list(NEWER_FIELDS)
            assert _containers(_pod_template(stage)) == ["runtime", "trade"]
    served = stage.status()["children"]["runConfiguration"]
    (text,) = [
        c["data"][CONFIG_FILE] for c in stage.list(CONFIG_MAPS) if c["metadata"]["name"] == served
    ]
    assert json.loads(text)["decision"]["policy"] == "VolatilityManaged"
    assert len(stage.list(TRAININGS)) == 1


def _with_both_names(signal: Object) -> Object:
    """Return a signal of the release before with the names of this one beside its own."""
    assert not OLD_NAMES.keys() & signal.keys()
    return {**signal, **{new: signal[old] for new, old in OLD_NAMES.items() if old in signal}}


def _containers(template: Object) -> list[str]:
    return [container["name"] for container in template["spec"]["containers"]]


def _schedule(stage: Stage) -> str:
    return str(stage.list("/apis/batch/v1:cronjobs")[0]["spec"]["schedule"])


def _image(template: Object) -> str:
    return str(template["spec"]["containers"][0]["image"])


def _pod_template(stage: Stage) -> Object:
    cron_job = stage.list("/apis/batch/v1:cronjobs")[0]
    template: Object = cron_job["spec"]["jobTemplate"]["spec"]["template"]
    return template
