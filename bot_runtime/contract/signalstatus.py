"""A signal as it stands in a bot's status: shortened, with its provenance."""

from typing import Any, Final

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from bot_runtime.contract.base import Model, Time
from bot_runtime.contract.signal import (
    REASON_MAX,
    Decision,
    DecisionReason,
    ShortSignal,
    reason_in,
)

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


class StatusSignal(Model):
    """A signal as it stands in a bot's status: with its provenance.

    For one release it is read by the old names as well, and written by both.
    """

    model_config = ConfigDict(json_schema_extra=_with_old_names)

    symbol: str = Field(max_length=41, description="Market that the decision is about.")
    decision: Decision = Field(description="What was decided: LONG, SHORT or NO_TRADE.")
    reason: str = Field(
        max_length=REASON_MAX, description="Why: a word of a closed list, then numbers."
    )
    ts: Time = Field(description="When the decision was taken.")
    bar_close_ts: str | None = Field(
        default=None, max_length=32, description="Close of the newest candle it was decided on."
    )
    prob_up: str | None = Field(
        default=None, max_length=16, description="Probability of a rise over the horizon, 0 to 1."
    )
    expected_return: str | None = Field(
        default=None,
        max_length=16,
        description="Median of the simple return over the horizon (0.01 = 1 %).",
    )
    risk_score: str | None = Field(
        default=None,
        max_length=16,
        description="Share of the training rows that were calmer, 0 to 1.",
    )
    confidence: str | None = Field(
        default=None, max_length=16, description="Confidence in the decision, 0 to 1."
    )
    drift: str | None = Field(
        default=None,
        max_length=40,
        description=(
            "How the market differs from the one that the version was judged on: features, "
            "predictions or calibration, figure > limit; unset where it does not."
        ),
    )
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

    @property
    def decision_reason(self) -> DecisionReason | None:
        """The reason in its text; None where that begins with a word of a later release."""
        return reason_in(self.reason)

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
