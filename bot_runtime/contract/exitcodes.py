"""Exit codes of the runtime: what happened, and whether trying again can help.

The values follow sysexits.h where one fits. The operator turns them into a podFailurePolicy.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit code of one step; the docstring of each member says what the operator does about it."""

    OK = 0
    """Done; the result is in the termination message."""
    CRASH = 1
    """Unexpected error (a bug, or the interpreter's own exit): retried up to the backoff limit."""
    DATA_UNUSABLE = 65
    """Too few candles, broken rows: the Job fails at once; a new attempt is made later."""
    ARTIFACT_INVALID = 66
    """A stored file is missing, corrupt or of an unknown contract version: fails at once."""
    MODEL_UNFIT = 67
    """No candidate could be exported with parity: nothing is published; fails at once."""
    EXCHANGE_UNAVAILABLE = 69
    """The exchange did not answer after all retries: retried up to the backoff limit."""
    STORE_UNAVAILABLE = 74
    """The volume or another disk is full, read-only or gone, or the result cannot be told: retried
    up to the backoff limit."""
    CREDENTIALS_REJECTED = 77
    """The exchange refuses the key: fails at once, and waits for a change of the secret."""
    CONFIGURATION = 78
    """The run configuration is wrong or of an unknown contract version: fails at once."""


FAIL_AT_ONCE: tuple[ExitCode, ...] = (
    ExitCode.DATA_UNUSABLE,
    ExitCode.ARTIFACT_INVALID,
    ExitCode.MODEL_UNFIT,
    ExitCode.CREDENTIALS_REJECTED,
    ExitCode.CONFIGURATION,
)
"""Exit codes after which the same pod would fail again: the Job is not retried."""
