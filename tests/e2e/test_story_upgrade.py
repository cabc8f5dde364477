"""An upgrade in the midst of a training and of a run, the way back, and forward again.

Three bots: `keeps` decides with the images of the release before, `learns` is in the midst of its
training when the operator is replaced, twice, and `newcomer` comes with the new images.
"""

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.contract.names import (
    CONTAINER_NAME,
    LABEL_BOT,
    LABEL_STEP,
    TRADE_CONTAINER_NAME,
)
from bot_runtime.contract.signalstatus import OLD_NAMES
from tests.cluster.cluster import Cluster
from tests.cluster.install import install_crds, install_operator
from tests.cluster.layout import CHECKOUT
from tests.e2e import hand_runs, pod_processes
from tests.e2e.hand_runs import INFER, NEVER
from tests.e2e.journals import check, copy_journal
from tests.e2e.recording import Recording, recording
from tests.e2e.world import OPERATOR, Object, Release, World
from tests.eventually import eventually
from tests.integration.operator_process import WRITES

KEEPS, LEARNS, NEWCOMER = BOTS = ("keeps", "learns", "newcomer")
REPLACEMENTS = 3
"""How often the operator of one release follows that of the other."""
TRADING = "TradingAllowed"
TAKE_NEW_IMAGES = '{"spec":{"updateStrategy":"Auto"}}'
STEPS = ("data", "trend", "return", "risk", "evaluation")
BY_HAND: Object = {"inference": {"schedule": NEVER, "deadlineSeconds": 600}}
"""So that a run is under way exactly when the story wants one; `learns` decides every minute."""
HOLDS: Object = {
    **BY_HAND,
    "decision": {"policy": "VolatilityManaged", "riskMax": 1},
    "training": {"gate": {"mode": "Off"}},
}
"""So that the first run buys."""
PARTS = {"configmaps", "cronjobs", "jobs", "modeltrainings", "persistentvolumeclaims"}
KEPT = ("activeModel", "candidateTraining", "children", "images")
"""What of a status no replacement of the operator changes."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose program has been stopped; `resume` lets it go on."""

    bot: str
    pod: str
    """UID of its pod."""
    resume: Callable[[], None]


@dataclass
class Story:
    """What is done to the three bots, and what of them was noted before and after each change."""

    world: World
    previous: Release
    ours: Release
    record: Recording
    undo: ExitStack
    runs: int = 0
    changes: list[tuple[Object, Object]] = field(default_factory=list)
    """Statuses of `keeps` before and after each replacement of the operator."""
    journals: dict[str, Path] = field(default_factory=dict)
    """Copies of the journals of the bots that trade at the end."""
    own_images: int = 0
    """How many versions of the CronJob of `keeps` there were when it was given new images."""

    def tell(self) -> None:
        """Go from the release before to this one, back, and forward again."""
        world = self.world
        # Before its CRDs: an operator knows those of a newer release, none those of an older one.
        self._install_operator(self.previous)
        install_crds(world.kubectl, self.previous.files / "crds")
        self._add(KEEPS, **BY_HAND)
        self._end(self._begin(KEEPS))
        world.apply(world.bot(LEARNS))
        trend = self._stop_step("Trend")

        self._replace_operator(self.ours, self._begin(KEEPS))
        trend()
        evaluation = self._stop_step("Evaluation")
        self._add(NEWCOMER, **HOLDS)
        self._end(self._begin(NEWCOMER))
        self._wait_until_traded(NEWCOMER)

        self._replace_operator(self.previous, self._begin(KEEPS), self._begin(NEWCOMER))
        evaluation()
        world.wait(LEARNS, "ModelAvailable", 60)

        self._replace_operator(self.ours, self._begin(KEEPS), self._begin(NEWCOMER))
        world.wait(LEARNS, "Ready", 120)
        self._end(self._begin(NEWCOMER))
        self._wait_until_traded(NEWCOMER)
        self.own_images = len(self.record.versions("cronjobs", KEEPS))
        world.apply(world.bot(KEEPS, updateStrategy="Auto", **BY_HAND))
        eventually(lambda: self._inference_image(KEEPS) == self.ours.images.inference)
        self._end(self._begin(KEEPS))
        self._wait_until_traded(KEEPS)
        eventually(self._is_quiet, timeout=60)
        for bot in (KEEPS, NEWCOMER):
            self.journals[bot] = copy_journal(world, bot, self.record.folder)

    def _is_quiet(self) -> bool:
        """Tell whether the newest run of the bot that decides by itself is told."""
        pods = self.world.all("pods", f"{LABEL_BOT}={LEARNS}")
        newest = max(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))
        told = self.world.status(LEARNS)["lastSignal"]["producedBy"]
        return bool(newest["metadata"]["uid"] == told)

    def _add(self, bot: str, **spec: Any) -> None:
        self.world.apply(self.world.bot(bot, **spec))
        self.world.wait(bot, "ModelAvailable", 120)
        self.world.wait(bot, "InferenceScheduled", 60)

    def _begin(self, bot: str) -> Run:
        """Begin a run, and stop it as soon as the program that decides is there."""
        self.runs += 1
        uid = hand_runs.begin(self.world, bot, self.runs).uid
        return Run(bot, uid, self._stop(uid, INFER))

    def _end(self, run: Run) -> None:
        """Let a run go on, until the bot's status tells what it has decided."""
        run.resume()
        self._wait_until_told(run)

    def _end_unseen(self, run: Run) -> None:
        """Let a run go on to its end while no operator runs."""
        here = f"--namespace={self.world.namespace}"
        self.world.kubectl("delete", OPERATOR, here, "--cascade=foreground", timeout=90)
        run.resume()
        eventually(lambda: self._has_succeeded(run), timeout=60)

    def _has_succeeded(self, run: Run) -> bool:
        pods = self.world.pods_of(run.bot)
        return any(
            pod["metadata"]["uid"] == run.pod and pod["status"]["phase"] == "Succeeded"
            for pod in pods
        )

    def _wait_until_told(self, run: Run) -> None:
        eventually(
            lambda: self.world.status(run.bot)["lastSignal"]["producedBy"] == run.pod, timeout=60
        )

    def _wait_until_traded(self, bot: str) -> None:
        eventually(lambda: self.world.status(bot)["trading"]["account"], timeout=60)

    def _stop_step(self, step: str) -> Callable[[], None]:
        """Stop a step of the training under way; return what resumes it."""
        selector = f"{LABEL_BOT}={LEARNS},{LABEL_STEP}={step}"
        (pod,) = eventually(lambda: self.world.all("pods", selector), timeout=90)
        return self._stop(pod["metadata"]["uid"], "bot_runtime")

    def _stop(self, uid: str, program: str) -> Callable[[], None]:
        processes = pod_processes.hang(uid, program)
        self.undo.callback(pod_processes.resume, processes)
        return lambda: pod_processes.resume(processes)

    def _replace_operator(self, release: Release, run: Run, unseen: Run | None = None) -> None:
        """Install a release's operator, under the newest CRDs, in the midst of a run.

        `unseen` is another run, which ends after the one operator and before the other.
        """
        before = self.world.status(KEEPS)
        install_crds(self.world.kubectl)
        if unseen is not None:
            self._end_unseen(unseen)
        self._install_operator(release)
        # It tells that it has looked: of another release's images it says so.
        is_ours = release is self.ours
        eventually(lambda: ("availableImages" in self.world.status(KEEPS)) == is_ours, timeout=60)
        self.changes.append((before, self.world.status(KEEPS)))
        self._end(run)
        if unseen is not None:
            self._wait_until_told(unseen)

    def _install_operator(self, release: Release) -> None:
        base = release.files / "manifests" / "base"
        world = self.world
        install_operator(world.kubectl, world.namespace, release.images, manifests=base)

    def _inference_image(self, bot: str) -> str:
        found = self.world.get("cronjob", f"{bot}-infer")
        assert found is not None
        template = found["spec"]["jobTemplate"]["spec"]["template"]
        return str(template["spec"]["containers"][0]["image"])


@pytest.fixture(scope="module")
def story(
    world: World,
    cluster: Cluster,
    previous: Release,
    commit: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    """The story, told once; whatever comes of it, this release stands at its end."""
    ours = Release(commit, CHECKOUT, world.images)
    folder = tmp_path_factory.mktemp("recording")
    with ExitStack() as undo:
        undo.callback(install_operator, world.kubectl, world.namespace, world.images)
        undo.callback(install_crds, world.kubectl)
        for bot in BOTS:
            undo.callback(world.delete, "tradingbot", bot)
        with recording(cluster, world.namespace, folder) as record:
            told = Story(world, previous, ours, record, undo)
            told.tell()
        yield told


@pytest.mark.parametrize("bot", BOTS)
def test_no_job_begins_again(story: Story, bot: str) -> None:
    jobs: dict[str, set[str]] = {}
    for job in story.record.versions("jobs", bot):
        jobs.setdefault(job["metadata"]["name"], set()).add(job["metadata"]["uid"])
        assert not job["status"].get("failed"), job
    (training,) = _names(story.record.versions("modeltrainings", bot))
    assert {f"{training}-{step}" for step in STEPS} <= set(jobs)
    assert {len(uids) for uids in jobs.values()} == {1}
    pods: dict[str, set[str]] = {}
    for pod in story.record.versions("pods", bot):
        pods.setdefault(pod["metadata"]["labels"]["job-name"], set()).add(pod["metadata"]["uid"])
        for container in pod["status"].get("containerStatuses", []):
            assert container["restartCount"] == 0, pod
    assert {len(uids) for uids in pods.values()} == {1}
    assert set(pods) == set(jobs)


@pytest.mark.parametrize("bot", BOTS)
def test_no_training_appears_and_the_one_of_each_bot_is_promoted(story: Story, bot: str) -> None:
    versions = story.record.versions("modeltrainings", bot)
    assert len({v["metadata"]["uid"] for v in versions}) == 1
    assert versions[-1]["status"]["state"] == "Promoted"


@pytest.mark.parametrize("bot", BOTS)
def test_no_decision_is_lost(story: Story, bot: str) -> None:
    decided = set()
    for pod in story.record.versions("pods", bot):
        if (result := hand_runs.message_of(pod)) is not None and result.signals:
            decided.add(pod["metadata"]["uid"])
    told = [v.get("status", {}) for v in story.record.versions("tradingbots", bot)]
    assert decided
    assert {s["producedBy"] for status in told for s in status.get("signals", [])} == decided
    last = {status["lastSignal"]["producedBy"] for status in told if "lastSignal" in status}
    assert last == decided
    assert not any(status.get("unseenRuns") or status.get("lastFailure") for status in told)


def test_no_status_is_refused(story: Story) -> None:
    codes = {
        (call["objectRef"]["name"], call["responseStatus"]["code"])
        for call in story.world.operator_calls()
        if call["objectRef"].get("subresource") == "status"
    }
    trainings = [_names(story.record.versions("modeltrainings", bot)) for bot in BOTS]
    ours = {*BOTS, *(name for names in trainings for name in names)}
    assert {name for name, _ in codes} >= ours
    assert {code for name, code in codes if name in ours} <= {200, 409}


def test_each_operator_reads_what_the_other_has_written(story: Story) -> None:
    assert len(story.changes) == REPLACEMENTS
    for before, after in story.changes:
        for part in KEPT:
            assert after[part] == before[part], part
        assert [_by_old_names(s) for s in after["signals"]] == [
            _by_old_names(s) for s in before["signals"]
        ]


def test_this_release_writes_a_signal_by_both_names(story: Story) -> None:
    (signal,) = story.world.status(NEWCOMER)["signals"]
    found = {new: old for new, old in OLD_NAMES.items() if old in signal}
    assert found
    assert {new: signal[new] for new in found} == {new: signal[old] for new, old in found.items()}


def test_what_runs_a_bot_stays_until_its_user_takes_new_images(story: Story) -> None:
    own = story.record.versions("cronjobs", KEEPS)[: story.own_images]
    every = [*own, *story.record.versions("cronjobs", LEARNS)]
    specs: dict[str, set[str]] = {}
    for cron_job in every:
        spec = json.dumps(_without_deadlines(cron_job["spec"]), sort_keys=True)
        specs.setdefault(cron_job["metadata"]["uid"], set()).add(spec)
    assert [len(found) for found in specs.values()] == [1, 1]
    for bot in (KEEPS, LEARNS):
        assert len(_names(story.record.versions("configmaps", bot))) == 2, "training, inference"


@pytest.mark.parametrize(
    ("bot", "cron_job_writes"), [(KEEPS, 1 + REPLACEMENTS + 1), (LEARNS, 1 + 1)]
)
def test_both_operators_together_make_each_part_of_a_bot_once(
    story: Story, bot: str, cron_job_writes: int
) -> None:
    """A CronJob is written again by each operator that follows, and for new images."""
    writes = Counter(
        f"{call['verb']} {reference['resource']} {reference['name']}"
        for call in story.world.operator_calls()
        if call["verb"] in WRITES
        and (reference := call["objectRef"]).get("resource") in PARTS
        and reference.get("name", "").startswith(f"{bot}-")
        and not reference.get("subresource")
        and "dryRun=All" not in call["requestURI"]
    )
    assert {write.split()[1] for write in writes} == PARTS
    assert writes == {**dict.fromkeys(writes, 1), f"patch cronjobs {bot}-infer": cron_job_writes}


def test_a_signal_names_the_commit_that_its_image_was_built_from(story: Story) -> None:
    commits = {}
    for bot in BOTS:
        results = (hand_runs.message_of(pod) for pod in story.record.versions("pods", bot))
        found = [r.git_commit for r in results if r is not None and r.signals]
        commits[bot] = list(dict.fromkeys(found))
    before, ours = story.previous.commit, story.ours.commit
    assert commits == {KEEPS: [before, ours], LEARNS: [before], NEWCOMER: [ours]}
    status = story.world.status(KEEPS)
    assert status["lastSignal"]["gitCommit"] == ours
    assert status["activeModel"]["gitCommit"] == before, "the model was trained by the first image"


@pytest.mark.parametrize("bot", [KEEPS, LEARNS])
def test_images_of_the_release_before_decide_and_do_not_trade(story: Story, bot: str) -> None:
    told = [v.get("status", {}) for v in story.record.versions("tradingbots", bot)]
    conditions = [c for s in told for c in s.get("conditions", []) if c["type"] == TRADING]
    (message,) = {c["message"] for c in conditions if c["reason"] == "ImageTooOld"}
    assert f"kubectl patch bot {bot} --type merge -p '{TAKE_NEW_IMAGES}'" in message
    assert {c["status"] for c in conditions if c["reason"] == "ImageTooOld"} == {"False"}
    kept = [p for p in story.record.versions("pods", bot) if _is_of_run(p) and _is_kept(story, p)]
    assert {tuple(_containers(pod)) for pod in kept} == {(CONTAINER_NAME,)}


def test_a_bot_that_takes_new_images_trades(story: Story) -> None:
    pods = [p for p in story.record.versions("pods", KEEPS) if _is_of_run(p)]
    new = [pod for pod in pods if not _is_kept(story, pod)]
    assert {tuple(_containers(pod)) for pod in new} == {(CONTAINER_NAME, TRADE_CONTAINER_NAME)}
    status = story.record.versions("tradingbots", KEEPS)[-1]["status"]
    assert Decimal(status["trading"]["account"]["equity"]) > 0
    check(story.journals[KEEPS])


def test_a_bot_trades_again_after_the_way_back_and_nothing_twice(story: Story) -> None:
    told = [v.get("status", {}) for v in story.record.versions("tradingbots", NEWCOMER)]
    trading = [status["trading"] for status in told if "trading" in status]
    assert all(Decimal(t["account"]["equity"]) > 0 for t in trading)
    assert len({t["journal"]["id"] for t in trading}) == 1
    assert trading[-1]["journal"]["sequence"] > trading[0]["journal"]["sequence"]
    assert told[-1]["trading"] == trading[-1]
    assert check(story.journals[NEWCOMER]).count("Entry") == 1


def _without_deadlines(spec: Object) -> Object:
    """Return a CronJob's spec without the one thing that each release sets in its own way."""
    bare: Object = copy.deepcopy(spec)
    job = bare["jobTemplate"]["spec"]
    del job["activeDeadlineSeconds"]
    job["template"]["spec"].pop("activeDeadlineSeconds", None)
    return bare


def _containers(pod: Object) -> list[str]:
    return [container["name"] for container in pod["spec"]["containers"]]


def _is_of_run(pod: Object) -> bool:
    return LABEL_STEP not in pod["metadata"]["labels"]


def _is_kept(story: Story, pod: Object) -> bool:
    """Tell whether a pod runs an image of the release before."""
    return bool(pod["spec"]["containers"][0]["image"] == story.previous.images.inference)


def _names(versions: list[Object]) -> set[str]:
    return {version["metadata"]["name"] for version in versions}


def _by_old_names(signal: Object) -> Object:
    return {name: value for name, value in signal.items() if name not in OLD_NAMES}
