"""What a node and a scheduler do to a bot's pods, and what becomes of the training."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot_runtime.contract.names import LABEL_STEP, LABEL_TRAINING
from tests.cluster import buildah, transfer
from tests.cluster import images as builds
from tests.cluster.cluster import Cluster
from tests.e2e.world import Object, World
from tests.eventually import eventually

EPOCHS = 10
PATIENT_TFT = {
    "candidates": ["TemporalFusionTransformer"],
    "encoderLength": 24,
    "temporalFusionTransformer": {
        "hiddenSize": 8,
        "maxEpochs": EPOCHS,
        "maxStepsPerEpoch": 120,
        "batchSize": 64,
    },
}
DOCKERFILE = """
FROM {image} AS crashing
COPY bot_runtime /crashing/bot_runtime
WORKDIR /crashing
"""


@pytest.fixture
def crashing_image(world: World, cluster: Cluster, tmp_path: Path) -> Iterator[str]:
    """An image whose program reads where there is no memory."""
    package, dockerfile = tmp_path / "bot_runtime", tmp_path / "Dockerfile"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import ctypes\nctypes.string_at(0)\n")
    dockerfile.write_text(DOCKERFILE.format(image=world.images.inference))
    name = f"{builds.REGISTRY}/crashing:1.0.0"
    with buildah.exclusive(print):
        buildah.build(buildah.Build(dockerfile, "crashing", {}, name), tmp_path, print)
        transfer.import_image(cluster, name)
        buildah.remove(name)
    yield name
    transfer.remove_image(cluster, name)


def test_a_pod_that_no_node_has_room_for_is_told_with_what_is_missing(world: World) -> None:
    bot = "too-large"
    amounts = {"cpu": "500", "memory": "256Mi"}
    world.apply(world.bot(bot, training={"resources": {"requests": amounts, "limits": amounts}}))
    failure = eventually(lambda: world.last_failure(bot), timeout=60)
    assert failure["class"] == "Unschedulable", failure
    assert "Insufficient cpu" in failure["message"]
    assert failure["retryable"] is True
    world.delete("tradingbot", bot)


def test_a_volume_that_its_node_cannot_mount_is_told_in_the_kubelets_words(world: World) -> None:
    bot = "no-mount"
    world.apply(*_volume_without_a_folder(bot))
    world.apply(world.bot(bot, storage={"storageClassName": bot}))
    failure = eventually(lambda: world.last_failure(bot), timeout=90)
    assert failure["class"] == "Storage", failure
    assert "FailedMount" in failure["message"]
    assert "does not exist" in failure["message"]
    world.delete("tradingbot", bot)
    world.kubectl("delete", "persistentvolume,storageclass", bot)


def test_a_program_that_ends_by_a_signal_is_told_by_its_name(
    world: World, crashing_image: str
) -> None:
    bot = "crashing"
    world.apply(world.bot(bot, images={"training": crashing_image}))
    failure = eventually(lambda: world.last_failure(bot), timeout=120)
    assert failure["class"] == "Crash", failure
    assert (failure["exitCode"], failure["signal"]) == (139, 11)
    assert "SIGSEGV" in failure["message"]
    world.delete("tradingbot", bot)


def test_an_evicted_fit_is_shown_on_its_way_and_goes_on_where_it_was(world: World) -> None:
    bot = "evicted"
    world.apply(world.bot(bot, "sequence", model=PATIENT_TFT))
    training = eventually(
        lambda: world.status(bot).get("candidateTraining", {}).get("name"), timeout=60
    )
    shown = eventually(
        lambda: (told := _step(world, training, "Trend")["progress"])["percent"] and told,
        timeout=120,
    )
    assert shown["epochs"] == EPOCHS
    assert "estimatedCompletionTime" in shown
    pod = _pods(world, training, "Trend")[0]["metadata"]["name"]
    _evict(world, pod)
    second = eventually(
        lambda: next(
            name
            for found in _pods(world, training, "Trend")
            if (name := found["metadata"]["name"]) != pod
        ),
        timeout=60,
    )
    eventually(
        lambda: (
            "taken up where it was interrupted"
            in world.kubectl("logs", second, f"--namespace={world.namespace}")
        ),
        timeout=120,
    )
    eventually(lambda: _step(world, training, "Trend")["state"] == "Succeeded", timeout=240)
    world.delete("tradingbot", bot)


def _step(world: World, training: str, name: str) -> Object:
    steps: list[Object] = world.status(training, "modeltraining")["steps"]
    return next(step for step in steps if step["name"] == name)


def _pods(world: World, training: str, step: str) -> list[Object]:
    return world.all("pods", f"{LABEL_TRAINING}={training},{LABEL_STEP}={step}")


def _evict(world: World, pod: str) -> None:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": world.namespace},
    }
    path = f"/api/v1/namespaces/{world.namespace}/pods/{pod}/eviction"
    world.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def _volume_without_a_folder(name: str) -> tuple[Object, Object]:
    """Return a StorageClass and its one volume, whose folder no node has."""
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "kubernetes.io/no-provisioner",
    }
    term = {
        "matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]
    }
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "100Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": "/nowhere/botcripto"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        },
    }
    return storage_class, volume
