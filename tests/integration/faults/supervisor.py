"""What the kubelet does for the operator: a process that ends is started again."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.integration.operator_process import OperatorProcess


@dataclass
class Supervisor:
    """Keeps one operator process running; a test signals it."""

    operator: OperatorProcess
    down_seconds: float = 0.1
    """How long a process that ended stays away."""
    ends: list[int] = field(default_factory=list)
    """Exit codes of the processes that ended, in order; -9 for one that was killed."""

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Start the process, and again whenever it ends."""
        self.operator.start()
        self._thread.start()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process of now."""
        process = self.operator.process
        assert process is not None
        process.send_signal(number)  # nothing happens where it has ended

    def kill(self) -> None:
        """End the process without a word; the next one starts a moment later."""
        self.signal(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The number of the process of now."""
        assert self.operator.process is not None
        return self.operator.process.pid

    def close(self) -> None:
        """End the process for good."""
        self._stop.set()
        self._thread.join(timeout=10)
        if self.operator.process is not None:
            self.signal(signal.SIGCONT)
        self.operator.kill()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            process = self.operator.process
            if process is not None and process.poll() is not None:
                self.ends.append(process.returncode)
                if not self._stop.wait(self.down_seconds):
                    self.operator.start()


@contextmanager
def supervised(operator: OperatorProcess) -> Iterator[Supervisor]:
    """Keep the operator running for a while."""
    supervisor = Supervisor(operator)
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.close()
