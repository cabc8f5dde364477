"""The whole life of one bot, told by its user; and what must be there at its end."""

from contextlib import suppress
from typing import Any

from tests.eventually import eventually
from tests.integration.api import Refused
from tests.integration.operator_process import Calls
from tests.integration.stage import Stage

BOT = "btc-paper"
PATIENCE_SECONDS = 60.0
KINDS = (
    "/apis/botcripto.io/v1alpha1:tradingbots",
    "/apis/botcripto.io/v1alpha1:modeltrainings",
    "/apis/batch/v1:jobs",
    "/apis/batch/v1:cronjobs",
    "/api/v1:configmaps",
    "/api/v1:persistentvolumeclaims",
)


def tell(stage: Stage, patience: float = PATIENCE_SECONDS) -> dict[str, Any]:
    """Create, train, change, suspend, resume and fire a bot; return what is there at the end."""
    stage.add_bot(BOT, inference={"schedule": "0 0 1 1 *"})
    stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), BOT, patience)
    stage.change_bot(BOT, {"decision": {"probMin": 0.61}})
    eventually(lambda: len(_run_configurations(stage)) == 2, timeout=patience)
    stage.change_bot(BOT, {"suspend": True})
    stage.wait_for("Ready", ("True", "Suspended"), BOT, patience)
    stage.change_bot(BOT, {"suspend": False})
    eventually(lambda: not _cron_job(stage)["spec"]["suspend"], timeout=patience)
    stage.fire(BOT)
    stage.wait_for("Ready", ("True", "BotReady"), BOT, patience)
    return ending(stage)


def ending(stage: Stage) -> dict[str, Any]:
    """Return what must be the same whatever has happened on the way."""
    status = stage.status(BOT)
    training = stage.list(KINDS[1])[0]["status"]
    names = [
        f"{kind.split(':')[1]}/{o['metadata']['name']}"
        for kind in KINDS
        for o in stage.list(kind)
        if "-by-hand-" not in o["metadata"]["name"]
    ]
    return {
        "model": status["activeModel"]["version"],
        "state": status["state"],
        "conditions": _conditions(status),
        "training": (training["state"], _conditions(training)),
        "steps": [(s["name"], s["state"]) for s in training["steps"]],
        "cron job": _cron_job(stage)["spec"],
        "objects": sorted(names),
    }


def forget(stage: Stage) -> None:
    """Delete the bot and wait until nothing of it is left, so that the story can be told again."""
    root = "/apis/botcripto.io/v1alpha1"
    stage.api.request("DELETE", f"{root}/namespaces/{stage.namespace}/tradingbots/{BOT}")
    volume = f"/api/v1/persistentvolumes/{stage.namespace}-{BOT}"

    def nothing_left() -> bool:
        left = [
            o["metadata"]["name"]
            for kind in (*KINDS, "/api/v1:pods")
            for o in stage.list(kind)
            if o["metadata"]["name"] != "kube-root-ca.crt"
        ]
        assert left == []
        return True

    eventually(nothing_left, timeout=PATIENCE_SECONDS)
    with suppress(Refused):
        stage.api.request("DELETE", volume)

    def volume_is_gone() -> bool:
        with suppress(Refused):
            stage.api.request("GET", volume)
            return False
        return True

    eventually(volume_is_gone)


def assert_each_job_once(calls: Calls, before: int = 0) -> None:
    """Hold the audit log to five Jobs, none twice, from its entry number `before` on."""
    created = calls.created_jobs()[before:]
    assert len(created) == len(set(created)) == 5, created


def _conditions(status: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


def _cron_job(stage: Stage) -> dict[str, Any]:
    return stage.list("/apis/batch/v1:cronjobs")[0]


def _run_configurations(stage: Stage) -> list[str]:
    names = [c["metadata"]["name"] for c in stage.list("/api/v1:configmaps")]
    return [n for n in names if n.startswith(f"{BOT}-run-")]
