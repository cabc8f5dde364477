"""One line that says how far a long command is: rewritten on a terminal, now and then elsewhere."""

import time
from dataclasses import dataclass
from typing import Final, TextIO

from bot_runtime.process.output import write_out

SECONDS: Final = 10.0
"""Where there is no terminal, a line is printed this often."""
_ERASE: Final = "\r\x1b[K"


@dataclass(slots=True)
class ProgressLine:
    """Shows what is done at the moment and which share of it is done."""

    stream: TextIO
    _shown_at: float = 0.0
    _open: bool = False

    def show(self, what: str, share: float) -> None:
        """Show the progress; an older line of it is overwritten."""
        now = time.monotonic()
        if self.stream.isatty():
            write_out(self.stream, f"{_ERASE}{share:4.0%} {what}")
            self._open = True
        elif now - self._shown_at >= SECONDS:
            write_out(self.stream, f"{share:4.0%} {what}\n")
            self._shown_at = now

    def end(self, text: str) -> None:
        """Print what came of it on lines of their own."""
        write_out(self.stream, f"{_ERASE if self._open else ''}{text}\n")
        self._open = False
