"""What a bot's training may take out of the bot's store, and what it may take from it. Pure."""

from bot_operator.api.resources import annotations_of
from bot_operator.children.storage import store_claim
from bot_operator.planning.specs import Bot, Training
from bot_runtime.contract import names
from bot_runtime.contract.retention import Pruning


def plan_pruning(bot: Bot | None, claim: str) -> Pruning | None:
    """Return what may go from `claim`; None where it is not the store of a bot that is known."""
    if bot is None:
        return None
    spec, status = bot.spec, bot.status
    if isinstance(spec, str) or store_claim(bot.name, spec.storage) != claim:
        return None
    models = (status.active_model, status.previous_model)
    named = {model.version for model in models if model is not None}
    if spec.model.pinned_version is not None:
        named.add(spec.model.pinned_version)
    return Pruning(bot=bot.name, keep=tuple(sorted(named)), last=spec.training.history_limit)


def may_adopt(training: Training, bot: Bot | None, claim: str) -> bool:
    """Tell whether what the store has promoted may be taken: by a bot that has no version yet."""
    if bot is None or names.ANNOTATION_SCHEDULED_TIME in annotations_of(training.manifest):
        return False
    if isinstance(bot.spec, str) or store_claim(bot.name, bot.spec.storage) != claim:
        return False
    return bot.status.active_model is None
