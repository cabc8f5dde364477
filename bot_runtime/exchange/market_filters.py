"""The filters of a market as ccxt tells them, whatever the exchange's way to count digits."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from bot_runtime.market.filters import Filters

_DECIMAL_PLACES: Final = 2
_TICK_SIZE: Final = 4
"""ccxt's precisionMode: 3, significant digits, says nothing of steps."""


def filters_of(market: Mapping[str, Any], precision_mode: int) -> Filters | None:
    """Return the filters of ccxt's market; None where it does not tell its steps."""
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    tick, lot = (_step(precision.get(of), precision_mode) for of in ("price", "amount"))
    if tick is None or lot is None:
        return None
    try:
        return Filters(
            tick=tick,
            lot=lot,
            min_quantity=_least(limits, "amount"),
            min_notional=_least(limits, "cost"),
        )
    except ValidationError:
        return None


def _step(told: Any, precision_mode: int) -> Decimal | None:
    if told is None or precision_mode not in (_DECIMAL_PLACES, _TICK_SIZE):
        return None
    number = Decimal(str(told))
    return Decimal(1).scaleb(-int(number)) if precision_mode == _DECIMAL_PLACES else number


def _least(limits: Mapping[str, Any], of: str) -> Decimal:
    return Decimal(str((limits.get(of) or {}).get("min") or 0))
