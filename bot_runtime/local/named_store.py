"""The store of a bot on this machine, for commands that ask its journal."""

import os
from pathlib import Path

from bot_runtime.contract.names import ENV_STORE
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.store.layout import Store


def named_store(store: Path | None) -> Store:
    """Return the store that --store names, else BOTCRIPTO_STORE.

    Raises ConfigurationError where neither names one.
    """
    named = store or os.environ.get(ENV_STORE)
    if not named:
        raise ConfigurationError(f"--store: is missing; name the bot's store, or set {ENV_STORE}")
    return Store(Path(named))
