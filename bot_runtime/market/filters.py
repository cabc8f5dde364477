"""What an exchange's market takes, beside the candles in the store: steps and smallest order.

    markets/<symbol>.json

The data step writes it, whoever rounds prices and quantities reads it.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from pydantic import Field, ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store


class Filters(Model, extra="ignore"):
    """Decimal numbers: of a price in the quote asset, of a quantity in the base asset."""

    tick: Decimal = Field(gt=0, description="Smallest step of a price.")
    lot: Decimal = Field(gt=0, description="Smallest step of a quantity.")
    min_quantity: Decimal = Field(default=Decimal(0), ge=0, description="Smallest quantity.")
    min_notional: Decimal = Field(default=Decimal(0), ge=0, description="Smallest value.")


def save_filters(store: Store, found: Mapping[str, Filters]) -> None:
    """Write the filters of markets, each atomically; raises StoreUnavailableError."""
    for symbol, filters in found.items():
        save_json(store.filters(symbol), filters.to_json())


def known_filters(store: Store, symbols: Iterable[str]) -> dict[str, Filters]:
    """Return the filters of those markets that have any in the store."""
    found = {symbol: load_filters(store, symbol) for symbol in symbols}
    return {symbol: filters for symbol, filters in found.items() if filters is not None}


def load_filters(store: Store, symbol: str) -> Filters | None:
    """Return a market's filters, None where nobody has asked for them or they cannot be read."""
    if not store.filters(symbol).is_file():
        return None
    try:
        return Filters.model_validate(load_json(store.filters(symbol)))
    except (ArtifactInvalidError, ValidationError):
        return None
