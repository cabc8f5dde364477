"""Named steps with their durations: what the demo shows while it works."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DemoError(Exception):
    """The demo did not reach its end; the message says where. It is shown, and the demo exits."""


class Steps:
    """Prints each step as it starts and ends; keeps the durations for a table at the end."""

    def __init__(self) -> None:
        """Start the clock."""
        self.durations: list[tuple[str, float]] = []
        self._started_at = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Run the body as the step `name`; a failure is marked and passed on."""
        say(f"\n▶ {name}")
        started_at = time.monotonic()
        try:
            yield
        except BaseException:
            say(f"✘ {name}  ({time.monotonic() - started_at:.1f} s)")
            raise
        elapsed = time.monotonic() - started_at
        self.durations.append((name, elapsed))
        say(f"✔ {name}  ({elapsed:.1f} s)")

    def table(self) -> str:
        """Return the durations of all steps and their sum, a line each."""
        width = max((len(name) for name, _ in self.durations), default=0)
        lines = [f"  {name:<{width}}  {seconds:7.1f} s" for name, seconds in self.durations]
        total = time.monotonic() - self._started_at
        return "\n".join([*lines, f"  {'all':<{width}}  {total:7.1f} s"])

    def save(self, path: Path) -> None:
        """Write the durations as JSON, for docs/performance.md."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dict(self.durations), indent=2) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def show(text: str) -> None:
    """Print indented, as what another program said."""
    say("\n".join(f"    {line}" for line in text.rstrip().splitlines()))


def fail(text: str) -> int:
    """Print an error and return the exit code of a demo that did not reach its end."""
    print(text, file=sys.stderr, flush=True)
    return 1
