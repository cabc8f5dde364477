"""The signals of a run's inference, as far as they can be traded by."""

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from bot_runtime.contract.explanations import explain
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import Signal
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from bot_runtime.trading.signal_views import find_fault


def load_signals(
    store: Store, configuration: RunConfiguration, warn: Callable[[str], None]
) -> dict[str, Signal]:
    """Return every symbol's signal; one that cannot be traded by is left out, with a warning.

    Raises StoreUnavailableError where the volume cannot be read.
    """
    found = {}
    for symbol in configuration.symbols:
        try:
            found[symbol] = _load(store.signal(symbol), symbol, configuration)
        except ArtifactInvalidError as e:
            warn(f"signals/{e}; nothing is bought on it")
    return found


def _load(path: Path, symbol: str, configuration: RunConfiguration) -> Signal:
    """Return a symbol's signal; raises ArtifactInvalidError where it is not whole, or another's."""
    try:
        signal = Signal.model_validate(load_json(path))
    except ValidationError as e:
        raise ArtifactInvalidError(f"{path.name}: {explain(e)}") from e
    if signal.symbol != symbol:
        raise ArtifactInvalidError(f"{path.name}: symbol: found {signal.symbol}")
    if signal.run_digest != configuration.digest:
        raise ArtifactInvalidError(f"{path.name}: run_digest: is not of this run's settings")
    fault = find_fault(signal)
    if fault is not None:
        raise ArtifactInvalidError(f"{path.name}: {fault}")
    return signal
