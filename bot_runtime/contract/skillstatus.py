"""Whether a version still beats naive forecasts while it serves, for messages and statuses."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from bot_runtime.contract.base import Model, Number, Time

SkillStanding = Literal["NotYet", "Unwatched", "Holds", "Lost"]
"""Unwatched: no loss has the power to tell."""
LEAST_BLOCKS: Final = 8
"""Fewest whole blocks that say anything."""
SKILL_TEXT_MAX: Final = 160


def _check_figure(text: str) -> str:
    try:
        float(text)
    except ValueError:
        raise ValueError("is no number: write one as 0.41") from None
    return text


Figure = Annotated[Number, AfterValidator(_check_figure)]


class LossSkill(Model):
    """One loss of the last month beside that of the naive forecast of the same candles."""

    lead: Figure = Field(description="By how many % the loss was below the naive one.")
    error: Figure = Field(description="Standard error of the lead, in points of %.")
    watched: bool = Field(
        description="Whether a month can tell that the skill is lost; else it raises no alarm."
    )

    @property
    def text(self) -> str:
        """The figure for a column."""
        return f"{float(self.lead):+.3g}±{float(self.error):.2g} %"


class LiveSkill(Model):
    """What came of the predictions of the last month; no loss is told of before 8 whole blocks."""

    blocks: int = Field(
        ge=0,
        description="Number of whole blocks of the last month, of a day each or a longer horizon.",
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
    lost_since: Time | None = Field(
        default=None, description="End of the block that showed it first; unset where none does."
    )

    @property
    def losses(self) -> dict[str, LossSkill]:
        """The losses that are told, by their names; none before 8 blocks."""
        named = {"log loss": self.log_loss, "pinball": self.pinball, "QLIKE": self.qlike}
        return {name: loss for name, loss in named.items() if loss is not None}

    @property
    def standing(self) -> SkillStanding:
        """What the figures come to, in one word."""
        if not self.losses:
            return "NotYet"
        if self.lost is not None:
            return "Lost"
        return "Holds" if any(loss.watched for loss in self.losses.values()) else "Unwatched"

    @property
    def text(self) -> str:
        """All figures for a column."""
        told = [f"{name} {loss.text}" for name, loss in self.losses.items()]
        return ", ".join(told) or f"not yet: {self.blocks} of {LEAST_BLOCKS} blocks"
