"""Whose store it is: what bots train and promote begins with their name."""

from bot_runtime.contract.names import bot_of_training, bot_of_version
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import promoted_version


def check_owner(store: Store, bot: str) -> None:
    """Refuse a store that serves another bot's version, or has trainings of other bots alone.

    Raises ConfigurationError that names the other bot, StoreUnavailableError where the store cannot
    be read. A ModelTraining that no bot began tells nothing.
    """
    promoted = promoted_version(store)
    if promoted is None:
        owners = {bot_of_training(folder.name) for folder in store.trainings()} - {None}
    else:
        owners = {bot_of_version(promoted)} - {None}
    if owners and bot not in owners:
        raise ConfigurationError(
            f"--store: {store.root} belongs to the bot {', '.join(sorted(map(str, owners)))}; run "
            f"{bot} with a folder of its own"
        )
