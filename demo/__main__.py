"""The demo: `python -m demo` on a cluster, `python -m demo local` as plain processes.

Environment: CANDLES=file trades the user's own candles; CLUSTER=current with CONTEXT=name uses the
cluster that kubectl points at.
"""

import os
import sys
from pathlib import Path

from bot_exchange.market.file_rows import CandleFileError
from demo.local import run_local
from demo.market import DemoMarket
from demo.on_cluster import run_on_cluster
from demo.steps import DemoError, fail
from tests.cluster.errors import ClusterError, RequirementsMissing

OTHER_WAYS = """
No node can run on this machine. Two other ways:
  make demo CLUSTER=current CONTEXT=<name>   on the cluster that kubectl points at
  make demo-local                            the same YAML as plain processes, without Kubernetes"""


def main(arguments: list[str]) -> int:
    """Run the demo; return its exit code: 0 for a bot that decides or was rightly rejected."""
    candles = os.environ.get("CANDLES")
    try:
        market = DemoMarket.of_file(Path(candles)) if candles else DemoMarket()
    except (CandleFileError, ValueError) as e:
        return fail(f"CANDLES: {e}")
    if arguments not in ([], ["local"]):
        return fail(f"demo: found {' '.join(arguments)}; write `local` or nothing")
    try:
        return run_local(market) if arguments else run_on_cluster(market)
    except RequirementsMissing as e:
        return fail(f"{e}\n{OTHER_WAYS}")
    except (ClusterError, DemoError) as e:
        return fail(str(e))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
