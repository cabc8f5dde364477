"""The operator is killed at every single write of a bot's whole life, and ends in the same objects.

`make test` draws some of the points, `make crash-points` takes all of them (CRASH_POINTS=all), or
those from CRASH_FROM on where an earlier run was stopped.
"""

import os
import random
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.eventually import eventually
from tests.integration.faults.proxy import Asked, Cut, Proxy
from tests.integration.faults.story import assert_each_job_once, ending, forget, tell
from tests.integration.faults.supervisor import Supervisor, supervised
from tests.integration.stage import Stage

DRAWN = 4
ALL = os.environ.get("CRASH_POINTS") == "all"
FROM = int(os.environ.get("CRASH_FROM") or 0)


@dataclass
class Writes:
    """Counts the writes that pass the proxy, and kills the operator at one of them."""

    supervisor: Supervisor
    kill_at: int | None = None
    acted: bool = False
    seen: list[str] = field(default_factory=list)

    def rule(self, asked: Asked) -> Cut | None:
        """Return the fault for one request."""
        if not asked.is_write:
            return None
        number = len(self.seen)
        self.seen.append(f"{asked.method} {asked.path}")
        return Cut(self.acted, self.supervisor.kill) if number == self.kill_at else None


@pytest.mark.timeout(7200 if ALL else 600)
def test_killed_at_any_write_it_ends_in_the_same_objects(stage: Stage, proxy: Proxy) -> None:
    with stage.kubelet, supervised(stage.operator) as supervisor:
        writes = Writes(supervisor)
        proxy.rule = writes.rule
        reference = tell(stage)
        total = len(writes.seen)
        assert total > 40, writes.seen
        points = [(n, acted) for n in range(total) for acted in (False, True)]
        seed = int(os.environ.get("CRASH_SEED") or time.time_ns() % 10**6)
        points = points[FROM:] if ALL else random.Random(seed).sample(points, DRAWN)
        print(f"{len(points)} of {2 * total} points, CRASH_SEED={seed}")
        for number, acted in points:
            forget(stage)
            _tell_killed_at(stage, proxy, Writes(supervisor, number, acted), reference)
    assert supervisor.ends.count(-9) >= len(points) * 0.9


def _tell_killed_at(stage: Stage, proxy: Proxy, writes: Writes, reference: Any) -> None:
    jobs = len(stage.calls.created_jobs())
    ends = len(writes.supervisor.ends)
    proxy.rule = writes.rule
    began = time.monotonic()
    tell(stage)

    def as_undisturbed() -> bool:
        assert ending(stage) == reference
        return True

    moment = "after" if writes.acted else "before"
    assert writes.kill_at is not None
    at = writes.seen[writes.kill_at] if writes.kill_at < len(writes.seen) else "none"
    eventually(as_undisturbed, timeout=30)
    assert_each_job_once(stage.calls, jobs)
    killed = len(writes.supervisor.ends) - ends
    seconds = time.monotonic() - began
    print(f"killed {killed} times, {moment} write {writes.kill_at}: {at} ({seconds:.1f} s)")
