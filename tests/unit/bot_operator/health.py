"""Held after every write of every test: no tool sees `Current` while work is outstanding."""

from collections.abc import Iterable
from typing import Any

from bot_operator.api.resources import Manifest, controller_uid, uid_of
from bot_operator.planning.specs import Training
from bot_runtime.contract.runconfig import training_digest
from tests.kstatus import kstatus


def check_health(objects: Iterable[Manifest]) -> None:
    """Assert for every bot and training of ours: Current means that its spec is what runs."""
    everything = list(objects)
    for owner in everything:
        if owner["kind"] == "TradingBot" and _is_current(owner):
            assert _outstanding(owner, everything) == [], owner["status"]
        if owner["kind"] == "ModelTraining" and _is_current(owner):
            assert owner["status"]["state"] in {"Promoted", "Rejected"}, owner["status"]


def _is_current(owner: Manifest) -> bool:
    status = owner.get("status") or {}
    if not isinstance(status, dict):
        return False  # written by hand, and refused by the API server
    # The default of the CRD, with which every object begins.
    return kstatus({**owner, "status": {"observedGeneration": -1, **status}}) == "Current"


def _outstanding(bot: Manifest, everything: list[Manifest]) -> list[str]:
    """Return what the bot's present spec still asks for; a suspended one asks for nothing."""
    spec, status = bot["spec"], bot["status"]
    if spec.get("suspend"):
        return []
    found = []
    if "activeModel" not in status:
        found.append("no version is active")
    if not status.get("signals"):
        found.append("no decision was seen")
    if not spec.get("model", {}).get("pinnedVersion"):
        found.extend(_trainings_outstanding(bot, everything))
    return found


def _trainings_outstanding(bot: Manifest, everything: list[Manifest]) -> list[str]:
    """Return unfinished trainings of what no ended one has learned: a repetition is no debt."""
    owned = [
        o for o in everything if o["kind"] == "ModelTraining" and controller_uid(o) == uid_of(bot)
    ]
    learned = {_digest(t) for t in owned if _status(t).get("version")}
    return [
        f"training {t['metadata']['name']}"
        for t in owned
        if not _status(t).get("completionTime") and _digest(t) not in learned
    ]


def _status(training: Manifest) -> dict[str, Any]:
    return training.get("status") or {}


def _digest(training: Manifest) -> str:
    spec = Training(training).spec
    return spec if isinstance(spec, str) else training_digest(spec)
