"""Pods that do not run, in the shapes that the cluster gives them, and what is said of them."""

from datetime import timedelta

import pytest

from bot_operator.api.resources import Manifest
from bot_operator.signs.pod_failures import Scene
from bot_operator.signs.pod_waits import (
    Obstacles,
    Trouble,
    find_trouble,
    observe_obstacles,
    waits_for_pods,
)
from tests.unit.bot_operator.fakes import FakeKube
from tests.unit.bot_operator.shapes import NOW, job, pod, pod_event, running_job, with_condition
from tests.unit.bot_operator.world import START

LATER = START + timedelta(seconds=15)


def trouble_of(
    *pods: Manifest, refusal: str | None = None, events: tuple[Manifest, ...] = ()
) -> Trouble | None:
    obstacles = Obstacles(refusal, events)
    return find_trouble(Scene("Trend", running_job()), pods, obstacles, LATER)


def waiting(reason: str, message: str = "") -> Manifest:
    return pod("Pending", waiting={"reason": reason, "message": message})


def starting() -> Manifest:
    return with_condition(waiting("ContainerCreating"), "PodScheduled")


@pytest.mark.parametrize(
    ("reason", "words", "told"),
    [
        ("ErrImagePull", "no such host", "no such host"),
        ("ImagePullBackOff", 'Back-off pulling image "x:1"', "ImagePullBackOff"),
        (
            "ImagePullBackOff",
            'Back-off pulling image "x:1": ErrImagePull: no such host',
            "no such host",
        ),
        (
            "ErrImagePull",
            "lookup r: read udp 10.0.0.5:41234->10.0.0.10:53: i/o timeout",
            "lookup r: read udp 10.0.0.5->10.0.0.10:53: i/o timeout",
        ),
        ("InvalidImageName", "couldn't parse image name", "couldn't parse image name"),
        ("ErrImageNeverPull", "not present with pull policy of Never", "not present with"),
    ],
)
def test_an_image_that_cannot_be_pulled_is_named_in_the_same_words_at_every_try(
    reason: str, words: str, told: str
) -> None:
    trouble = trouble_of(waiting(reason, words))
    assert trouble is not None
    assert trouble.reason == "ImagePullFailed"
    assert trouble.message.startswith(f"image x:1 cannot be pulled: {told}")
    failure = trouble.failure
    assert (failure.failure_class, failure.container, failure.time) == ("ImagePull", "runtime", NOW)
    assert (failure.job, failure.pod, failure.retryable) == ("bot-trend", "bot-trend-x", False)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ('secret "keys" not found', "SecretMissing"),
        ("container has runAsNonRoot and image will run as root", "PodRefused"),
    ],
)
def test_a_container_that_cannot_be_made_is_a_matter_of_configuration(
    words: str, reason: str
) -> None:
    trouble = trouble_of(waiting("CreateContainerConfigError", words))
    assert trouble is not None
    assert (trouble.reason, trouble.failure.failure_class) == (reason, "Configuration")
    assert words in trouble.message


@pytest.mark.parametrize(
    ("refusal", "expected", "told"),
    [
        (
            'Error creating: pods "bot-data-x7k2p" is forbidden: violates PodSecurity '
            '"restricted:latest": runAsNonRoot != true',
            "PodSecurity",
            'the pod is refused: violates PodSecurity "restricted:latest": runAsNonRoot != true',
        ),
        (
            'Error creating: pods "bot-data-abcde" is forbidden: exceeded quota: q, requested: '
            "pods=1, used: pods=3, limited: pods=3",
            "Quota",
            "the pod is refused: exceeded quota: q, requested: pods=1, limited: pods=3",
        ),
        (
            'Error creating: pods "b" is forbidden: failed quota: q: must specify limits.cpu for: '
            "runtime",
            "Quota",
            "the pod is refused: failed quota: q: must specify limits.cpu for: runtime",
        ),
        (
            'Error creating: pods "b" is forbidden: maximum memory usage per Container is 1Gi, '
            "but limit is 4Gi",
            "LimitRange",
            "the pod is refused: maximum memory usage per Container is 1Gi, but limit is 4Gi",
        ),
        (
            'Error creating: pods "b" is forbidden: no PriorityClass with name fast was found',
            "Configuration",
            "the pod is refused: no PriorityClass with name fast was found",
        ),
        (
            'Error creating: admission webhook "policy.example.org" denied the request: no',
            "PodRefused",
            'the pod is refused: admission webhook "policy.example.org" denied the request: no',
        ),
    ],
)
def test_a_refusal_has_its_class_and_words_that_stay_the_same(
    refusal: str, expected: str, told: str
) -> None:
    trouble = trouble_of(refusal=refusal)
    assert trouble is not None
    assert trouble.reason == "PodRefused"
    assert (trouble.failure.failure_class, trouble.message) == (expected, told)
    assert (trouble.failure.pod, trouble.failure.time) == (None, NOW)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("0/1 nodes are available: 1 Insufficient memory", "Unschedulable"),
        ("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims", "Storage"),
        ('0/1 nodes are available: persistentvolumeclaim "s" not found', "Storage"),
        ("0/1 nodes are available: 1 node(s) had volume node affinity conflict", "Storage"),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had volume node affinity "
            "conflict",
            "Unschedulable",
        ),
    ],
)
def test_an_unschedulable_pod_is_trouble_only_after_a_while(words: str, expected: str) -> None:
    unplaced = with_condition(
        pod("Pending"), "PodScheduled", "False", reason="Unschedulable", message=words
    )
    scene = Scene("Trend", running_job())
    assert find_trouble(scene, [unplaced], Obstacles(), START + timedelta(seconds=14)) is None
    trouble = trouble_of(unplaced)
    assert trouble is not None
    assert (trouble.reason, trouble.failure.failure_class) == ("Unschedulable", expected)
    assert (trouble.failure.time, trouble.failure.retryable) == (NOW, True)
    assert words in trouble.message


@pytest.mark.parametrize(
    ("event", "reason", "expected"),
    [
        (("FailedMount", "SetUp failed: no such device"), "VolumeUnavailable", "Storage"),
        (("FailedAttachVolume", "Multi-Attach error"), "VolumeUnavailable", "Storage"),
        (
            ("FailedMount", 'SetUp failed for volume "config" : configmap "r" not found'),
            "VolumeUnavailable",
            "Configuration",
        ),
        (
            ("FailedMount", 'MountVolume.SetUp failed for volume "c" : secret "k" not found'),
            "SecretMissing",
            "Credentials",
        ),
        (("FailedCreatePodSandBox", "failed to set up network"), "NodeTrouble", "Node"),
    ],
)
def test_a_pod_that_hangs_before_its_container_says_why(
    event: tuple[str, str], reason: str, expected: str
) -> None:
    first = pod_event(*event, seconds=2)
    later = pod_event("FailedMount", "timed out waiting for the condition", seconds=9)
    trouble = trouble_of(starting(), events=(later, first))
    assert trouble is not None
    assert (trouble.reason, trouble.failure.failure_class) == (reason, expected)
    assert event[1] in trouble.message
    assert trouble.failure.time == first["firstTimestamp"]


def test_what_was_overcome_or_concerns_another_pod_is_no_trouble() -> None:
    mount = pod_event("FailedMount", "no such device")
    pulling = with_condition(starting(), "PodReadyToStartContainers")
    assert trouble_of(pulling, events=(mount,)) is None
    other = {**mount, "involvedObject": {"uid": "p2"}}
    assert trouble_of(starting(), events=(other,)) is None
    assert trouble_of(pod("Running", running={}), events=(mount,)) is None


def test_a_starting_or_running_pod_is_no_trouble() -> None:
    assert trouble_of(starting(), pod("Running", running={}), pod("Pending")) is None


async def test_events_are_read_only_of_what_hangs() -> None:
    kube = FakeKube(lambda: NOW)
    kube.put(pod_event("FailedMount", "no such device"))
    fresh = START + timedelta(seconds=2)
    for pods in ([starting()], []):
        assert await observe_obstacles(kube, running_job(), pods, fresh) == Obstacles()
    assert await observe_obstacles(kube, running_job(), [pod("Running")], LATER) == Obstacles()
    assert kube.reads == []
    seen = await observe_obstacles(kube, running_job(), [starting()], LATER)
    assert [e["reason"] for e in seen.warnings] == ["FailedMount"]
    assert await observe_obstacles(kube, running_job(), [], LATER) == Obstacles()
    assert kube.reads == [("list", "events")] * 2


def test_a_job_waits_for_pods_until_one_runs_or_it_has_ended() -> None:
    assert waits_for_pods(running_job(), [])
    assert waits_for_pods(running_job(), [starting()])
    assert not waits_for_pods(running_job(), [pod("Running")])
    assert not waits_for_pods(job(), [])
