"""Whether the evaluation fits a version that it promotes once more, as the operator tells it.

By environment, as what may be taken out of the store: it is in no digest, so that a change trains
nothing, and an older image passes over it.
"""

from pydantic import Field

from bot_runtime.contract.base import Model


class Refit(Model):
    """A version that passed the gate is fitted again, to the newest candles too."""

    deadline_seconds: int = Field(
        ge=1, description="Longest time of the whole evaluation, in seconds."
    )
