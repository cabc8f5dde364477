"""The images that a bot runs: resolved once, changed by the user's hand or on request."""

from bot_operator.planning.specs import Training
from bot_operator.planning.unread_fields import describe_fields
from bot_operator.settings import Settings
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Condition, Reason
from bot_runtime.contract.imagesstatus import ImagesStatus
from bot_runtime.contract.runconfig import NEWER_FIELDS
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.tradingbot import ImagesSpec, TradingBotSpec


def images_of_release(spec: TradingBotSpec, settings: Settings) -> ImagesStatus:
    """Return the release's images wherever the spec names none."""
    release = ImagesStatus(
        training=settings.training_image,
        trees_training=settings.trees_training_image,
        inference=settings.inference_image,
        reads=NEWER_FIELDS,
    )
    return _named_first(spec.images, release, release)


def resolve_images(
    spec: TradingBotSpec,
    before: TradingBotStatus,
    trainings: tuple[Training, ...],
    settings: Settings,
) -> ImagesStatus:
    """Return the bot's images: the spec's, else those resolved once, else the release's.

    What cannot be pulled is not worth keeping: there the release's image takes over.
    """
    release, kept = images_of_release(spec, settings), before.images
    if spec.update_strategy == "Auto" or kept is None:
        return release
    broken = _has_no_image(before.conditions)
    training_is_broken = any(_has_no_image(t.status.conditions) for t in trainings)
    training = release if broken else kept
    inference = release if broken and not training_is_broken else kept
    images = _named_first(spec.images, training, inference)
    reads = kept.reads if kept_images(images, release) else NEWER_FIELDS
    return images.model_copy(update={"reads": reads})


def kept_images(images: ImagesStatus, release: ImagesStatus) -> tuple[str, ...]:
    """Return the images that are neither of this release nor named by the spec.

    `release` has what the spec names wherever it does.
    """
    pairs = (
        (images.training, release.training),
        (images.trees_training, release.trees_training),
        (images.inference, release.inference),
    )
    return tuple(ours for ours, theirs in pairs if ours is not None and ours != theirs)


def describe_unread(fields: tuple[str, ...], images: ImagesStatus, release: ImagesStatus) -> str:
    """Return why the bot's images keep it from what its spec asks, and what to do."""
    return (
        f"the bot's images are of an earlier release ({', '.join(kept_images(images, release))}) "
        f"and do not read {describe_fields(fields)}; set updateStrategy: Auto, name newer images "
        "in spec.images, or leave out what they do not read"
    )


def _named_first(
    named: ImagesSpec, training: ImagesStatus, inference: ImagesStatus
) -> ImagesStatus:
    """Return the named images, and the others of `training` and `inference`.

    Who names an image for training alone means every training of the bot.
    """
    trees = named.trees_training
    if trees is None and named.training is None:
        trees = training.trees_training
    return ImagesStatus(
        training=named.training or training.training,
        trees_training=trees,
        inference=named.inference or inference.inference,
        reads=training.reads,
    )


def _has_no_image(conditions: tuple[Condition, ...]) -> bool:
    """Tell whether an image that cannot be pulled is what nothing goes on for."""
    return any(c.type == Kind.STALLED and c.reason is Reason.IMAGE_PULL_FAILED for c in conditions)
