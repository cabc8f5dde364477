"""How a bot's orders are carried out: the model of paper fills, the run's deadline, its size."""

from typing import Final, Literal

from pydantic import Field

from bot_runtime.contract.base import Model
from bot_runtime.contract.podspec import ResourcesSpec

PaperFills = Literal["NextOpen"]

TRADE_RESOURCES: Final = ResourcesSpec(
    requests={"cpu": "50m", "memory": "160Mi"}, limits={"cpu": "1", "memory": "320Mi"}
)


class ExecutionRun(Model):
    """How orders are carried out."""

    paper_fills: PaperFills = Field(
        default="NextOpen",
        description=(
            "How paper orders are filled. NextOpen: at the open of the candle after the decision, "
            "with decision.slippageBps, at most a tenth of the candle's volume."
        ),
    )
    deadline_seconds: int = Field(
        default=40,
        ge=10,
        le=300,
        description="Longest time of the container that trades, in seconds; less than a candle.",
    )


class ExecutionSpec(ExecutionRun):
    """How orders are carried out, and the size of the container that does so."""

    resources: ResourcesSpec = Field(
        default=TRADE_RESOURCES, description="Compute resources of the container that trades."
    )

    @property
    def run(self) -> ExecutionRun:
        """Return what the run configuration has of it."""
        return ExecutionRun(paper_fills=self.paper_fills, deadline_seconds=self.deadline_seconds)
