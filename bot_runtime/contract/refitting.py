"""Whether the evaluation fits a version that it promotes once more, as the operator tells it.

By environment, as what may be taken out of the store: it is in no digest, so that a change trains
nothing, and an older image passes over it.
"""

from pydantic import Field

from bot_runtime.contract.base import Model
from bot_runtime.contract.digests import to_canonical_json
from bot_runtime.contract.names import ENV_REFIT
from bot_runtime.contract.tradingbot import TrainingSpec


class Refit(Model):
    """A version that passed the gate is fitted again, to the newest candles too."""

    deadline_seconds: int = Field(
        ge=1, description="Longest time of the whole evaluation, in seconds."
    )


def refit_environment(spec: TrainingSpec) -> dict[str, str]:
    """Return what an evaluation is told by a training's spec; empty where it fits nothing again."""
    if spec.refit == "Off":
        return {}
    return {ENV_REFIT: to_canonical_json(Refit(deadline_seconds=spec.deadline_seconds).to_json())}
