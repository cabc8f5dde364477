"""The exception tree. Each class carries its exit code and says what happens next.

    StepError
    ├── ConfigurationError        the run configuration is wrong
    ├── CredentialsError          the exchange refuses the key
    ├── DataUnusableError         candles are too few or broken
    ├── ExchangeUnavailableError  the exchange did not answer
    ├── ArtifactInvalidError      a stored file cannot be trusted
    ├── ModelUnfitError           nothing could be exported with parity
    ├── StoreUnavailableError     the volume does not take or give files
    ├── BusyError                 another run of the same bot is under way
    ├── LookAheadError            a backtest knew candles that came later
    └── OutputUnavailableError    nobody takes what the step has to tell

Only `steps.step`, and on a laptop `local.run`, catch them: they report the message and end with the
exit code. `command_line` catches what cannot be reported. Messages name what was found and what to
do, and never hold a secret.
"""

import errno
import os
from typing import ClassVar, Final

from bot_runtime.contract.exitcodes import ExitCode


class StepError(Exception):
    """Base of every expected failure of a step: the step ends with `exit_code`."""

    exit_code: ClassVar[ExitCode] = ExitCode.CRASH


class ConfigurationError(StepError):
    """The step ends at once and is not repeated until the spec changes."""

    exit_code = ExitCode.CONFIGURATION


class CredentialsError(StepError):
    """The step ends at once and waits for a change of the secret."""

    exit_code = ExitCode.CREDENTIALS_REJECTED


class DataUnusableError(StepError):
    """The step ends at once; a later attempt may find more candles."""

    exit_code = ExitCode.DATA_UNUSABLE


class ExchangeUnavailableError(StepError):
    """The step ends after its own retries, and is repeated as a whole later."""

    exit_code = ExitCode.EXCHANGE_UNAVAILABLE


class ArtifactInvalidError(StepError):
    """The step ends at once: the file or version is not used, whatever it holds."""

    exit_code = ExitCode.ARTIFACT_INVALID


class ModelUnfitError(StepError):
    """The step ends at once and publishes nothing."""

    exit_code = ExitCode.MODEL_UNFIT


class StoreUnavailableError(StepError):
    """The step ends and is repeated later: the volume may come back or be enlarged."""

    exit_code = ExitCode.STORE_UNAVAILABLE


class BusyError(StepError):
    """The step ends and has done nothing: the run that is under way does it, or the next one."""

    exit_code = ExitCode.OK


class LookAheadError(StepError):
    """The backtest ends without a result: it is a bug, and nothing of it can be believed."""


class OutputUnavailableError(StepError):
    """The step ends and is repeated later: what it did is not known to anybody."""

    exit_code = ExitCode.STORE_UNAVAILABLE


_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def find_lack_of_room(failure: BaseException) -> StoreUnavailableError | None:
    """Return what a full disk outside the store made a library raise, in words; None for others."""
    if not isinstance(failure, OSError):
        return None
    if failure.errno in _NO_ROOM:
        where = failure.filename or "a file outside the store"
        return StoreUnavailableError(f"{where}: {os.strerror(failure.errno)}; make room there")
    if failure.errno == errno.ENOENT and failure.filename is None:  # as tempfile tells it
        return StoreUnavailableError(
            f"temporary folder: {failure.strerror}; make room in one of them, or set TMPDIR"
        )
    return None
