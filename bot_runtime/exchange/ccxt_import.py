"""Import one exchange's unmodified ccxt class, and not the hundred others.

`import ccxt` runs a package file that imports every exchange: more than the rest of an inference
run together. Here the package is put in place without running that file, so that its modules can be
imported one by one; an attribute that somebody asks of it is imported when asked for. Where ccxt
was imported before, it is left as it is.
"""

import importlib
import importlib.machinery
import sys
import types
from typing import Any, Final

from bot_runtime.process.errors import ConfigurationError

_PACKAGE: Final = "ccxt"


def exchange_class(exchange_id: str) -> Any:
    """Return ccxt's class of an exchange; raises ConfigurationError where there is none."""
    _prepare_package()
    try:
        found = getattr(importlib.import_module(f"{_PACKAGE}.{exchange_id}"), exchange_id, None)
    except ModuleNotFoundError:
        found = None
    if not isinstance(found, type):
        raise ConfigurationError(
            f"exchange.id: found {exchange_id!r}; use an exchange id of ccxt: binance, kraken, …"
        )
    # The import has put the module there; ccxt has the class under this name.
    setattr(sys.modules[_PACKAGE], exchange_id, found)
    return found


def exchange_errors() -> Any:
    """Return the module of ccxt's exceptions."""
    _prepare_package()
    return importlib.import_module(f"{_PACKAGE}.base.errors")


def _prepare_package() -> None:
    if _PACKAGE in sys.modules:
        return
    spec = importlib.machinery.PathFinder.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"{_PACKAGE} is not installed")
    package = types.ModuleType(_PACKAGE)
    package.__spec__ = spec
    package.__path__ = spec.submodule_search_locations
    package.__dict__["__getattr__"] = _attribute
    sys.modules[_PACKAGE] = package


def _attribute(name: str) -> Any:
    """Give `ccxt.<exchange>` and `ccxt.<Error>` to whoever asks (PEP 562)."""
    if hasattr(exchange_errors(), name):
        return getattr(exchange_errors(), name)
    try:
        return exchange_class(name)
    except ConfigurationError as e:
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}") from e
