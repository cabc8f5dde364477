"""Churn under two replicas that kill each other: no drift, no growth, an empty queue at the end.

`make test` soaks for three minutes, `make soak` for thirty (SOAK_SECONDS). First the leader is
killed, stopped or asked to go, again and again; then one leader lives, and its memory is measured.
"""

import os
import random
import re
import signal
import time
import urllib.request
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression

import pytest

from bot_runtime.contract.steps import TRAINING_STEPS
from tests.eventually import eventually
from tests.integration.fake_kubelet import Outcome, failed, succeeded
from tests.integration.faults.supervisor import Supervisor, supervised
from tests.integration.operator_process import OperatorProcess
from tests.integration.stage import Object, Stage

SECONDS = float(os.environ.get("SOAK_SECONDS", "180"))
SEED = int(os.environ.get("SOAK_SEED") or time.time_ns() % 10**6)
BOTS = 8
DISTURBED, MEASURED = 0.4, 0.4  # the rest of the time is for coming to rest
TAKEOVER_MAX_SECONDS = 20.0
GROWTH_MAX_MEGABYTES = 5.0  # the leak that was found here: 11 to 20 in the full run
PORTS = {"test": 18475, "other": 18476}
ROOT = "/apis/botcripto.io/v1alpha1"


@dataclass
class Churn:
    """What users, pods and nodes do, drawn at random."""

    stage: Stage
    draw: random.Random
    made: int = 0
    living: list[str] = field(default_factory=list)
    deeds: dict[str, int] = field(default_factory=dict)

    def act(self) -> None:
        """Do one thing that users do."""
        deed = self.draw.choice([self._add, self._add, self._edit, self._suspend, self._delete])
        self.deeds[deed.__name__] = self.deeds.get(deed.__name__, 0) + 1
        deed()

    def end_of(self, step: str) -> Outcome:
        """Return how pods of a step end: some fail, for good or so that they are tried again."""

        def end(pod: Object) -> Object:
            if self.draw.random() < 0.15:
                return failed(*self.draw.choice([(78, "exchange.id: not known"), (1, "crash")]))
            return succeeded(self.stage.kubelet.message(pod, step))

        return end

    def _add(self) -> None:
        if len(self.living) >= BOTS:
            self._delete()
        name = f"bot-{self.made}"
        self.made += 1
        self.stage.add_bot(name, inference={"schedule": "0 0 1 1 *"})
        self.living.append(name)

    def _edit(self) -> None:
        if self.living:
            chosen = self.draw.choice(self.living)
            probability = round(self.draw.uniform(0.5, 0.9), 4)
            self.stage.change_bot(chosen, {"decision": {"probMin": probability}})

    def _suspend(self) -> None:
        if self.living:
            chosen = self.draw.choice(self.living)
            self.stage.change_bot(chosen, {"suspend": self.draw.random() < 0.5})

    def _delete(self) -> None:
        if len(self.living) > 2:
            name = self.living.pop(self.draw.randrange(len(self.living)))
            path = f"{ROOT}/namespaces/{self.stage.namespace}/tradingbots/{name}"
            self.stage.api.request("DELETE", path)


@dataclass
class Pair:
    """Two replicas, of which the leader is done away with."""

    stage: Stage
    churn: Churn
    replicas: dict[str, Supervisor]
    takeovers: dict[str, list[float]] = field(default_factory=dict)

    def leader(self) -> str:
        """Return the holder of the Lease."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.stage.namespace}/leases"
        lease = self.stage.api.request("GET", f"{path}/botcripto-operator")
        return str(lease["spec"].get("holderIdentity") or "")

    def remove_leader(self, how: signal.Signals, *, busy: bool = True) -> None:
        """Signal the leader and wait until the other one leads."""
        old = eventually(self.leader)
        standby = next(PORTS[name] for name in self.replicas if name != old)
        eventually(lambda: _metric(standby, "botcripto_is_leader") == 0, timeout=60)
        began = time.monotonic()
        self.replicas[old].signal(how)
        while self.leader() in {old, ""}:
            assert time.monotonic() - began < 60
            if busy:
                self.churn.act()
            time.sleep(0.5)
        taken = self.takeovers.setdefault(how.name, [])
        taken.append(time.monotonic() - began)
        if how == signal.SIGSTOP:
            self.replicas[old].signal(signal.SIGCONT)

    def megabytes(self) -> float:
        """Return the resident memory of the leader."""
        pid = self.replicas[eventually(self.leader)].pid
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


@pytest.mark.timeout(SECONDS + 600)
def test_churn_under_two_replicas_that_kill_each_other(stage: Stage, tmp_path: Path) -> None:
    draw = random.Random(SEED)
    print(f"SOAK_SECONDS={SECONDS:g} SOAK_SEED={SEED}")
    stage.operator.port = PORTS["test"]
    stage.operator.environment["BOTCRIPTO_LEASE_SECONDS"] = "15"
    other = OperatorProcess(
        stage.operator.kubeconfig,
        stage.namespace,
        tmp_path / "other.log",
        PORTS["other"],
        {"BOTCRIPTO_IDENTITY": "other", "BOTCRIPTO_LEASE_SECONDS": "15"},
    )
    churn = Churn(stage, draw)
    stage.kubelet.outcomes = {step: churn.end_of(step) for step in TRAINING_STEPS}
    with stage.kubelet, supervised(stage.operator) as first, supervised(other) as second:
        pair = Pair(stage, churn, {"test": first, "other": second})
        first.down_seconds = second.down_seconds = 19.0
        _disturb(pair, churn, draw)
        samples = _measure(pair, churn)
        stage.kubelet.outcomes = {}
        _assert_no_growth(samples)
        _assert_rest(stage, churn, pair)
    takeovers = {how: [round(t, 1) for t in found] for how, found in pair.takeovers.items()}
    print(f"{churn.deeds}; takeovers {takeovers}; ends {first.ends} {second.ends}")
    created = stage.calls.created_jobs()
    assert len(created) == len(set(created)), [a for a, b in pairwise(sorted(created)) if a == b]
    assert max(max(found) for found in pair.takeovers.values()) < TAKEOVER_MAX_SECONDS


def _disturb(pair: Pair, churn: Churn, draw: random.Random) -> None:
    """Churn, and do away with each leader after a while."""
    ends = time.monotonic() + SECONDS * DISTURBED
    ways = [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM]
    for number in range(10**6):
        pause = time.monotonic() + draw.uniform(3, 9)
        while time.monotonic() < pause:
            churn.act()
            time.sleep(draw.uniform(0.3, 1.5))
        if time.monotonic() > ends and number >= len(ways):
            return
        pair.remove_leader(ways[number % len(ways)])


def _measure(pair: Pair, churn: Churn) -> list[tuple[float, float]]:
    """Churn on; return seconds and megabytes of the one leader."""
    samples = []
    began = time.monotonic()
    while (passed := time.monotonic() - began) < SECONDS * MEASURED:
        churn.act()
        samples.append((passed, pair.megabytes()))
        time.sleep(1)
    return samples


def _assert_no_growth(samples: list[tuple[float, float]]) -> None:
    warm = samples[len(samples) // 3 :]
    slope, _ = linear_regression([s for s, _ in warm], [m for _, m in warm])
    growth = slope * (warm[-1][0] - warm[0][0])
    print(f"memory {warm[0][1]:.1f} to {warm[-1][1]:.1f} MB, {slope * 3600:+.1f} MB an hour")
    assert growth < GROWTH_MAX_MEGABYTES


def _assert_rest(stage: Stage, churn: Churn, pair: Pair) -> None:
    """Nothing is left to do, also in the eyes of a process that starts anew."""
    eventually(lambda: _is_silent_for(stage, 6), timeout=120, every=0.1)
    for name in churn.living:  # those that wait for another attempt would write at its time
        if stage.condition("Ready", name)[1] == "TrainingFailed":
            path = f"{ROOT}/namespaces/{stage.namespace}/tradingbots/{name}"
            stage.api.request("DELETE", path)
    eventually(lambda: _is_silent_for(stage, 6), timeout=120, every=0.1)
    eventually(lambda: _metric(PORTS[pair.leader()], "botcripto_queue_depth") == 0)
    before = stage.calls.writes()
    stage.wake()
    time.sleep(4)
    pair.remove_leader(signal.SIGTERM, busy=False)
    leader = PORTS[pair.leader()]
    eventually(lambda: _metric(leader, "botcripto_reconcile_total", sum_all=True) > 0)
    time.sleep(6)
    assert stage.calls.writes()[len(before) :] == []
    assert _metric(leader, "botcripto_queue_depth") == 0


def _is_silent_for(stage: Stage, seconds: float) -> bool:
    before = len(stage.calls.writes())
    time.sleep(seconds)
    return len(stage.calls.writes()) == before


def _metric(port: int, name: str, *, sum_all: bool = False) -> float:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    text = opener.open(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
    values = [float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)]
    return sum(values) if sum_all else values[0]
