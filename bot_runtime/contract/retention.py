"""What the evaluation may take out of a bot's store, as the operator tells it by environment.

By environment and not by the run configuration or an argument: what is in use is known when the
evaluation begins, hours after the configuration was fixed, and an older image passes over it.
"""

from pydantic import Field

from bot_runtime.contract.base import Model


class Pruning(Model):
    """Which versions and trainings of a bot stay."""

    bot: str = Field(max_length=63, description="Bot whose versions these are; no others go.")
    keep: tuple[str, ...] = Field(
        default=(), max_length=16, description="Versions that stay: active, previous, pinned."
    )
    last: int = Field(ge=0, description="How many of the others stay, the newest.")
