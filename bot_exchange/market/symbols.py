"""Trading rules of the symbols: precision, smallest order, and the level of generated prices."""

import re
from dataclasses import dataclass

_SYMBOL = re.compile(r"[A-Z0-9]{2,12}/[A-Z0-9]{2,12}")


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """What exchangeInfo says of a symbol; decimals give the tick and lot size as 10 ** -decimals.

    `typical_price` and `typical_volume` (base asset a candle) set the generated market's level.
    """

    symbol: str
    price_decimals: int = 4
    lot_decimals: int = 2
    min_notional: str = "5.00000000"
    typical_price: float = 20.0
    typical_volume: float = 20_000.0

    @property
    def base(self) -> str:
        """The asset that is traded."""
        return self.symbol.split("/")[0]

    @property
    def quote(self) -> str:
        """The asset that it is paid with."""
        return self.symbol.split("/")[1]

    @property
    def market_id(self) -> str:
        """The name in requests: BTCUSDT."""
        return self.base + self.quote


_KNOWN = {
    rules.symbol: rules
    for rules in (
        SymbolRules("BTC/USDT", 2, 5, typical_price=60_000.0, typical_volume=100.0),
        SymbolRules("ETH/USDT", 2, 4, typical_price=3_000.0, typical_volume=1_500.0),
        SymbolRules("BNB/USDT", 2, 3, typical_price=600.0, typical_volume=300.0),
        SymbolRules("SOL/USDT", 2, 3, typical_price=150.0, typical_volume=3_000.0),
        SymbolRules("XRP/USDT", 4, 1, typical_price=0.6, typical_volume=500_000.0),
    )
}


def rules_of(symbol: str) -> SymbolRules:
    """Return the rules of a symbol; one that is not known gets plain ones.

    Raises ValueError for what is not BASE/QUOTE.
    """
    if not _SYMBOL.fullmatch(symbol):
        raise ValueError(
            f"symbol: found {symbol!r}; write BASE/QUOTE in capitals, for example BTC/USDT"
        )
    return _KNOWN.get(symbol) or SymbolRules(symbol)
