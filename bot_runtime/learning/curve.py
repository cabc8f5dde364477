"""Learning curves: how the loss on the selection slice moved while a candidate was fitted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bot_runtime.learning.models.forecaster import Epoch, Progress


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Validation losses of one candidate's fits, by part and by epoch or boosting round.

    One that an eviction interrupted begins where its last process took it up.
    """

    losses: dict[str, dict[int, float]] = field(default_factory=dict)

    def listen(self, progress: Progress) -> Progress:
        """Return a `progress` that remembers the losses that it is told."""

        def tell(share: float, message: str, epoch: Epoch) -> None:
            if epoch.validation_loss is not None:
                self.losses.setdefault(epoch.part, {})[epoch.number] = epoch.validation_loss
            progress(share, message, epoch)

        return tell

    def to_json(self) -> dict[str, dict[str, str]]:
        """Return the losses as text of six significant digits, by part and epoch."""
        return {
            part: {str(number): f"{loss:.6g}" for number, loss in losses.items()}
            for part, losses in self.losses.items()
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return what `to_json` gave, epochs in order: a file has them in that of their text."""
        return cls(
            {
                part: {number: float(losses[str(number)]) for number in sorted(map(int, losses))}
                for part, losses in found.items()
            }
        )
