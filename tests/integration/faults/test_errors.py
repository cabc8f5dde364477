"""The operator converges by itself, whatever the API server, or what is before it, answers."""

import itertools
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot_operator.api.resources import CHILDREN, JOBS, OWNERS
from tests.cluster import binaries, controlplane, processes
from tests.eventually import eventually
from tests.integration.faults.proxy import (
    Asked,
    Cut,
    Delay,
    EndWatch,
    Fault,
    Proxy,
    Refuse,
    Rewrite,
    Rule,
)
from tests.integration.faults.story import assert_each_job_once, ending, tell
from tests.integration.faults.supervisor import supervised
from tests.integration.stage import Stage

LAUNCHER = "tests.integration.faults.launcher"
TRAINED = ("ModelAvailable", ("True", "ModelPromoted"))
DRAW = random.Random(20260301)


def _sometimes(share: float, fault: Fault, *, writes: bool = False) -> Rule:
    """Spoil a share of all requests but those of the Lease, or of the writes alone."""

    def rule(asked: Asked) -> Fault | None:
        concerned = asked.is_write if writes else not asked.is_lease
        return fault if concerned and DRAW.random() < share else None

    return rule


def _watches(fault: Fault, times: int = 6) -> Rule:
    """Spoil the next watches that are opened."""
    left = [fault] * times

    def rule(asked: Asked) -> Fault | None:
        return left.pop() if left and asked.is_watch else None

    return rule


FAULTS: dict[str, Rule] = {
    "unauthorized": _sometimes(0.1, Refuse(401, "Unauthorized")),
    "conflict": _sometimes(0.3, Refuse(409, "Conflict"), writes=True),
    "too-many": _sometimes(0.1, Refuse(429, "TooManyRequests", {"Retry-After": "1"})),
    "unavailable": _sometimes(0.1, Refuse(503, "ServiceUnavailable")),
    "internal": _sometimes(0.1, Refuse(500, "InternalError")),
    "bad-gateway": _sometimes(0.1, Refuse(502, text="<html>Bad Gateway</html>")),
    "page-not-found": _sometimes(0.15, Refuse(404, text="404 page not found"), writes=True),
    "half-answer": _sometimes(0.2, Refuse(200, text='{"metadata": {"na'), writes=True),
    "reset": _sometimes(0.1, Cut(acted=False)),
    "answer-lost": _sometimes(0.2, Cut(acted=True), writes=True),
    "delay": _sometimes(1.0, Delay(0.15)),
}
"""By the name of the bot that has to live with it."""


@pytest.mark.timeout(600)
def test_each_error_delays_and_changes_nothing(stage: Stage, proxy: Proxy) -> None:
    with stage.kubelet, supervised(stage.operator) as supervisor:
        eventually(lambda: "serving" in stage.operator.log.read_text(encoding="utf-8"))
        for name, rule in FAULTS.items():
            spoilt, began = proxy.faults, time.monotonic()
            proxy.rule = rule
            stage.add_bot(name, inference={"schedule": "0 0 1 1 *"})
            stage.wait_for(*TRAINED, name, 90)
            assert proxy.faults > spoilt, name
            print(f"{name}: {proxy.faults - spoilt} times, {time.monotonic() - began:.1f} s")
        assert supervisor.ends == []
    created = stage.calls.created_jobs()
    assert len(created) == len(set(created)) == 5 * len(FAULTS)


WATCH_FAULTS: dict[str, Fault] = {
    "unauthorized": Refuse(401, "Unauthorized"),
    "gone": EndWatch(410),
    "gone-at-once": Refuse(410, "Expired"),
    "storage": EndWatch(500),
    "busy": Refuse(429, "TooManyRequests", {"Retry-After": "1"}),
    "silent": Delay(3600),
}


@pytest.mark.timeout(600)
def test_each_error_of_a_watch_is_overcome(stage: Stage, proxy: Proxy) -> None:
    """Silence of an open watch included; the 70 s that it takes otherwise are 5 s here."""
    stage.operator.module = LAUNCHER
    stage.operator.environment["FAULT_PATIENCE"] = "5"
    with stage.kubelet, supervised(stage.operator) as supervisor:
        eventually(lambda: "serving" in stage.operator.log.read_text(encoding="utf-8"))
        for name, fault in WATCH_FAULTS.items():
            spoilt, began = proxy.faults, time.monotonic()
            proxy.rule = _watches(fault)
            proxy.silence_watches()
            stage.add_bot(name, inference={"schedule": "0 0 1 1 *"})
            stage.wait_for(*TRAINED, name, 90)
            assert proxy.faults > spoilt, name
            print(f"{name}: {time.monotonic() - began:.1f} s")
        assert supervisor.ends == []


@pytest.mark.timeout(300)
def test_a_bot_whose_calls_hang_delays_no_other(stage: Stage, proxy: Proxy) -> None:
    def rule(asked: Asked) -> Fault | None:
        return Delay(3600) if "/hanging" in asked.path else None

    with stage.kubelet, supervised(stage.operator):
        eventually(lambda: "serving" in stage.operator.log.read_text(encoding="utf-8"))
        stage.add_bot("first", inference={"schedule": "0 0 1 1 *"})
        began = time.monotonic()
        stage.wait_for(*TRAINED, "first", 60)
        alone = time.monotonic() - began
        proxy.rule = rule
        for n in range(5):
            stage.add_bot(f"hanging-{n}")
        stage.add_bot("second", inference={"schedule": "0 0 1 1 *"})
        began = time.monotonic()
        stage.wait_for(*TRAINED, "second", 60)
        assert time.monotonic() - began < 2 * alone + 3
        assert proxy.faults > 0


@pytest.mark.timeout(300)
def test_old_lists_and_watches_delete_nothing_and_create_no_job_again(
    stage: Stage, proxy: Proxy
) -> None:
    with stage.kubelet, supervised(stage.operator) as supervisor:
        stage.add_bot("btc-paper", inference={"schedule": "0 0 1 1 *"})
        eventually(lambda: len(stage.calls.created_jobs()) >= 2)
        old = stage.api.request("GET", f"/api/v1/namespaces/{stage.namespace}/pods?limit=1")
        version = old["metadata"]["resourceVersion"]
        stage.wait_for(*TRAINED, "btc-paper", 60)
        before = ending(stage)
        jobs = f"/apis/batch/v1/namespaces/{stage.namespace}/jobs"
        stage.api.request("DELETE", jobs, {"propagationPolicy": "Background"})
        then = {"resourceVersion": version, "resourceVersionMatch": "Exact"}

        def rule(asked: Asked) -> Fault | None:
            return Rewrite(then) if asked.is_list and asked.is_about(*OWNERS, *CHILDREN) else None

        proxy.rule = rule
        written = len(stage.calls.writes())
        supervisor.kill()
        eventually(lambda: stage.operator.log.read_text(encoding="utf-8").count("serving") == 2)
        time.sleep(8)  # it has been told of the past, and then of everything since
        assert proxy.faults > len(CHILDREN)
        verbs = {line.split()[0] for line in stage.calls.writes()[written:]}
        assert "delete" not in verbs
        after = ending(stage)
        assert {**after, "objects": []} == {**before, "objects": []}
    assert_each_job_once(stage.calls)
    assert not any(f"/{JOBS.plural}/" in name for name in after["objects"])


@pytest.mark.timeout(300)
def test_restarts_of_etcd_and_of_the_api_server(stage: Stage) -> None:
    layout = stage.plane.cluster.layout
    programs = binaries.ensure(binaries.CONTROL_PLANE, print)
    commands = {
        "etcd": controlplane.etcd_command(programs["etcd"], layout),
        "kube-apiserver": controlplane.apiserver_command(programs["kube-apiserver"], layout),
    }
    with stage.kubelet, supervised(stage.operator):
        for component, command in commands.items():
            stage.add_bot(component, inference={"schedule": "0 0 1 1 *"})
            _wait_for_jobs(stage, component)
            processes.kill(layout.identity, component)
            time.sleep(1)
            controlplane.start(layout, component, command)
            controlplane.wait_until(lambda: controlplane.is_ready(layout), layout, component)
            stage.wait_for(*TRAINED, component, 90)
    # A creation in the moment of the kill may stand in etcd and not in the audit log.
    created = stage.calls.created_jobs()
    assert len(created) == len(set(created))
    assert len(stage.list("/apis/batch/v1:jobs")) == 10


def _wait_for_jobs(stage: Stage, bot: str) -> None:
    def jobs() -> list[str]:
        return [name for name in stage.calls.created_jobs() if name.startswith(bot)]

    eventually(lambda: len(jobs()) >= 2)


@pytest.mark.timeout(300)
def test_jumps_of_its_clock_change_nothing(stage: Stage, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0", encoding="utf-8")
    stage.operator.module = LAUNCHER
    stage.operator.environment["FAULT_CLOCK"] = str(clock)
    with stage.kubelet, supervised(stage.operator) as supervisor, _jumping(clock):
        found = tell(stage)
        assert found["training"][0] == "Promoted"
        assert supervisor.ends == []
    assert_each_job_once(stage.calls)


@contextmanager
def _jumping(clock: Path) -> Iterator[None]:
    """Set the clock a day ahead, a day back, ten years ahead and right again, over and over."""
    stop = threading.Event()

    def jump() -> None:
        for seconds in itertools.cycle((86_400, -86_400, 315_360_000, 0)):
            ahead = clock.with_suffix(".new")
            ahead.write_text(str(seconds), encoding="utf-8")
            ahead.replace(clock)
            if stop.wait(0.7):
                return

    thread = threading.Thread(target=jump)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.timeout(300)
def test_liveness_fails_while_the_event_loop_is_blocked(stage: Stage) -> None:
    stage.operator.module = LAUNCHER
    stage.operator.port = 18474
    stage.operator.environment["FAULT_BLOCK"] = "7"
    with supervised(stage.operator) as supervisor:
        eventually(lambda: _probe(18474) == 200)
        supervisor.signal(signal.SIGUSR1)
        assert _probe(18474) is None  # as the kubelet asks, with the manifest's 5 s
        eventually(lambda: _probe(18474) == 200, timeout=20)


def _probe(port: int) -> int | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        status: int = opener.open(f"http://127.0.0.1:{port}/healthz", timeout=5).status
    except urllib.error.HTTPError as e:
        return e.code
    except OSError:
        return None
    return status
