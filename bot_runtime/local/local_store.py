"""The store of a bot on this machine: the folder that is named, or one beside where one works."""

import os
from pathlib import Path

from bot_runtime.contract.names import ENV_STORE
from bot_runtime.process.errors import ConfigurationError
from bot_runtime.store.layout import Store
from bot_runtime.store.ownership import check_owner


def local_store(named: Path | None, bot: str) -> Store:
    """Return the store that --store names, else BOTCRIPTO_STORE, else .botcripto/<bot>.

    Raises ConfigurationError where it is no folder, or the store of another bot.
    """
    root = Path(named or os.environ.get(ENV_STORE) or Path(".botcripto") / bot).resolve()
    if root.exists() and not root.is_dir():
        raise ConfigurationError(f"--store: {root} is a file; name a folder")
    store = Store(root)
    check_owner(store, bot)
    return store
