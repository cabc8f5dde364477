"""Volumes of the cluster: shared by pods of a group, emptied and offered again."""

import json
from collections.abc import Iterator

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.install import create_namespace
from tests.e2e.world import World
from tests.eventually import eventually

NAMESPACE = "botcripto-volumes"

CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "namespace": NAMESPACE},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
WRITE = """
import os, pathlib, time
me = pathlib.Path("/data") / os.environ["HOSTNAME"]
me.write_text("here")
deadline = time.monotonic() + 60
while len(list(me.parent.iterdir())) < 3 and time.monotonic() < deadline:
    time.sleep(0.1)
print(sorted(p.stat().st_gid for p in me.parent.iterdir()))
"""


def job(image: str) -> dict[str, object]:
    """Return a Job of three restricted pods that wait for each other's files on one volume."""
    container = {
        "name": "write",
        "image": image,
        "command": ["python", "-c", WRITE],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "containers": [container],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "writers", "namespace": NAMESPACE},
        "spec": {
            "parallelism": 3,
            "completions": 3,
            "backoffLimit": 0,
            "template": {"spec": pod},
        },
    }


@pytest.fixture(autouse=True)
def namespace(cluster: Cluster) -> Iterator[None]:
    create_namespace(cluster.kubectl, NAMESPACE)
    yield
    cluster.kubectl("delete", "namespace", NAMESPACE, timeout=90)


def test_three_pods_share_a_claim_whose_volume_is_used_again(
    cluster: Cluster, world: World
) -> None:
    kubectl = cluster.kubectl
    for item in (CLAIM, job(world.images.exchange)):
        kubectl("create", "--filename=-", stdin=json.dumps(item))
    here = f"--namespace={NAMESPACE}"
    kubectl("wait", "--for=condition=Complete", "job/writers", here, "--timeout=90s", timeout=100)
    logs = kubectl("logs", "--selector=job-name=writers", here)
    assert logs.splitlines() == ["[10001, 10001, 10001]"] * 3

    name = kubectl("get", "pvc/data", here, "--output=jsonpath={.spec.volumeName}")
    folder = cluster.layout.volumes / name
    assert len(list(folder.iterdir())) == 3
    kubectl("delete", "job/writers", "pvc/data", here, timeout=90)
    phase = "--output=jsonpath={.status.phase}"
    eventually(lambda: kubectl("get", f"pv/{name}", phase) == "Released")

    assert cluster.recycle_volumes() >= 1

    eventually(lambda: kubectl("get", f"pv/{name}", phase) == "Available")
    assert list(folder.iterdir()) == []
