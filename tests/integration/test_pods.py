"""What a bot's author chooses of the pods is what the real API server stores of every pod."""

from collections.abc import Iterator
from contextlib import suppress

from bot_runtime.contract.names import TELEGRAM_PATH, TRADE_CONTAINER_NAME
from bot_runtime.contract.steps import TRAINING_STEPS
from bot_runtime.contract.telegram_secret import TELEGRAM_SECRET
from tests.eventually import eventually
from tests.integration.api import MERGE, Refused
from tests.integration.operator_process import running
from tests.integration.stage import Object, Stage
from tests.telegram_server import CHAT, TOKEN

PRIORITY_CLASS = "trading-test"
CHOSEN: Object = {
    "labels": {"example.com/team": "quant"},
    "nodeSelector": {"example.com/pool": "trading"},
    "tolerations": [{"key": "example.com/pool", "operator": "Equal", "value": "trading",
                     "effect": "NoSchedule"}],
    "priorityClassName": PRIORITY_CLASS,
    "proxy": "http://proxy.example.com:3128",
    "noProxy": [".example.com"],
    "caConfigMap": "roots",
    "imagePullSecrets": ["registry", "mirror"],
}  # fmt: skip
TRAINING = {"requests": {"cpu": "300m", "memory": "600Mi"}, "limits": {"memory": "3Gi"}}
INFERENCE = {"requests": {"cpu": "70m", "memory": "200Mi"}, "limits": {"memory": "400Mi"}}
TRADE = {"requests": {"cpu": "60m", "memory": "190Mi"}, "limits": {"memory": "350Mi"}}
_SILENT = "NotificationsUnavailable"
EXCHANGE = {"id": "binance", "credentialsSecret": "keys"}


def test_every_pod_is_placed_and_reaches_out_as_its_bot_says(stage: Stage) -> None:
    """Trainings, their preflight and inference alike; nothing is left to the defaults."""
    _add_priority_class(stage)
    stage.add_secret("keys", {"apiKey": "k" * 24, "apiSecret": "s" * 24})
    with stage.kubelet, running(stage.operator):
        stage.add_bot(
            pod=CHOSEN,
            exchange=EXCHANGE,
            training={"resources": TRAINING},
            inference={"schedule": "0 0 1 1 *", "resources": INFERENCE},
            execution={"resources": TRADE},
        )
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        eventually(lambda: stage.list("/apis/batch/v1:cronjobs"))
        stage.fire()
        stage.wait_for("SignalFresh", ("True", "SignalReceived"))

    pods = stage.list("/api/v1:pods")
    steps = {pod["metadata"]["labels"].get("botcripto.io/step", "Inference") for pod in pods}
    assert steps == {*TRAINING_STEPS, "Inference"}
    for pod in pods:
        _assert_placed(pod)
        for container in _containers(pod):
            _assert_reaches_out(container, pod)
            _assert_holds(container["resources"], _wanted(pod, container))
    preflights = [pod["metadata"]["name"] for pod in pods if "initContainers" in pod["spec"]]
    assert len(preflights) == 1


def test_a_chat_is_told_by_the_container_that_trades_and_a_wrong_secret_keeps_it_trading(
    stage: Stage,
) -> None:
    values = {"token": f"bot{TOKEN}", "chatId": CHAT}
    stage.add_secret("telegram", values, TELEGRAM_SECRET.type)
    with stage.kubelet, running(stage.operator):
        stage.add_bot(notifications={"secret": "telegram"}, inference={"schedule": "0 0 1 1 *"})
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        eventually(lambda: stage.list("/apis/batch/v1:cronjobs"))
        stage.fire()
        stage.wait_for("TradingAllowed", ("True", "EntriesAllowed"))
        assert _tellers(stage) == []
        told = [e["message"] for e in stage.list("/api/v1:events") if e["reason"] == _SILENT]
        conditions = stage.status()["conditions"]
        told += [c["message"] for c in conditions if c["type"] == "TradingAllowed"]
        assert len(told) == 2
        for message in told:
            assert "token: no token of a Telegram bot; copy it from BotFather" in message
            assert """--from-literal=token="$TELEGRAM_TOKEN" --from-literal=chatId""" in message
            assert TOKEN[11:] not in message
        path = f"/api/v1/namespaces/{stage.namespace}/secrets/telegram"
        stage.api.request("PATCH", path, {"stringData": {"token": TOKEN}}, MERGE)
        stage.wake()
        eventually(lambda: _tellers(stage) == ["trade"])
        stage.fire()
        stage.wait_for("SignalFresh", ("True", "SignalReceived"))


def _tellers(stage: Stage) -> list[str]:
    """Return which containers of the CronJob have the secret of the chat."""
    (cron_job,) = stage.list("/apis/batch/v1:cronjobs")
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    mounts = {c["name"]: [m["mountPath"] for m in c["volumeMounts"]] for c in pod["containers"]}
    return [name for name, paths in mounts.items() if TELEGRAM_PATH in paths]


def _add_priority_class(stage: Stage) -> None:
    path = "/apis/scheduling.k8s.io/v1/priorityclasses"
    with suppress(Refused):  # an earlier test of this control plane has made it
        body = {"metadata": {"name": PRIORITY_CLASS}, "value": 1000}
        stage.api.request("POST", path, body)


def _assert_placed(pod: Object) -> None:
    spec = pod["spec"]
    assert pod["metadata"]["labels"]["example.com/team"] == "quant"
    assert spec["nodeSelector"] == CHOSEN["nodeSelector"]
    assert CHOSEN["tolerations"][0] in spec["tolerations"]
    assert (spec["priorityClassName"], spec["priority"]) == (PRIORITY_CLASS, 1000)
    assert spec["imagePullSecrets"] == [{"name": "registry"}, {"name": "mirror"}]


def _assert_reaches_out(container: Object, pod: Object) -> None:
    variables = {item["name"]: item.get("value") for item in container["env"]}
    assert variables["HTTPS_PROXY"] == variables["HTTP_PROXY"] == CHOSEN["proxy"]
    assert variables["NO_PROXY"] == ".example.com"
    mounted = {m["mountPath"]: m["name"] for m in container["volumeMounts"] if m.get("readOnly")}
    folder, _, key = variables["REQUESTS_CA_BUNDLE"].rpartition("/")
    volume = next(v for v in pod["spec"]["volumes"] if v["name"] == mounted[folder])
    assert volume["configMap"]["name"] == "roots"
    assert [item["path"] for item in volume["configMap"]["items"]] == [key]


def _wanted(pod: Object, container: Object) -> Object:
    """Return the resources that the spec asks for."""
    if "botcripto.io/step" in pod["metadata"]["labels"]:
        return TRAINING
    return TRADE if container["name"] == TRADE_CONTAINER_NAME else INFERENCE


def _containers(pod: Object) -> Iterator[Object]:
    yield from pod["spec"].get("initContainers", ())
    yield from pod["spec"]["containers"]


def _assert_holds(found: Object, wanted: Object) -> None:
    for kind, amounts in wanted.items():
        assert {name: found[kind][name] for name in amounts} == amounts, kind
