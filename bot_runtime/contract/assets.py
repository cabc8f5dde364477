"""The two assets of a market, as its name has them: BTC/USDT buys BTC with USDT."""

from collections.abc import Sequence


def base_of(symbol: str) -> str:
    """Return the asset that a market trades.

    >>> base_of("BTC/USDT")
    'BTC'
    """
    return symbol.partition("/")[0]


def quote_assets(symbols: Sequence[str]) -> tuple[str, ...]:
    """Return the assets that markets count in, each once.

    >>> quote_assets(["BTC/USDT", "ETH/EUR", "SOL/USDT"])
    ('USDT', 'EUR')
    """
    return tuple(dict.fromkeys(symbol.partition("/")[2] for symbol in symbols))
