"""Standard output: a line either arrives or ends the program with a message, never a traceback."""

import os
import sys
from contextlib import suppress
from typing import TextIO

from bot_runtime.process.errors import OutputUnavailableError


def write_out(stream: TextIO, text: str) -> None:
    """Write a text at once, also into a pipe; raises OutputUnavailableError."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as e:
        raise OutputUnavailableError(f"standard output: cannot be written: {e.strerror}") from e


def drop_output() -> None:
    """Let go of what standard output has not taken, so that the interpreter's end is silent."""
    with suppress(OSError, ValueError):  # ValueError: a stream without a file, as in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
