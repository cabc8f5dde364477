"""The author of a bot as an attacker: may edit our two kinds in one namespace, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import resources
from tests.cluster.install import RESTRICTED_LABELS
from tests.eventually import eventually
from tests.integration.api import MERGE, Api, Refused
from tests.integration.operator_process import ROOT, running, write_kubeconfig
from tests.integration.stage import STORAGE_CLASS, ControlPlane, Object, Stage

TRACKING = {"app.kubernetes.io/instance": "mine", "argocd.argoproj.io/instance": "mine"}
QUOTA = {
    "requests.cpu": "4", "requests.memory": "8Gi", "limits.cpu": "16", "limits.memory": "64Gi",
    "requests.ephemeral-storage": "2Gi", "limits.ephemeral-storage": "32Gi",
}  # fmt: skip
LIMIT_RANGE = {
    "type": "Container",
    "min": {"cpu": "10m", "memory": "64Mi"},
    "max": {"cpu": "2", "memory": "8Gi", "ephemeral-storage": "2Gi"},
}


def _author(plane: ControlPlane, namespace: str, folder: Path) -> Api:
    plane.kubectl("apply", "--server-side", "-k", str(ROOT / "manifests" / "roles"))
    space = f"--namespace={namespace}"
    plane.kubectl("create", "serviceaccount", "author", space)
    subject = f"--serviceaccount={namespace}:author"
    plane.kubectl("create", "rolebinding", "author", "--clusterrole=botcripto-edit", subject, space)
    token = plane.kubectl("create", "token", "author", space, "--duration=1h").strip()
    author = Api.of(write_kubeconfig(plane.kubeconfig, token, folder / "author.kubeconfig"))
    eventually(lambda: author.create(resources.bot("probe"), namespace, dry_run=True))
    return author


@pytest.fixture
def author(stage: Stage, tmp_path: Path) -> Api:
    return _author(stage.plane, stage.namespace, tmp_path)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("spec.pod.serviceAccountName", "botcripto-operator", "unknown field"),
        ("spec.pod.automountServiceAccountToken", True, "unknown field"),
        ("spec.pod.securityContext", {"runAsUser": 0}, "unknown field"),
        ("spec.pod.hostNetwork", True, "unknown field"),
        ("spec.pod.volumes", [{"hostPath": {"path": "/"}}], "unknown field"),
        ("spec.pod.nodeName", "control-plane", "unknown field"),
        ("spec.inference.command", ["sh"], "unknown field"),
        ("spec.exchange.credentialsSecret", "../kube-system/token", "is not the name of an object"),
        ("spec.exchange.credentialsSecret", "kube-system/token", "is not the name of an object"),
        ("spec.storage.existingClaim", "../other/data", "is not the name of an object"),
        ("spec.pod.labels", TRACKING, "needs a prefix of your own"),
        ("spec.pod.labels", {"app": "database"}, "needs a prefix of your own"),
        ("spec.pod.labels", {"botcripto.io/bot": "another"}, "needs a prefix of your own"),
        ("spec.pod.priorityClassName", "system-node-critical", "the cluster's own pods"),
        ("metadata.ownerReferences", [{"kind": "Node", "name": "n"}], "ownerReferences"),
    ],
)
def test_what_the_author_may_not_choose_the_api_server_refuses(
    control_plane: ControlPlane, namespace: str, path: str, value: Any, told: str
) -> None:
    bot = resources.changed(resources.bot(), {path: value})
    with pytest.raises(Refused) as e:
        control_plane.api.create(bot, namespace, dry_run=True)  # not even the administrator
    assert told in e.value.message


def test_the_author_can_write_nothing_but_bots_in_one_namespace(stage: Stage, author: Api) -> None:
    space = f"/api/v1/namespaces/{stage.namespace}"
    jobs = f"/apis/batch/v1/namespaces/{stage.namespace}/jobs"
    ours = "/apis/botcripto.io/v1alpha1/namespaces"
    status = {"status": {"state": "Deciding"}}
    author.create(resources.bot("mine"), stage.namespace)
    attempts: list[tuple[str, str, Any]] = [
        ("GET", f"{space}/secrets", None),
        ("POST", f"{space}/pods", {"metadata": {"name": "x"}}),
        ("PATCH", f"{space}/persistentvolumeclaims/x", {"metadata": {"labels": {"a": "b"}}}),
        ("POST", f"{space}/configmaps", {"metadata": {"name": "x"}}),
        ("POST", jobs, {"metadata": {"name": "x"}}),
        ("GET", f"{ours}/default/tradingbots", None),
        ("PATCH", f"{ours}/{stage.namespace}/tradingbots/mine/status", status),
    ]
    for method, path, body in attempts:
        with pytest.raises(Refused) as e:
            author.request(method, path, body, MERGE if method == "PATCH" else "application/json")
        assert e.value.code == 403, (method, path)


@pytest.mark.timeout(150)
def test_nobody_elses_secret_volume_or_object_is_taken(stage: Stage, author: Api) -> None:
    api, space = stage.api, f"/api/v1/namespaces/{stage.namespace}"
    stage.add_volume("database", reserved=False)
    api.request("POST", f"{space}/persistentvolumeclaims", _claim("database"))
    database = {"metadata": {"name": "database"}, "stringData": {"apiKey": "a", "apiSecret": "b"}}
    api.request("POST", f"{space}/secrets", database)
    theirs = _cron_job("taken-infer")
    cron_jobs = f"/apis/batch/v1/namespaces/{stage.namespace}/cronjobs"
    before = api.request("POST", cron_jobs, theirs)
    with stage.kubelet, running(stage.operator):
        stage.add_bot("victim")
        stage.add_bot("taken")
        stage.wait_for("StorageReady", ("True", "ClaimBound"), "victim")
        for name, changes in {
            "reader": {"exchange": {"id": "binance", "credentialsSecret": "database"}},
            "thief": {"storage": {"existingClaim": "database"}},
            "sharer": {"storage": {"existingClaim": "victim-store"}},
            "keeper": {"journal": {"postgresSecret": "database"}},
            "teller": {"notifications": {"secret": "database"}},
        }.items():
            author.create(resources.bot(name, timeframe="1m", **changes), stage.namespace)
        stage.wait_for("SecretsValid", ("False", "SecretWrongType"), "reader")
        stage.wait_for("TradingAllowed", ("False", "JournalUnavailable"), "keeper")
        eventually(lambda: "database" in _no_messages(stage, "teller"))
        for name in ("thief", "sharer"):
            stage.wait_for("StorageReady", ("False", "ClaimForeign"), name)
        study = resources.training("study", storage={"existingClaim": "database"})
        author.create(study, stage.namespace)
        eventually(lambda: _storage_of(api, stage.namespace, "study") == "ClaimForeign")
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), "victim")
        stage.wait_for("InferenceScheduled", ("False", "ChildRefused"), "taken")
        used = {(n, v) for p in _templates(stage) for n, v in _sources(p)}
        assert ("persistentVolumeClaim", "database") not in used
        assert ("secret", "database") not in used
        assert not _pods_of(stage, "thief", "sharer", "reader")
        after = api.request("GET", f"{cron_jobs}/taken-infer")
        assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
        marked = {"metadata": {"labels": {"botcripto.io/adopt": "allowed"}}}
        api.request("PATCH", f"{space}/persistentvolumeclaims/database", marked, MERGE)
        stage.wait_for("StorageReady", ("True", "ClaimBound"), "thief")


@pytest.mark.timeout(150)
def test_pods_are_restricted_tracked_by_nobody_and_within_quota(stage: Stage, author: Api) -> None:
    api, space = stage.api, f"/api/v1/namespaces/{stage.namespace}"
    api.request("PATCH", space, {"metadata": {"labels": RESTRICTED_LABELS}}, MERGE)
    quota = {"metadata": {"name": "quota"}, "spec": {"hard": QUOTA}}
    api.request("POST", f"{space}/resourcequotas", quota)
    eventually(lambda: api.request("GET", f"{space}/resourcequotas/quota")["status"].get("hard"))
    ranges = {"metadata": {"name": "range"}, "spec": {"limits": [LIMIT_RANGE]}}
    api.request("POST", f"{space}/limitranges", ranges)
    bot = resources.bot(timeframe="1m", storage={"storageClassName": STORAGE_CLASS})
    bot["metadata"] |= {"labels": TRACKING, "annotations": {**TRACKING, "example.com/x": "y"}}
    bot["spec"]["pod"] = {"labels": {"example.com/team": "quants"}}
    stage.add_volume("btc-paper", reserved=True)
    with stage.kubelet, running(stage.operator):
        author.create(bot, stage.namespace)
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        stage.fire()
        stage.wait_for("Ready", ("True", "BotReady"))
    for child in _children(stage):
        marks = {**child["metadata"].get("labels", {}), **child["metadata"].get("annotations", {})}
        assert not marks.keys() & {*TRACKING, "example.com/x"}, child["metadata"]["name"]
    pods = stage.list("/api/v1:pods")
    assert len(pods) == 6
    for pod in pods:
        assert pod["metadata"]["labels"]["example.com/team"] == "quants"
        assert pod["spec"]["serviceAccountName"] == "default"
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert {kind for kind, _ in _sources(pod)} <= {
            "configMap", "persistentVolumeClaim", "emptyDir"
        }  # fmt: skip


def _claim(name: str) -> Object:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": STORAGE_CLASS,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"metadata": {"name": name}, "spec": spec}


def _cron_job(name: str) -> Object:
    container = {"name": "backup", "image": "example.org/backup:1"}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {"spec": {"template": {"spec": pod}}}
    return {"metadata": {"name": name}, "spec": {"schedule": "0 0 1 1 *", "jobTemplate": job}}


def _no_messages(stage: Stage, name: str) -> str:
    """Return why the status says that a bot sends no messages."""
    conditions = stage.status(name).get("conditions", ())
    trading = next((c["message"] for c in conditions if c["type"] == "TradingAllowed"), "")
    return str(trading.partition("no messages: ")[2])


def _storage_of(api: Api, namespace: str, training: str) -> str:
    conditions = api.get("ModelTraining", training, namespace)["status"]["conditions"]
    return str(next(c["reason"] for c in conditions if c["type"] == "StorageReady"))


def _children(stage: Stage) -> Iterator[Object]:
    for path in (
        "/api/v1:pods",
        "/api/v1:persistentvolumeclaims",
        "/apis/batch/v1:jobs",
        "/apis/batch/v1:cronjobs",
        "/apis/botcripto.io/v1alpha1:modeltrainings",
    ):
        yield from stage.list(path)


def _templates(stage: Stage) -> Iterator[Object]:
    """Yield everything that has or makes pods."""
    yield from stage.list("/api/v1:pods")
    for job in stage.list("/apis/batch/v1:jobs"):
        yield job["spec"]["template"]
    for cron_job in stage.list("/apis/batch/v1:cronjobs"):
        yield cron_job["spec"]["jobTemplate"]["spec"]["template"]


def _pods_of(stage: Stage, *bots: str) -> list[str]:
    found = stage.list("/api/v1:pods")
    return [p["metadata"]["name"] for p in found
            if p["metadata"].get("labels", {}).get("botcripto.io/bot") in bots]  # fmt: skip


def _sources(pod: Object) -> Iterator[tuple[str, str]]:
    """Yield kind and name of what a pod mounts."""
    for volume in pod["spec"].get("volumes", ()):
        kind = next(key for key in volume if key != "name")
        content = volume[kind]
        name = next((content[k] for k in ("claimName", "secretName", "name") if k in content), "")
        yield kind, str(name)
