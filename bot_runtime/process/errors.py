"""The exception tree. Each class carries its exit code and says what happens next.

    StepError
    ├── ConfigurationError        the run configuration is wrong
    ├── CredentialsError          the exchange refuses the key
    ├── DataUnusableError         candles are too few or broken
    ├── ExchangeUnavailableError  the exchange did not answer
    ├── ArtifactInvalidError      a stored file cannot be trusted
    ├── ModelUnfitError           nothing could be exported with parity
    └── StoreUnavailableError     the volume does not take or give files

Only `__main__` catches them: it reports the message and ends with the exit code. Messages name what
was found and what to do, and never hold a secret.
"""

from typing import ClassVar

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
