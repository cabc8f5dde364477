"""What can go wrong with a bot's pods, and what its status says of it."""

import pytest

from tests.cluster.errors import ClusterError
from tests.e2e import hand_runs
from tests.e2e.world import World
from tests.eventually import eventually


def test_an_image_that_cannot_be_pulled_is_named(world: World) -> None:
    bot = "no-image"
    image = "localhost/botcripto/absent:1.0.0"
    world.apply(world.bot(bot, images={"training": image}))
    eventually(
        lambda: world.condition(bot, "Stalled").get("reason") == "ImagePullFailed", timeout=90
    )
    assert image in world.condition(bot, "Stalled")["message"]
    assert world.condition(bot, "Reconciling")["status"] == "False"
    world.delete("tradingbot", bot)


def test_a_storage_class_that_does_not_exist_is_named_and_heals(world: World) -> None:
    bot = "no-class"
    world.apply(world.bot(bot, storage={"storageClassName": "absent"}))
    eventually(lambda: world.condition(bot, "StorageReady")["status"] == "False", timeout=90)
    assert "absent" in world.condition(bot, "StorageReady")["message"]
    world.apply(world.bot(bot, storage={"storageClassName": "standard"}))
    eventually(lambda: world.condition(bot, "StorageReady")["status"] == "True", timeout=120)
    world.delete("tradingbot", bot)


def test_training_out_of_memory_is_told_with_its_limit(world: World) -> None:
    bot = "small"
    limits = {"requests": {"memory": "24Mi"}, "limits": {"cpu": "1", "memory": "24Mi"}}
    world.apply(world.bot(bot, training={"resources": limits}))
    failure = eventually(lambda: world.last_failure(bot), timeout=180)
    assert failure["class"] == "OutOfMemory", failure
    assert "memory" in failure["message"]
    world.delete("tradingbot", bot)


def test_an_exchange_that_cannot_be_reached_is_told_and_tried_again(world: World) -> None:
    bot = "no-exchange"
    closed = world.endpoints["trees"].rsplit(":", 1)[0] + ":9"
    world.apply(world.bot(bot, exchange={"endpoint": closed}))
    failure = eventually(lambda: world.last_failure(bot), timeout=240)
    assert failure["class"] == "Exchange", failure
    assert failure["retryable"] is True
    assert world.condition(bot, "Ready")["status"] == "False"
    world.delete("tradingbot", bot)


def test_too_few_candles_say_how_many_are_needed(world: World) -> None:
    bot = "short"
    world.apply(world.bot(bot, training={"lookback": "30m"}))
    failure = eventually(lambda: world.last_failure(bot), timeout=120)
    assert failure["class"] == "Data", failure
    assert "candles" in failure["message"]
    world.delete("tradingbot", bot)


def test_a_wrong_key_is_refused_by_preflight_and_never_shown(world: World) -> None:
    bot, secret = "wrong-key", "wrong-keys"
    world.create_secret(secret, apiKey="a" * 64, apiSecret="b" * 64)
    world.apply(world.bot(bot, exchange={"credentialsSecret": secret}))
    failure = eventually(lambda: world.last_failure(bot), timeout=120)
    assert failure["class"] == "Credentials", failure
    assert "b" * 64 not in world.diagnose()
    assert "a" * 64 not in world.diagnose()
    world.delete("tradingbot", bot)


def test_a_market_of_pure_noise_is_rejected_with_the_numbers(world: World) -> None:
    bot = "noise"
    world.apply(world.bot(bot, "noise"))
    eventually(
        lambda: world.condition(bot, "ModelAvailable").get("reason") == "NotBetterThanNaive",
        timeout=240,
    )
    assert world.condition(bot, "Ready")["status"] == "False"
    training = world.status(bot)["candidateTraining"]["name"]
    promoted = world.condition(training, "Promoted", "modeltraining")
    assert promoted["status"] == "False"
    assert any(c.isdigit() for c in promoted["message"])
    assert world.get("cronjob", f"{bot}-infer") is None
    world.delete("tradingbot", bot)


@pytest.mark.parametrize(
    "missing", ["runAsNonRoot", "allowPrivilegeEscalation", "seccompProfile", "capabilities"]
)
def test_the_namespace_refuses_a_pod_with_one_field_missing(world: World, missing: str) -> None:
    context = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "allowPrivilegeEscalation": False,
        "seccompProfile": {"type": "RuntimeDefault"},
        "capabilities": {"drop": ["ALL"]},
    }
    del context[missing]
    container = {"name": "x", "image": world.images.inference, "securityContext": context}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "open", "namespace": world.namespace},
        "spec": {"containers": [container]},
    }
    with pytest.raises(ClusterError, match=f"violates PodSecurity.*{missing}"):
        world.apply(pod)


def test_a_corrupt_artifact_is_refused_and_the_last_signal_stays_marked_stale(
    world: World,
) -> None:
    bot = "corrupt"
    world.apply(world.bot(bot, inference={"deadlineSeconds": 20}))
    world.wait(bot, "InferenceScheduled", 240)
    hand_runs.begin(world, bot, "first")
    world.wait(bot, "Ready", 60)
    signal = world.status(bot)["lastSignal"]
    _truncate_models(world, bot, signal["modelVersion"])
    eventually(lambda: world.condition(bot, "SignalFresh")["status"] == "False", timeout=300)
    status = world.status(bot)
    assert status["lastFailure"]["class"] == "Artifact", status["lastFailure"]
    assert status["lastSignal"]["modelVersion"] == signal["modelVersion"]
    world.delete("tradingbot", bot)


def _truncate_models(world: World, bot: str, version: str) -> None:
    """Shorten the version's files from a pod that mounts the store, as a failing disk would."""
    script = (
        "import pathlib\n"
        f"for f in pathlib.Path('/store/versions/{version}').glob('*.onnx'):\n"
        "    f.chmod(0o644); f.write_bytes(f.read_bytes()[:-7])\n"
    )
    name = f"{bot}-vandal"
    security = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "vandal",
        "image": world.images.inference,
        "command": ["python", "-c", script],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "store", "mountPath": "/store"}],
    }
    volume = {"name": "store", "persistentVolumeClaim": {"claimName": f"{bot}-store"}}
    world.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": world.namespace},
            "spec": {
                "restartPolicy": "Never",
                "securityContext": security,
                "containers": [container],
                "volumes": [volume],
            },
        }
    )
    world.kubectl(
        "wait", f"pod/{name}", f"--namespace={world.namespace}", "--timeout=60s",
        "--for=jsonpath={.status.phase}=Succeeded", timeout=70,
    )  # fmt: skip
    world.delete("pod", name)
