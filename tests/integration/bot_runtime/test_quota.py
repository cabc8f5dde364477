"""Under a quota of the kernel, every pool of threads that a step uses has the quota's size."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quota import NoQuotaError, cpu_quota, within
from tests.unit.bot_runtime.markets import save_graph

CORES = len(os.sched_getaffinity(0))
ASK = """
import json
from bot_runtime.command_line import main
try:
    main(["--help"])  # what every command does first
except SystemExit:
    pass
from bot_runtime.process.threads import cpu_count
import os, pathlib, sys
import numpy, torch, threadpoolctl, lightgbm
from bot_runtime.store.bundle import Graph
from bot_runtime.serving.version import GraphRunner
before = len(os.listdir("/proc/self/task"))
graph = Graph(file="risk.onnx", sha256="0" * 64)
runner = GraphRunner(pathlib.Path(sys.argv[1]), (graph,), 1, cpu_count())
runner.raw(numpy.zeros((4, 3)), numpy.arange(4))
graphs = 1 + len(os.listdir("/proc/self/task")) - before  # the thread that asks computes too
torch.ones(64, 64) @ torch.ones(64, 64)
pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
own = {"cpu_count": cpu_count(), "torch": torch.get_num_threads(), "onnxruntime": graphs}
print(json.dumps({**own, **pools}))
"""


def pools(group: Path | None, graphs: Path) -> dict[str, int]:
    """Return the size of every pool of a process in the group, which loads risk.onnx."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", ASK, str(graphs)]
    done = subprocess.run(
        within(group, command) if group else command,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]  # JSON


@pytest.mark.skipif(CORES < 2, reason="on one core every pool has one thread")
def test_pools_have_the_size_of_the_quota(tmp_path: Path) -> None:
    save_graph(tmp_path / "risk.onnx", 3, [0.0])
    try:
        with cpu_quota(1.0) as group:
            found = pools(group, tmp_path)
    except NoQuotaError as e:
        pytest.skip(f"no control group: {e}")
    assert set(found.values()) == {1}, found
    assert len(found) >= 5
    free = pools(None, tmp_path)
    assert free["cpu_count"] == free["onnxruntime"] == CORES
