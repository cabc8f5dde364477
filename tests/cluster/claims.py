"""What clusters of one machine share, handed out under one lock: slots, stores, sysctl values.

A claim is a small file that names the cluster that holds it. A claim of a cluster without a living
process is void, so a crash leaks none.
"""

import contextlib
import fcntl
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import processes
from tests.cluster.errors import ClusterError
from tools.environment import cache_folder


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of this machine's user, in `folder`."""

    folder: Path

    @classmethod
    def of_user(cls) -> "Claims":
        """Return the claims under the user's cache folder."""
        return cls(cache_folder() / "claims")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of all claims; the kernel lets go of it when this process dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def take(self, kind: str, candidates: Iterator[int], identity: str) -> int:
        """Claim the first number of `candidates` that no other living cluster holds.

        Raises:
            ClusterError: every candidate is held.
        """
        with self.locked():
            for number in candidates:
                claim = self.folder / f"{kind}-{number}"
                if self._holder(claim) in {None, identity}:
                    claim.write_text(identity)
                    return number
        raise ClusterError(f"every {kind} of this machine is taken by another cluster")

    def _holder(self, claim: Path) -> str | None:
        try:
            identity = claim.read_text()
        except FileNotFoundError:
            return None
        # A cluster that is just being started has a lock but no process yet.
        return identity if processes.is_alive(identity) or is_busy(identity) else None

    def release(self, identity: str) -> None:
        """Give back what a cluster holds."""
        with self.locked():
            for claim in self.folder.glob("*-*"):
                if claim.read_text() == identity:
                    claim.unlink()

    def _other_nodes(self, identity: str) -> bool:
        """Say whether another living cluster has a node (they alone hold stores)."""
        holders = {self._holder(claim) for claim in self.folder.glob("store-*")}
        return bool(holders - {None, identity})

    def set_sysctl(self, name: str, value: str) -> None:
        """Set a kernel parameter; the first to do so notes down what it was before."""
        path = sysctl_path(name)
        record = self.folder / "sysctl.json"
        with self.locked():
            before = json.loads(record.read_text()) if record.exists() else {}
            found = path.read_text().strip()
            if found == value:
                return
            before.setdefault(name, {"value": found, "boot": boot_id()})
            record.write_text(json.dumps(before))
            path.write_text(value)

    def restore_sysctls(self, identity: str) -> None:
        """Put every kernel parameter back as it was, unless another node is still up."""
        record = self.folder / "sysctl.json"
        with self.locked():
            if not record.exists() or self._other_nodes(identity):
                return
            for name, before in json.loads(record.read_text()).items():
                if before["boot"] == boot_id():
                    sysctl_path(name).write_text(before["value"])
            record.unlink()


def is_busy(identity: str) -> bool:
    """Say whether a cluster is being brought up or down at this moment."""
    path = lock_path(identity)
    if not path.exists():
        return False
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def lock_path(identity: str) -> Path:
    """Return the lock that whoever brings a cluster up or down holds."""
    return cache_folder() / "claims" / f"{identity}.lock"


@contextlib.contextmanager
def exclusive(identity: str) -> Iterator[None]:
    """Hold a cluster's lock."""
    path = lock_path(identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(
                "waiting: another command of this cluster is at work", file=sys.stderr, flush=True
            )
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def sysctl_path(name: str) -> Path:
    """Return the file of a kernel parameter given in dotted form."""
    return Path("/proc/sys") / name.replace(".", "/")


def boot_id() -> str:
    """Return what is different after every start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
