"""A secret that is mounted as files: read, judged by what can be told of it, and never shown."""

from pathlib import Path

from bot_runtime.contract.secrets import Fault, SecretKind, describe_faults
from bot_runtime.process.errors import ConfigurationError


def load_secret(folder: Path, kind: SecretKind, what: str) -> dict[str, str]:
    """Return the values of a secret by its keys, without those that it does not have.

    Raises ConfigurationError that begins with `what` and names the files that cannot be right.
    """
    read = {key: _read(folder, key, what) for key in (*kind.required, *kind.optional)}
    values = {key: value for key, value in read.items() if value is not None}
    faults = kind.find_faults(values)
    if faults:
        raise ConfigurationError(f"{what}: {describe_faults(faults)}")
    return {key: value.decode().strip() for key, value in values.items()}


def _read(folder: Path, key: str, what: str) -> bytes | None:
    try:
        return (folder / key).read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        raise ConfigurationError(
            f"{what}: {key}: {Fault.UNREADABLE.words}; mount a file that may be read"
        ) from None
