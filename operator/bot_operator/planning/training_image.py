"""Which image trains: the small one where every candidate does without torch. Pure."""

from collections.abc import Iterable

from bot_runtime.contract.spec import WITHOUT_TORCH, Algorithm


def choose_training_image(
    candidates: Iterable[Algorithm], training: str, trees_training: str | None
) -> str:
    """Return `trees_training` where there is one and the candidates are trees alone."""
    if trees_training is not None and WITHOUT_TORCH.issuperset(candidates):
        return trees_training
    return training
