"""What becomes of a namespace's objects while a story goes on: every version, in order."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot_runtime.contract.names import LABEL_BOT
from tests.cluster.cluster import Cluster
from tests.e2e.world import Object

ROOTS = {
    "tradingbots": "/apis/botcripto.io/v1alpha1",
    "modeltrainings": "/apis/botcripto.io/v1alpha1",
    "cronjobs": "/apis/batch/v1",
    "jobs": "/apis/batch/v1",
    "pods": "/api/v1",
    "configmaps": "/api/v1",
}
# A watch ends when its CRD changes; the next one begins with what is there.
AGAIN = 'while :; do "$@"; sleep 0.1; done'


@dataclass(frozen=True, slots=True)
class Recording:
    """A file for each kind of objects, written while it is read."""

    folder: Path

    def versions(self, kind: str, bot: str) -> list[Object]:
        """Return every version of a bot, or of the objects that carry its label, oldest first."""
        with (self.folder / kind).open(encoding="utf-8") as lines:
            whole = [json.loads(line) for line in lines if line.endswith("\n")]
        every = [line["object"] for line in whole if line["type"] != "ERROR"]
        return [o for o in every if _bot_of(o) == bot]


def _bot_of(item: Object) -> str:
    metadata = item["metadata"]
    return str(metadata.get("labels", {}).get(LABEL_BOT) or metadata["name"])


@contextmanager
def recording(cluster: Cluster, namespace: str, folder: Path) -> Iterator[Recording]:
    """Record until the block is left."""
    with ExitStack() as stack:
        for kind, root in ROOTS.items():
            path = f"{root}/namespaces/{namespace}/{kind}?watch=1"
            stack.enter_context(
                _writing(cluster.kubectl_command("get", "--raw", path), folder / kind)
            )
        yield Recording(folder)


@contextmanager
def _writing(command: list[str], path: Path) -> Iterator[None]:
    with path.open("wb") as file:
        argv = ["sh", "-c", AGAIN, "sh", *command]
        process = subprocess.Popen(
            argv, stdout=file, stderr=subprocess.DEVNULL, start_new_session=True
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
