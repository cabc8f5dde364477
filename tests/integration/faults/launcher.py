"""The operator as it is, with a clock that jumps, little patience and a loop that can be blocked.

`python -m tests.integration.faults.launcher run ...`, told by the environment:
FAULT_CLOCK names a file with the seconds that the operator's clock is wrong by now;
FAULT_PATIENCE is the silence, in seconds, after which a watch is begun anew (70 otherwise);
FAULT_TOKEN is how long, in seconds, the account's token is remembered (60 otherwise);
on SIGUSR1 the event loop is blocked for FAULT_BLOCK seconds.
"""

import os
import signal
import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import kopf
from kubernetes.aio.config import incluster_config

from bot_operator import __main__ as program
from bot_operator import leadership
from bot_operator.watching import handlers


class JumpingClock(datetime):
    """Wrong by as many seconds as the file says at the moment of the question."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        """Return the wrong time."""
        wrong_by = float(Path(os.environ["FAULT_CLOCK"]).read_text(encoding="utf-8"))
        return datetime.now(tz) + timedelta(seconds=wrong_by)


def _impatient(build: Any, seconds: float) -> Any:
    def build_settings(**given: Any) -> kopf.OperatorSettings:
        settings: kopf.OperatorSettings = build(**given)
        settings.watching.inactivity_timeout = seconds
        return settings

    return build_settings


def _forgetful(build: Any, seconds: float) -> Any:
    def build_loader(**given: Any) -> Any:
        loader = build(**given)
        loader._token_refresh_period = timedelta(seconds=seconds)
        return loader

    return build_loader


def main() -> int:
    """Run the operator with the faults that the environment names."""
    if "FAULT_CLOCK" in os.environ:
        for module in (program, leadership):
            vars(module)["datetime"] = JumpingClock
    if "FAULT_PATIENCE" in os.environ:
        patience = float(os.environ["FAULT_PATIENCE"])
        vars(handlers)["build_settings"] = _impatient(handlers.build_settings, patience)
    if "FAULT_TOKEN" in os.environ:
        loader, seconds = "InClusterConfigLoader", float(os.environ["FAULT_TOKEN"])
        found = vars(incluster_config)
        found[loader] = _forgetful(found[loader], seconds)
    block = float(os.environ.get("FAULT_BLOCK", "0"))
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(block))
    return program.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
