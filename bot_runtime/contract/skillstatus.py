"""Whether a version still beats naive forecasts while it serves, for messages and statuses."""

from pydantic import Field

from bot_runtime.contract.base import Model, Number


class LossSkill(Model):
    """One loss of the last month beside that of the naive forecast of the same candles."""

    lead: Number = Field(
        description="By how many per cent the loss was below the naive one; negative is above it."
    )
    error: Number = Field(description="Standard error of the lead, in points.")
    watched: bool = Field(
        description="Whether a month can tell that the skill is lost; else it raises no alarm."
    )


class LiveSkill(Model):
    """What came of the predictions of the last month; no loss is told of before 8 whole blocks."""

    blocks: int = Field(
        ge=0, description="Whole blocks of the last month, of a day each or of a longer horizon."
    )
    log_loss: LossSkill | None = Field(
        default=None, description="Trend, beside the base rate; unset before 8 blocks."
    )
    pinball: LossSkill | None = Field(
        default=None, description="Return, beside quantiles of past returns; unset before 8 blocks."
    )
    qlike: LossSkill | None = Field(
        default=None, description="Risk, beside HAR; unset before 8 blocks."
    )
    lost: str | None = Field(
        default=None,
        max_length=120,
        description="Which loss shows that the skill is lost, with numbers; unset where none does.",
    )
