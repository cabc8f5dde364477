"""How long and how fast a Temporal Fusion Transformer learns."""

import math
from dataclasses import dataclass
from typing import Self

from bot_runtime.contract.spec import TemporalFusionTransformerSpec

RISE = 0.1
"""Share of the steps in which the learning rate rises."""
FIRST_PACE, LAST_PACE = 0.25, 0.01
"""Learning rate of the first and the last step, as shares of the largest one."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn."""

    epochs: int
    steps: int
    batch_size: int
    learning_rate: float
    seed: int

    @classmethod
    def of(cls, spec: TemporalFusionTransformerSpec, rows: int, seed: int) -> Self:
        """Return the schedule of a specification on so many rows."""
        steps = min(spec.max_steps_per_epoch, max(1, math.ceil(rows / spec.batch_size)))
        return cls(spec.max_epochs, steps, spec.batch_size, spec.learning_rate, seed)

    def seed_of(self, epoch: int) -> int:
        """Return the seed of an epoch, so that it is the same whatever ran before it."""
        return self.seed * 1_000_003 + epoch

    def pace(self, step: int) -> float:
        """Return the learning rate of a step as a share of the largest one.

        The one-cycle policy (Smith, Topin, 2018), by cosines: few epochs are enough.
        """
        total = self.epochs * self.steps
        rise = max(1, int(RISE * total))
        if step < rise:
            return _cosine(FIRST_PACE, 1.0, step / rise)
        return _cosine(1.0, LAST_PACE, min(1.0, (step - rise) / max(1, total - rise)))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
