"""A minimal operator on controller-runtime, in Go, that stands beside ours in `reconcile-1000`.

Its source is in benchmarks/go; the program is built once per source into the cache folder. It runs
as the administrator: what its requests cost without a Role counts in its favour.
"""

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.client import connect
from benchmarks.fleet import serve
from tests.cluster import binaries
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.install import create_namespace
from tools.environment import cache_folder

SOURCE = Path(__file__).parent / "go"
GO = (1, 25)


def build() -> Path:
    """Return the program, built where it is not yet.

    Raises:
        ClusterError: it cannot be built; with what the compiler said.
    """
    digest = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        digest.update((SOURCE / name).read_bytes())
    program = cache_folder() / f"bench-operator-{digest.hexdigest()[:12]}"
    if program.exists():
        return program
    print("   building the operator in Go, once per source", flush=True)
    partial = program.with_suffix(".part")
    done = subprocess.run(
        [str(binaries.find_go(GO, print)), "build", "-trimpath", "-o", str(partial), "."],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ClusterError(f"building {SOURCE} failed:\n{done.stderr[-3000:]}")
    partial.rename(program)
    return program


def measure(cluster: Cluster, names: list[str], *, tuned: bool) -> float:
    """Return the seconds from the first creation until each bot has its claim and its status."""
    namespace = f"bench-go-{'tuned' if tuned else 'default'}"
    create_namespace(cluster.kubectl, namespace)

    async def run() -> float:
        async with connect(cluster.kubeconfig) as client:
            await serve(client, namespace, ["warm-up"])
            started_at = time.perf_counter()
            await serve(client, namespace, names)
            return time.perf_counter() - started_at

    with _running(cluster, namespace, tuned=tuned):
        return asyncio.run(run())


@contextmanager
def _running(cluster: Cluster, namespace: str, *, tuned: bool) -> Iterator[None]:
    command = [str(build()), f"--namespace={namespace}", f"--tuned={str(tuned).lower()}"]
    with subprocess.Popen(
        command,
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()
