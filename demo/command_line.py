"""The demo's command line.

Environment: CANDLES=file trades the user's own candles; CLUSTER=current with CONTEXT=name uses the
cluster that kubectl points at.
"""

import os
import signal
from pathlib import Path

from bot_exchange.market.file_rows import CandleFileError
from bot_runtime.process.output import drop_output
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
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except OSError as e:  # of a file, or of standard output
        drop_output()
        return fail(f"demo: {f'{e.filename}: ' if e.filename else ''}{e.strerror or e}")


def _run(arguments: list[str]) -> int:
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
