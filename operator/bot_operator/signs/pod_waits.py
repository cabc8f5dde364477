"""Waits: why a Job's pods do not run, found in the pods' states and in Events about them.

A wait clears by itself when its cause is gone. The words are the cluster's own, without what
differs from one try to the next: a status changes with news alone.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot_operator.api.client import Kube
from bot_operator.api.resources import (
    PODS,
    Manifest,
    condition_of,
    container_statuses,
    from_time,
    is_true,
    namespace_of,
    uid_of,
)
from bot_operator.signs.container_ends import own_statuses
from bot_operator.signs.pod_failures import Scene
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.failures import FailureClass, LastFailure

POD_LOOK_SECONDS = 10.0
"""How often a Job is looked at while no pod of it runs: nothing watches Events or grace periods."""

GRACE_SECONDS = 15.0
"""How long a pod may be without a node, or without its volumes, before that is trouble."""
POD_CREATION_SECONDS = 3.0
"""How long a Job may be without a pod before its Events are asked why."""

_PULL_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_CREATE_REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)
_STARTING = frozenset({"ContainerCreating", "PodInitializing"})
_VOLUME_EVENTS = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
_NODE_EVENTS = frozenset({"FailedCreatePodSandBox", "NetworkNotReady", "FailedKillPod"})
_PAST_VOLUMES = "PodReadyToStartContainers"
"""Condition of a pod whose volumes are mounted and whose sandbox stands: it pulls its images."""
_OF_PODS = "involvedObject.kind=Pod,type=Warning"
_OF_REFUSALS = "reason=FailedCreate"

_POD_NAME = re.compile(r'^(?:Error creating: )?(?:pods "[^"]*" is forbidden: )?')
_QUOTA_USED = re.compile(r", used: .*?(?=, limited: )")
_BACK_OFF = re.compile(r'^Back-off pulling image "[^"]*"(?:: ErrImagePull: )?')
_OWN_PORT = re.compile(r":[0-9]+(?=->)")  # of a connection: read udp 10.0.0.5:41234->10.0.0.10:53
_LIMIT_RANGE = re.compile(
    r"(maximum|minimum) \S+ (usage|limit|request)? ?per|limit to request ratio"
)
_VOLUME_WORDS = re.compile(
    r"unbound immediate PersistentVolumeClaims|volume node affinity conflict|persistentvolumeclaim"
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod waits; it clears by itself when the cause is gone."""

    reason: Reason
    failure: LastFailure

    @property
    def message(self) -> str:
        """What keeps the pod, in the cluster's words."""
        return self.failure.message


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What Events say of a Job that has no pod, or of pods that do not start."""

    refusal: str | None = None
    """The API server's words on refusing the Job's pods."""
    warnings: tuple[Manifest, ...] = ()
    """Events about the Job's pods."""


async def observe_obstacles(
    kube: Kube, job: Manifest, pods: Iterable[Manifest], now: datetime
) -> Obstacles:
    """Read the Events of a Job that should have pods and has none, or of pods that hang."""
    pods = tuple(pods)
    if not pods:
        return Obstacles(
            refusal=await observe_refusal(kube, job) if _lacks_pods(job, now) else None
        )
    warnings: list[Manifest] = []
    for pod in pods:
        if _hangs(pod, now):
            warnings += await kube.events_about(pod, _OF_PODS)
    return Obstacles(warnings=tuple(warnings))


async def observe_refusal(kube: Kube, creator: Manifest) -> str | None:
    """Read why the Job or CronJob may not create what it should; None where nobody refuses."""
    events = await kube.events_about(creator, _OF_REFUSALS)
    return str(events[-1].get("message", "")) if events else None


async def observe_pods(kube: Kube, job: Manifest) -> tuple[Manifest, ...]:
    """Read the Job's pods live: an outcome is read once, and the pods' watch may be behind."""
    labels = f"batch.kubernetes.io/controller-uid={uid_of(job)}"
    pods, _ = await kube.list_all(PODS, namespace_of(job), labels=labels)
    return tuple(pods)


def find_trouble(
    scene: Scene, pods: Iterable[Manifest], obstacles: Obstacles, now: datetime
) -> Trouble | None:
    """Return what keeps the Job's pods from running, None where nothing does for long."""
    if obstacles.refusal is not None:
        return _refused(scene, obstacles.refusal)
    for pod in pods:
        if pod.get("status", {}).get("phase") in {None, "Pending"}:
            at = replace(scene, pod=pod)
            found = _container_trouble(at) or _scheduling_trouble(at, now)
            found = found or _event_trouble(at, obstacles.warnings, now)
            if found is not None:
                return found
    return None


def waits_for_pods(job: Manifest, pods: Iterable[Manifest]) -> bool:
    """Tell whether an unfinished Job has no pod that runs: what keeps it may end without a word."""
    done = is_true(job, "Complete") or is_true(job, "Failed")
    running = any(p.get("status", {}).get("phase") == "Running" for p in pods)
    return not (done or running or job["spec"].get("suspend"))


def _refused(scene: Scene, refusal: str) -> Trouble:
    job = scene.job or {}
    words = _QUOTA_USED.sub("", _POD_NAME.sub("", refusal))
    started = job.get("status", {}).get("startTime") or job["metadata"].get("creationTimestamp", "")
    failure = scene.failure(_class_of_refusal(words), f"the pod is refused: {words}", started)
    return Trouble(Reason.POD_REFUSED, failure)


def _class_of_refusal(words: str) -> FailureClass:
    if "violates PodSecurity" in words:
        return FailureClass.POD_SECURITY
    if "exceeded quota" in words or "failed quota" in words:
        return FailureClass.QUOTA
    if _LIMIT_RANGE.search(words):
        return FailureClass.LIMIT_RANGE
    if "no PriorityClass" in words:
        return FailureClass.CONFIGURATION
    return FailureClass.POD_REFUSED


def _container_trouble(scene: Scene) -> Trouble | None:
    assert scene.pod is not None
    since = _since(scene.pod)
    for container in own_statuses(scene.pod, scene.container):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, words = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        if reason in _PULL_REASONS:
            cause = _OWN_PORT.sub("", _BACK_OFF.sub("", words)) or reason
            text = f"image {container.get('image')} cannot be pulled: {cause}"
            failure = scene.failure(FailureClass.IMAGE_PULL, text, since)
            return Trouble(Reason.IMAGE_PULL_FAILED, _in(container, failure))
        if reason in _CREATE_REASONS:
            found = Reason.SECRET_MISSING if "secret" in words else Reason.POD_REFUSED
            text = f"the container cannot be made ({reason}): {words}"
            failure = scene.failure(FailureClass.CONFIGURATION, text, since)
            return Trouble(found, _in(container, failure))
    return None


def _scheduling_trouble(scene: Scene, now: datetime) -> Trouble | None:
    assert scene.pod is not None
    scheduled = condition_of(scene.pod, "PodScheduled") or {}
    if scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    since = str(scheduled.get("lastTransitionTime"))
    if _age(since, now) < GRACE_SECONDS:
        return None
    words = str(scheduled.get("message", ""))
    of_volume = _VOLUME_WORDS.search(words) and "Insufficient" not in words
    kind = FailureClass.STORAGE if of_volume else FailureClass.UNSCHEDULABLE
    failure = scene.failure(kind, f"no node takes the pod: {words}", since)
    return Trouble(Reason.UNSCHEDULABLE, failure)


def _event_trouble(scene: Scene, events: Iterable[Manifest], now: datetime) -> Trouble | None:
    pod = scene.pod
    assert pod is not None
    if not _hangs(pod, now):
        return None
    told = [e for e in events if e.get("involvedObject", {}).get("uid") == uid_of(pod)]
    # The oldest one stays what it is; which of several is the newest changes with every try.
    for event in sorted(told, key=_first_time):
        reason, words = str(event.get("reason")), str(event.get("message", ""))
        if reason in _VOLUME_EVENTS:
            kind = FailureClass.CONFIGURATION if "configmap " in words else FailureClass.STORAGE
            found = Reason.VOLUME_UNAVAILABLE
            if "secret " in words:
                kind, found = FailureClass.CREDENTIALS, Reason.SECRET_MISSING
            failure = scene.failure(
                kind, f"a volume cannot be used ({reason}): {words}", _at(event)
            )
            return Trouble(found, failure)
        if reason in _NODE_EVENTS:
            text = f"the node cannot start the pod ({reason}): {words}"
            return Trouble(Reason.NODE_TROUBLE, scene.failure(FailureClass.NODE, text, _at(event)))
    return None


def _hangs(pod: Manifest, now: datetime) -> bool:
    """Tell whether a pod has had a node for a while and is not as far as to start containers."""
    scheduled = condition_of(pod, "PodScheduled") or {}
    if pod.get("status", {}).get("phase") != "Pending" or scheduled.get("status") != "True":
        return False
    if is_true(pod, _PAST_VOLUMES):
        return False
    waiting = [(s.get("state") or {}).get("waiting") or {} for s in container_statuses(pod)]
    if not all(w.get("reason") in _STARTING for w in waiting):
        return False
    return _age(str(scheduled.get("lastTransitionTime")), now) >= GRACE_SECONDS


def _lacks_pods(job: Manifest, now: datetime) -> bool:
    """Tell whether the Job may have pods, has none and has had time to make one."""
    if job["spec"].get("suspend") or job.get("status", {}).get("active"):
        return False
    since = job.get("status", {}).get("startTime") or job["metadata"].get("creationTimestamp")
    return since is None or _age(since, now) >= POD_CREATION_SECONDS


def _in(container: Manifest, failure: LastFailure) -> LastFailure:
    return failure.model_copy(update={"container": container["name"]})


def _since(pod: Manifest) -> str:
    started = pod.get("status", {}).get("startTime")
    return str(started or pod["metadata"].get("creationTimestamp") or "")


def _age(since: str, now: datetime) -> float:
    return (now - from_time(since)).total_seconds()


def _at(event: Manifest) -> str:
    return _first_time(event)[:32]


def _first_time(event: Manifest) -> str:
    first = event.get("firstTimestamp") or event.get("eventTime")
    return str(first or event["metadata"].get("creationTimestamp") or "")
