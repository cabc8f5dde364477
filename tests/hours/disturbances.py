"""What is done to a bot's hours, and when: at fractions of the whole."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.cluster.cluster import Cluster
from tests.e2e import pod_processes
from tests.e2e.hand_runs import INFER, TRADE, has_ended
from tests.e2e.world import World
from tests.eventually import eventually

OPERATOR = "app.kubernetes.io/component=operator"
MINUTE = 60


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that is done once; `at` is a fraction of the whole time."""

    at: float
    name: str
    do: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Disturber:
    """Does to a bot what users, machines and bad luck do."""

    cluster: Cluster
    world: World
    bot: str

    def plan(self) -> list[Disturbance]:
        """Return what is done, in order; the last sixth of the time is left alone."""
        return [
            Disturbance(
                0.080, "trade killed 0.3 s after its start", partial(self._kill, TRADE, 0.3)
            ),
            Disturbance(0.150, "operator's process killed", self._kill_operator),
            Disturbance(0.220, "containerd killed, restarted at once", self._restart_containerd),
            Disturbance(0.300, "operator taken away", self.world.stop_operator),
            Disturbance(0.328, "operator back", self.world.start_operator),
            Disturbance(0.400, "trade killed 1 s after its start", partial(self._kill, TRADE, 1.0)),
            Disturbance(0.460, "infer killed 1 s after its start", partial(self._kill, INFER, 1.0)),
            Disturbance(0.520, "containerd taken away", self.cluster.kill_containerd),
            Disturbance(0.532, "containerd back", self.cluster.resume_containerd),
            Disturbance(0.620, "operator's pod deleted at once", self._delete_operator),
            Disturbance(0.700, "containerd restarted in a run", self._restart_containerd_in_a_run),
            Disturbance(0.760, "trade killed 2 s after its start", partial(self._kill, TRADE, 2.0)),
            Disturbance(0.810, "operator's process killed", self._kill_operator),
        ]

    def _run_under_way(self) -> str:
        """Wait for the next run; return the UID of its pod."""
        time.sleep(MINUTE - time.time() % MINUTE)

        def of_the_minute() -> str:
            living = [p for p in self.world.pods_of(self.bot) if not has_ended(p)]
            return str(living[0]["metadata"]["uid"]) if living else ""

        return eventually(of_the_minute, timeout=2 * MINUTE, every=0.5)

    def _kill(self, program: str, after: float) -> None:
        uid = self._run_under_way()
        pod_processes.wait_for(uid, program)
        time.sleep(after)
        pod_processes.kill(uid, program)

    def _kill_operator(self) -> None:
        for pod in self.world.all("pods", OPERATOR):
            pod_processes.kill(pod["metadata"]["uid"], "bot_operator")

    def _delete_operator(self) -> None:
        self.world.kubectl(
            "delete", "pod", f"--namespace={self.world.namespace}", "--grace-period=0", "--force",
            f"--selector={OPERATOR}",
        )  # fmt: skip

    def _restart_containerd(self) -> None:
        self.cluster.kill_containerd()
        self.cluster.resume_containerd()

    def _restart_containerd_in_a_run(self) -> None:
        pod_processes.wait_for(self._run_under_way(), TRADE)
        self._restart_containerd()
