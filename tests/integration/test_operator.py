"""The operator under its own ServiceAccount, on a real API server with the real controllers."""

import random
import time
import urllib.request
from pathlib import Path

import pytest

from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from tests.eventually import eventually
from tests.integration.fake_kubelet import failed, waiting
from tests.integration.operator_process import (
    OperatorProcess,
    running,
)
from tests.integration.stage import STORAGE_CLASS, Stage

QUIET_SECONDS = 60


@pytest.mark.timeout(180)
def test_one_yaml_ends_in_a_signal_of_a_pod_that_the_cron_job_owns(stage: Stage) -> None:
    with stage.kubelet, running(stage.operator):
        made = stage.add_bot(exchange={"id": "binance", "credentialsSecret": "keys"})
        stage.wait_for("SecretsValid", ("False", "SecretMissing"))
        message = next(c for c in stage.status()["conditions"] if c["type"] == "Ready")["message"]
        assert EXCHANGE_SECRET.create_command(stage.namespace, "keys") in message
        assert stage.list("/api/v1:pods") == []
        created = time.monotonic()
        stage.add_secret("keys", {"apiKey": "k9Zq1-do-not-tell", "apiSecret": "s8Xw2-do-not-tell"})
        stage.wait_for("SecretsValid", ("True", "AsExpected"), timeout=10)
        assert time.monotonic() - created < 10
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        stage.fire()
        stage.wait_for("Ready", ("True", "BotReady"))
    _assert_owner_chain(stage)
    jobs = stage.calls.created_jobs()
    assert len(jobs) == len(set(jobs)) == 5
    bot = stage.api.get("TradingBot", "btc-paper", stage.namespace)
    assert bot["metadata"].get("annotations") == made["metadata"].get("annotations")
    assert "finalizers" not in bot["metadata"]
    _assert_no_secret_told(stage, "do-not-tell")
    _assert_pods_are_restricted(stage)


def _assert_owner_chain(stage: Stage) -> None:
    uid = stage.status()["lastSignal"]["producedBy"]
    pod = next(p for p in stage.list("/api/v1:pods") if p["metadata"]["uid"] == uid)
    job_uid = pod["metadata"]["ownerReferences"][0]["uid"]
    job = next(j for j in stage.list("/apis/batch/v1:jobs") if j["metadata"]["uid"] == job_uid)
    cron_job = stage.list("/apis/batch/v1:cronjobs")[0]
    assert job["metadata"]["ownerReferences"][0]["uid"] == cron_job["metadata"]["uid"]


def _assert_no_secret_told(stage: Stage, value: str) -> None:
    for path in ("/api/v1:pods", "/api/v1:events", "/api/v1:configmaps", "/apis/batch/v1:jobs"):
        assert value not in str(stage.list(path))
    assert value not in str(stage.status())
    assert value not in stage.operator.log.read_text(encoding="utf-8")


def _assert_pods_are_restricted(stage: Stage) -> None:
    """The API server itself refuses these pods in a restricted namespace where they are not."""
    for job in stage.list("/apis/batch/v1:jobs"):
        pod = job["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        containers = [*pod.get("initContainers", []), *pod["containers"]]
        assert all(c["securityContext"]["readOnlyRootFilesystem"] for c in containers)


@pytest.mark.timeout(240)
def test_killed_at_random_moments_it_creates_every_job_once(stage: Stage) -> None:
    draw = random.Random(20260301)
    stage.kubelet.promoted = True
    with stage.kubelet:
        stage.add_bot()
        for _ in range(12):
            stage.operator.start()
            time.sleep(draw.uniform(0.9, 2.2))
            stage.operator.kill()
            time.sleep(0.6)  # Jobs end while the operator is down
            if draw.random() < 0.5:
                _delete_finished_jobs(stage, but="evaluation")
        with running(stage.operator):
            stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), timeout=60)
    created = stage.calls.created_jobs()
    assert len(created) == len(set(created)) == 5


def _delete_finished_jobs(stage: Stage, but: str) -> None:
    for job in stage.list("/apis/batch/v1:jobs"):
        conditions = job.get("status", {}).get("conditions", [])
        done = any(c["type"] == "Complete" and c["status"] == "True" for c in conditions)
        name = job["metadata"]["name"]
        if done and not name.endswith(but):
            path = f"/apis/batch/v1/namespaces/{stage.namespace}/jobs/{name}"
            stage.api.request("DELETE", path, {"propagationPolicy": "Background"})


@pytest.mark.timeout(240)
def test_in_steady_state_nothing_is_written(stage: Stage) -> None:
    stage.operator.environment["BOTCRIPTO_MAX_TRAININGS"] = "4"
    holds = {"phase": "Running"}
    stage.kubelet.bots = {
        **{name: {"Data": lambda _: holds} for name in ("training", "holding", "held")},
        "run-failed": {"Inference": lambda _: failed(69, "no answer")},
        "rejected": {},
        "bad-image": {"Data": lambda _: waiting("ImagePullBackOff", "not found")},
        # What waiting cannot heal: what it can is tried again within the minute, which is news.
        "failed": {"Data": lambda _: failed(78, "exchange.id: not known")},
    }
    with stage.kubelet, running(stage.operator):
        stage.add_bot("waiting", exchange={"id": "binance", "credentialsSecret": "absent"})
        stage.add_bot("training")
        stage.add_bot("suspended", suspend=True)
        stage.add_bot("bad-image")
        stage.add_bot("failed")
        stage.add_bot("ready", inference={"schedule": "0 0 1 1 *"})
        stage.add_bot("run-failed", inference={"schedule": "0 0 1 1 *"})
        yearly = {"schedule": "0 0 1 1 *", "jitterSeconds": 600, "maxModelAge": "400d"}
        stage.add_bot("scheduled", training=yearly, inference={"schedule": "0 0 1 1 *"})
        for name in ("ready", "run-failed", "scheduled"):
            stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), name, timeout=60)
        stage.kubelet.promoted = False
        stage.add_bot("rejected")
        stage.fire("ready")
        stage.fire("run-failed")
        stage.wait_for("Ready", ("True", "BotReady"), "ready")
        stage.wait_for("Ready", ("True", "Suspended"), "suspended")
        stage.wait_for("Stalled", ("True", "SecretMissing"), "waiting")
        stage.wait_for("Stalled", ("True", "NotBetterThanNaive"), "rejected")
        stage.wait_for("Stalled", ("True", "ImagePullFailed"), "bad-image")
        stage.wait_for("Ready", ("False", "TrainingFailed"), "failed")
        eventually(lambda: stage.status("run-failed")["lastFailure"]["class"] == "Exchange")
        assert "nextTrainingTime" in stage.status("scheduled")
        _fill_the_slots(stage)
        _assert_silence(stage)


def _fill_the_slots(stage: Stage) -> None:
    """Have trainings run that do not end, and one that waits for them."""
    for name in ("holding", "held"):
        stage.add_bot(name)
    eventually(lambda: [_training(stage, n) for n in ("holding", "held")] == ["Fetching"] * 2)
    stage.add_bot("queued")
    eventually(lambda: _training(stage, "queued") == "Queued")


def _training(stage: Stage, bot: str) -> str:
    """Return the state of a bot's one training."""
    trainings = stage.list("/apis/botcripto.io/v1alpha1:modeltrainings")
    found = [t for t in trainings if t["spec"]["botRef"]["name"] == bot]
    return str(found[0]["status"].get("state"))


def _assert_silence(stage: Stage) -> None:
    before = len(stage.calls.writes())
    eventually(lambda: _has_settled(stage), timeout=30, every=2)
    before = len(stage.calls.writes())
    reads = sum(1 for _ in stage.calls.all())
    for _ in range(5):
        stage.wake()
        time.sleep(QUIET_SECONDS / 5)
    assert stage.calls.writes()[before:] == []
    assert sum(1 for _ in stage.calls.all()) > reads + 20  # it was awake


def _has_settled(stage: Stage) -> bool:
    before = len(stage.calls.writes())
    time.sleep(2)
    return len(stage.calls.writes()) == before


@pytest.mark.timeout(120)
def test_deleting_the_bot_removes_all_that_it_had(stage: Stage) -> None:
    with stage.kubelet, running(stage.operator):
        stage.add_bot()
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        path = f"/apis/botcripto.io/v1alpha1/namespaces/{stage.namespace}/tradingbots/btc-paper"
        stage.api.request("DELETE", path)

        def nothing_left() -> bool:
            left = [
                (plural, o["metadata"]["name"])
                for plural in (
                    "/apis/botcripto.io/v1alpha1:modeltrainings",
                    "/apis/batch/v1:jobs",
                    "/apis/batch/v1:cronjobs",
                    "/api/v1:pods",
                    "/api/v1:persistentvolumeclaims",
                    "/api/v1:configmaps",
                )
                for o in stage.list(plural)
                if o["metadata"]["name"] != "kube-root-ca.crt"
            ]
            assert left == []
            return True

        eventually(nothing_left, timeout=60)


@pytest.mark.timeout(120)
def test_storage_class_that_does_not_exist_is_named_and_heals_when_corrected(stage: Stage) -> None:
    with stage.kubelet, running(stage.operator):
        stage.add_bot(storage={"storageClassName": "nope"})
        stage.wait_for("StorageReady", ("False", "StorageClassMissing"))
        assert stage.condition("Stalled") == ("True", "StorageClassMissing")
        assert stage.list("/api/v1:pods") == []
        stage.change_bot("btc-paper", {"storage": {"storageClassName": STORAGE_CLASS}})
        stage.wait_for("StorageReady", ("True", "ClaimBound"))
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))


@pytest.mark.timeout(120)
def test_refused_pods_are_told_in_the_api_servers_words_and_heal(stage: Stage) -> None:
    quotas = f"/api/v1/namespaces/{stage.namespace}/resourcequotas"
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    stage.api.request("POST", quotas, quota)
    eventually(lambda: stage.api.request("GET", f"{quotas}/none")["status"].get("hard"))
    with stage.kubelet, running(stage.operator):
        stage.add_bot()
        stage.wait_for("Stalled", ("True", "PodRefused"))
        message = next(c for c in stage.status()["conditions"] if c["type"] == "Stalled")["message"]
        assert "exceeded quota" in message
        assert stage.status()["lastFailure"]["class"] == "Quota"
        stage.api.request("DELETE", f"{quotas}/none")
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), timeout=80)
        assert "lastFailure" not in stage.status()


@pytest.mark.timeout(90)
def test_it_stops_in_order_gives_the_lease_back_and_tells_its_health(stage: Stage) -> None:
    stage.operator.port = 18473
    stage.operator.start()
    base = f"http://127.0.0.1:{stage.operator.port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    eventually(lambda: opener.open(f"{base}/readyz", timeout=2).status == 200)
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{stage.namespace}/leases/botcripto-operator"
    eventually(lambda: stage.api.request("GET", lease)["spec"]["holderIdentity"] == "test")
    eventually(
        lambda: b"botcripto_is_leader 1.0" in opener.open(f"{base}/metrics", timeout=2).read()
    )
    assert stage.operator.stop() == 0
    assert not stage.api.request("GET", lease)["spec"].get("holderIdentity")
    assert all(line["level"] in {"info", "warning"} for line in stage.operator.lines())


@pytest.mark.timeout(90)
def test_a_second_process_waits_for_the_lease_and_takes_over(stage: Stage, tmp_path: Path) -> None:
    other = OperatorProcess(
        stage.operator.kubeconfig,
        stage.namespace,
        tmp_path / "other.log",
        environment={"BOTCRIPTO_IDENTITY": "other"},
    )
    stage.operator.start()
    eventually(lambda: "leading" in stage.operator.log.read_text(encoding="utf-8"))
    with running(other):
        time.sleep(3)
        assert "leading" not in other.log.read_text(encoding="utf-8")
        stage.operator.kill()
        eventually(lambda: "leading" in other.log.read_text(encoding="utf-8"), timeout=20)
