"""A signal as it stands in a bot's status: shortened, with its provenance."""

from typing import Any, Final

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bot_runtime.contract.base import Model
from bot_runtime.contract.signal import ShortSignal

OLD_NAMES: Final = {
    "barCloseTs": "bar_close_ts",
    "probUp": "prob_up",
    "expectedReturn": "expected_return",
    "riskScore": "risk_score",
    "modelVersion": "model_version",
    "gitCommit": "git_commit",
    "runDigest": "run_digest",
}
"""What the first release called these fields. An operator of it reads them after a roll-back."""


def _with_old_names(schema: dict[str, Any]) -> None:
    """Let the API server keep both spellings, and ask for neither."""
    properties = schema["properties"]
    for new, old in OLD_NAMES.items():
        text = f"The old name of {new}, written beside it for one release."
        properties[old] = {**properties[new], "description": text}
    schema["required"] = [name for name in schema["required"] if name not in OLD_NAMES]


class StatusSignal(ShortSignal, Model):
    """A signal as it stands in a bot's status: with its provenance.

    For one release it is read by the old names as well, and written by both.
    """

    model_config = ConfigDict(json_schema_extra=_with_old_names)

    model_version: str = Field(max_length=80, description="Version of the models that decided.")
    git_commit: str = Field(max_length=64, description="Commit of the code that decided.")
    run_digest: str = Field(max_length=64, description="SHA-256 of the run configuration.")
    produced_by: str = Field(max_length=36, description="UID of the pod that decided.")

    @classmethod
    def of(
        cls, short: ShortSignal, *, version: str, commit: str, digest: str, pod: str
    ) -> "StatusSignal":
        """Return a signal of a termination message with what the message and its pod are."""
        return cls(
            **short.model_dump(),
            model_version=version,
            git_commit=commit,
            run_digest=digest,
            produced_by=pod,
        )

    @model_validator(mode="before")
    @classmethod
    def _read_either_name(cls, given: Any) -> Any:
        """Take the new name where both are there; the old one is the field's name in Python."""
        if not isinstance(given, dict):
            return given
        doubled = {old for new, old in OLD_NAMES.items() if new in given}
        return {name: value for name, value in given.items() if name not in doubled}

    @model_serializer(mode="wrap")
    def _write_both_names(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        old = {old: written[new] for new, old in OLD_NAMES.items() if new in written}
        return {**written, **old}
