"""A bot trades on paper for hours, disturbed; a line a minute tells of it, and all is kept."""

import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from bot_runtime.contract.names import LABEL_BOT
from tests.cluster import binaries, lifecycle, packages
from tests.cluster import cluster as clusters
from tests.cluster import images as builds
from tests.cluster.audit import read_calls
from tests.cluster.cluster import Cluster, Options
from tests.cluster.errors import ClusterError
from tests.cluster.install import ExchangeKeys
from tests.e2e import journals, world
from tests.e2e.hand_runs import has_ended
from tests.e2e.world import Object, World
from tests.eventually import eventually
from tests.hours import judging
from tests.hours.disturbances import Disturber

CLUSTER, NAMESPACE, BOT = "paper-hours", "botcripto-hours", "hours"
MINUTE = 60
SAVED_EVERY = 10
"""Minutes between two copies of the journal."""
LOOK_AT_SECOND = 45
"""Of a minute: the run of its candle has mostly ended."""
DEADLINE_SECONDS = 50
MACHINE_OFF = "machine off"
TRUE_IS_BAD = frozenset({"Degraded", "Reconciling", "Stalled"})
"""Conditions of a bot that are False while all is well."""
SPEC: Object = {
    "capital": "1000",
    "inference": {"schedule": "* * * * *", "deadlineSeconds": DEADLINE_SECONDS},
    "model": {"horizonSteps": 2},
    "training": {"gate": {"mode": "Off"}},
    # Low costs and small hopes make it trade often; its losses stop it for a while, not for good.
    "decision": {
        "riskMax": 1, "probMin": 0.5, "minExpectedReturn": 0, "feesBps": 1, "slippageBps": 1,
    },
    "regimes": [{"name": "CRISIS_HIGH_VOL"}],
    "risk": {
        "takeProfit": {"volatilities": 0.5},
        "dailyLossCap": 0.5,
        "weeklyLossCap": 0.6,
        "maxDrawdown": 0.7,
    },
    "execution": {"paperFills": "NextOpen", "deadlineSeconds": DEADLINE_SECONDS},
}  # fmt: skip

log = logging.getLogger("hours")


def run(folder: Path, hours: float) -> int:
    """Let a bot trade for hours and return what its judge says: 0 where all is as it should be.

    Hours that were cut off, by a machine that was switched off too, go on where they ended.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _log_to(folder / "hours.log")
    packages.ensure(log.info)
    binaries.ensure(binaries.CONTROL_PLANE + binaries.NODE, log.info)
    passing = _go_on(folder) or _begin(folder, hours)
    passing.pass_by()
    cluster = passing.cluster
    verdict = judging.judge(folder, cluster)
    if os.environ.get("KEEP_CLUSTER") != "1":
        lifecycle.down(log.info, CLUSTER)
    return verdict


def _begin(folder: Path, hours: float) -> "Hours":
    """Install everything anew, and make the bot."""
    cluster = lifecycle.up(Options(CLUSTER), log.info)
    commit = builds.git_commit()
    images = builds.ensure(cluster, log.info, commit, targets=builds.WITHOUT_TORCH)
    market = {"trees": world.MARKETS["trees"]}
    found = world.install(cluster, NAMESPACE, images, market)
    found.apply(found.bot(BOT, **SPEC))
    found.wait(BOT, "ModelAvailable", 900)
    found.wait(BOT, "InferenceScheduled", 120)
    record = {
        "hours": hours, "commit": commit, "namespace": NAMESPACE, "bot": BOT,
        "images": asdict(images), "endpoints": found.endpoints,
        "audit_log": str(found.audit_log), "begun": time.time(), "spans": [],
        "done": [], "errors": 0,
    }  # fmt: skip
    return Hours(cluster, found, folder, record)


def _go_on(folder: Path) -> "Hours | None":
    """Return the hours that were cut off, with their cluster up again; None where there are none.

    That the machine was off in between is a disturbance like another.
    """
    kept, cluster = folder / "record.json", clusters.find(CLUSTER)
    record: dict[str, Any] = json.loads(kept.read_text()) if kept.is_file() else {"ended": 0}
    if "ended" in record or cluster is None:
        return None
    was_on = clusters.is_whole(cluster)
    cluster = lifecycle.resume(log.info, CLUSTER)
    # Another cluster may have had the image store in between.
    images = builds.ensure(cluster, log.info, record["commit"], targets=builds.WITHOUT_TORCH)
    if asdict(images) != record["images"]:
        raise ClusterError("the files have changed since the hours began: begin anew")
    if not was_on:
        record["done"].append(
            {"name": MACHINE_OFF, "from": record["spans"][-1][1], "to": time.time(), "error": ""}
        )
    # Its keys are gone with the process that made them; a bot on paper needs none.
    found = World(
        cluster.kubectl, NAMESPACE, images, ExchangeKeys.generate(),
        record["endpoints"], cluster.audit_log,
    )  # fmt: skip
    return Hours(cluster, found, folder, record)


class Hours:
    """The hours of one bot."""

    def __init__(
        self, cluster: Cluster, found: World, folder: Path, record: dict[str, Any]
    ) -> None:
        """Begin nothing yet."""
        self.cluster = cluster
        self._writing = Lock()
        self._world = found
        self._folder = folder
        self._record = record
        self._seconds = record["hours"] * 3600
        self._passed = sum(to - begun for begun, to in record["spans"])
        done = [one for one in record["done"] if one["name"] != MACHINE_OFF]
        self._todo = Disturber(cluster, found, BOT).plan()[len(done) :]

    def pass_by(self) -> None:
        """Let the hours pass that are left, and keep what there is at their end."""
        now = time.time()
        begun = now - self._passed  # were it one span
        self._record["spans"].append([now, now])
        until = self._record["until"] = begun + self._seconds
        self._write_record()
        log.info("%.0f minutes are over; until %s", self._passed / MINUTE, _clock(until))
        with ThreadPoolExecutor(1) as hand:
            minute = 0
            while time.time() < until:
                while self._todo and time.time() >= begun + self._todo[0].at * self._seconds:
                    disturbance = self._todo.pop(0)
                    hand.submit(self._try, disturbance.name, disturbance.do, noted=True)
                time.sleep(5)
                if time.time() // MINUTE > minute and time.time() % MINUTE >= LOOK_AT_SECOND:
                    minute = int(time.time() // MINUTE)
                    self._record["spans"][-1][1] = time.time()
                    self._try("look", self._look)
                    self._write_record()
                    if minute % SAVED_EVERY == 0:
                        self._try("save", self._save)
        self._try("end", self._end)

    def _end(self) -> None:
        self._world.apply(self._world.bot(BOT, **SPEC, suspend=True))
        time.sleep(5)  # what was about to begin has begun
        eventually(self._is_quiet, timeout=3 * MINUTE, every=2)
        self._save()
        self._try("store", self._keep_store)
        self._record["ended"] = time.time()
        self._write_record()

    def _try(self, name: str, do: Callable[[], None], *, noted: bool = False) -> None:
        """Do something; that it failed is logged and counted, and the hours go on."""
        began = time.time()
        if noted:
            log.info("DISTURBANCE %s", name)
        try:
            do()
            error = ""
        except Exception as e:
            error = f"{type(e).__name__}: {e}"
            log.exception("ERROR %s", name)
            self._record["errors"] += 1
        if noted:
            log.info("DISTURBANCE %s: done after %.1f s", name, time.time() - began)
            done = {"name": name, "from": began, "to": time.time(), "error": error}
            self._record["done"].append(done)
        if noted or error:
            self._write_record()

    def _look(self) -> None:
        """Log how the bot stands."""
        status = self._world.status(BOT)
        trading = status.get("trading", {})
        signal: Object = next(iter(status.get("signals", [])), {})
        totals = trading.get("totals", {})
        pods, jobs = self._world.pods_of(BOT), self._world.all("jobs", f"{LABEL_BOT}={BOT}")
        unusual = [
            f"{c['type']}={c['status']} ({c['reason']})"
            for c in status.get("conditions", [])
            if (c["status"] == "True") == (c["type"] in TRUE_IS_BAD)
        ]
        log.info(
            "settled %s, decided %s at %s, equity %s, position %s, %s trades, %s missed, "
            "journal %d bytes, %d pods (%d under way), %d jobs; %s",
            trading.get("settledAt"), signal.get("decision"), signal.get("barCloseTs"),
            status.get("equity"), status.get("position"), totals.get("trades"),
            totals.get("missed"), self._journal_bytes(), len(pods),
            sum(not has_ended(pod) for pod in pods), len(jobs), ", ".join(unusual) or "as expected",
        )  # fmt: skip

    def _journal_bytes(self) -> int:
        folder = journals.journal_of(self._world, BOT).parent
        return sum(path.stat().st_size for path in folder.glob("*"))

    def _is_quiet(self) -> bool:
        return all(has_ended(pod) for pod in self._world.pods_of(BOT))

    def _save(self) -> None:
        """Copy the journal while no run writes, and what explains it."""
        eventually(self._copy_journal, timeout=MINUTE, every=2)
        self._keep("status.json", json.dumps(self._world.get("tradingbot", BOT), indent=1))
        listed = self._world.kubectl("get", "pods,jobs", f"--namespace={NAMESPACE}", "-o", "json")
        self._keep("objects.json", listed)
        self._keep("events.json", json.dumps(self._world.events(BOT)))
        self._keep("writes.json", json.dumps(self._writes()))

    def _writes(self) -> dict[str, int]:
        """Return how often the operator has written what, by the audit log, since the beginning."""
        user = f"system:serviceaccount:{NAMESPACE}:botcripto-operator"
        counts: dict[str, int] = {}
        since = datetime.fromtimestamp(self._record["begun"], UTC).isoformat()
        for call in read_calls(self._world.audit_log, user):
            if call["verb"] in {"get", "list", "watch"} or call["requestReceivedTimestamp"] < since:
                continue
            what = call.get("objectRef", {})
            key = f"{call['verb']} {what.get('resource')} {what.get('subresource', '')}".strip()
            counts[key] = counts.get(key, 0) + 1
        return counts

    def _copy_journal(self) -> bool:
        """Copy the journal unless a run writes; tell whether it was copied."""
        own = journals.journal_of(self._world, BOT).parent
        before = _stats(own)
        copy = self._folder / "copying"
        shutil.rmtree(copy, ignore_errors=True)
        if not self._is_quiet():
            return False
        shutil.copytree(own, copy)
        if _stats(own) != before:
            return False
        shutil.rmtree(self._folder / "journal", ignore_errors=True)
        copy.rename(self._folder / "journal")
        return True

    def _keep_store(self) -> None:
        shutil.copytree(self._world.volume_of(BOT), self._folder / "store", dirs_exist_ok=True)

    def _write_record(self) -> None:
        with self._writing:
            self._keep("record.json", json.dumps(self._record, indent=1))

    def _keep(self, name: str, text: str) -> None:
        path = self._folder / name
        new = path.with_suffix(".new")
        new.write_text(text)
        new.replace(path)


def _stats(folder: Path) -> dict[str, tuple[int, int]]:
    return {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir()}


def _log_to(path: Path) -> None:
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)sZ %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
        handlers=[logging.FileHandler(path), logging.StreamHandler(sys.stdout)],
    )


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
