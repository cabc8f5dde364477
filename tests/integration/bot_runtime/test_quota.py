"""Under a quota of the kernel, every pool of threads that a step uses has the quota's size."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.quota import NoQuotaError, cpu_quota, within

CORES = len(os.sched_getaffinity(0))
ASK = """
import json
from bot_runtime.__main__ import main
try:
    main(["--help"])  # what every command does first
except SystemExit:
    pass
from bot_runtime.threads import cpu_count
import numpy, torch, threadpoolctl, lightgbm, onnxruntime
torch.ones(64, 64) @ torch.ones(64, 64)
pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
print(json.dumps({"cpu_count": cpu_count(), "torch": torch.get_num_threads(), **pools}))
"""


def pools(group: Path | None) -> dict[str, int]:
    """Return the size of every pool of a process in the group."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", ASK]
    done = subprocess.run(
        within(group, command) if group else command,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]  # JSON


@pytest.mark.skipif(CORES < 2, reason="on one core every pool has one thread")
def test_pools_have_the_size_of_the_quota() -> None:
    try:
        with cpu_quota(1.0) as group:
            found = pools(group)
    except NoQuotaError as e:
        pytest.skip(f"no control group: {e}")
    assert set(found.values()) == {1}, found
    assert len(found) >= 4
    assert pools(None)["cpu_count"] == CORES
