"""The one place of the tests that waits: look again until what is awaited is there."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], *, timeout: float = 30, every: float = 0.2) -> Found:
    """Return the first true value that `look` returns within `timeout` seconds.

    What `look` raises counts as not there yet. At the end an AssertionError tells the last value
    or error, and how long was waited.
    """
    deadline = time.monotonic() + timeout
    while True:
        error: Exception | None = None
        last = ""
        try:
            found = look()
        except Exception as e:  # noqa: BLE001 - an object that is not there yet raises many things
            error, last = e, f"{type(e).__name__}: {e}"
        else:
            if found:
                return found
            last = f"found {found!r}"
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout:g} s; at last {last}") from error
        time.sleep(every)
