"""A real test exchange in a process of its own, and the levers of a test on it."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MINUTE_MS = 60_000
API_KEY = "K3yOfTheTestExchange00000000001"
API_SECRET = "S3cretOfTheTestExchange0000001"
WITHDRAWER_KEY = "K3yThatMayWithdraw000000000002"


@dataclass(frozen=True)
class Exchange:
    """The address of the test exchange and the levers of a test."""

    url: str

    def order(self, **faults: Any) -> None:
        """Set the faults from now on; those not named are off."""
        self._post("faults", faults)

    def stop_clock(self) -> int:
        """Let the exchange's clock stand at the present and return it in milliseconds.

        It stands in the middle of a minute, so that rounding never meets a boundary.
        """
        now_ms = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS + MINUTE_MS // 2
        self.set_clock(now_ms)
        return now_ms

    def set_clock(self, now_ms: int) -> None:
        """Let the exchange's clock stand at a time."""
        self._post("clock", {"now_ms": now_ms, "speed": 0})

    def _post(self, what: str, order: dict[str, Any]) -> None:
        request = urllib.request.Request(  # loopback, for the test's own process
            f"{self.url}/_control/{what}", data=json.dumps(order).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


@contextlib.contextmanager
def exchange_with(*flags: str) -> Iterator[Exchange]:
    """Run a test exchange with further flags as long as the block lasts."""
    keys = {
        "keys": [
            {"api_key": API_KEY, "secret": API_SECRET},
            {"api_key": WITHDRAWER_KEY, "secret": API_SECRET, "can_withdraw": True},
        ]
    }
    command = [sys.executable, "-m", "bot_exchange", "serve", "--port", "0", "--control"]
    command += ["--credentials-env", "KEYS", "--weight-limit", "1000000", *flags]
    environment = os.environ | {"KEYS": json.dumps(keys)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Exchange(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()
