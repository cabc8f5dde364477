"""The pair of images that a bot runs: resolved once, changed by the user's hand or on request."""

from bot_operator.planning.specs import Training
from bot_operator.settings import Settings
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Condition, Reason
from bot_runtime.contract.status import (
    ImagesStatus,
    TradingBotStatus,
)
from bot_runtime.contract.tradingbot import TradingBotSpec


def images_of_release(spec: TradingBotSpec, settings: Settings) -> ImagesStatus:
    """Return the pair with the release's image wherever the spec names none."""
    return ImagesStatus(
        training=spec.images.training or settings.training_image,
        inference=spec.images.inference or settings.inference_image,
    )


def resolve_images(
    spec: TradingBotSpec,
    before: TradingBotStatus,
    trainings: tuple[Training, ...],
    settings: Settings,
) -> ImagesStatus:
    """Return the pair of images: the spec's, else the one resolved once, else the release's.

    What cannot be pulled is not worth keeping: there the release's image takes over.
    """
    if spec.update_strategy == "Auto":
        return images_of_release(spec, settings)
    kept, broken = before.images, _has_no_image(before.conditions)
    training_is_broken = any(_has_no_image(t.status.conditions) for t in trainings)
    keeps_training = kept is not None and not broken
    keeps_inference = kept is not None and (not broken or training_is_broken)
    return ImagesStatus(
        training=spec.images.training
        or (kept.training if kept and keeps_training else settings.training_image),
        inference=spec.images.inference
        or (kept.inference if kept and keeps_inference else settings.inference_image),
    )


def _has_no_image(conditions: tuple[Condition, ...]) -> bool:
    """Tell whether an image that cannot be pulled is what nothing goes on for."""
    return any(c.type == Kind.STALLED and c.reason is Reason.IMAGE_PULL_FAILED for c in conditions)
