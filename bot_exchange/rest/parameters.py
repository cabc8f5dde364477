"""Request parameters, read and refused the way Binance does."""

from collections.abc import Mapping

from bot_exchange.market.candles import INTERVALS_MS
from bot_exchange.market.symbols import SymbolRules
from bot_exchange.venue.errors import ApiError, malformed, missing, unacceptable
from bot_exchange.venue.exchange import Exchange
from bot_exchange.venue.view import Span

Parameters = Mapping[str, str]

_MAX_KLINES = 1000
_MAX_DEPTH = 5000
_MAX_TIME_MS = 2**53


def read_integer(parameters: Parameters, name: str) -> int | None:
    """Return a whole number from 0, or None where the parameter is absent."""
    text = parameters.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise malformed(name)
    value = int(text) if len(text) < 18 else _MAX_TIME_MS + 1
    if value > _MAX_TIME_MS:
        raise unacceptable(name)
    return value


def read_symbol(parameters: Parameters, exchange: Exchange) -> SymbolRules:
    """Return the rules of the symbol that the request names, like BTCUSDT."""
    market_id = parameters.get("symbol")
    if not market_id:
        raise missing("symbol")
    try:
        return exchange.rules[market_id]
    except KeyError:
        raise ApiError(-1121, "Invalid symbol.") from None


def read_limit(parameters: Parameters, default: int, most: int) -> int:
    """Return the number of rows asked for; more than there may be is cut, as Binance does."""
    limit = read_integer(parameters, "limit")
    if limit == 0:
        raise unacceptable("limit")
    return default if limit is None else min(limit, most)


def read_span(parameters: Parameters, base_ms: int) -> Span:
    """Return what a klines request asks for.

    An interval that Binance does not have, or that base candles do not add up to, is -1120.
    """
    name = parameters.get("interval")
    if not name:
        raise missing("interval")
    length = INTERVALS_MS.get(name)
    if length is None or length % base_ms:
        raise ApiError(-1120, "Invalid interval.")
    return Span(
        length,
        read_limit(parameters, 500, _MAX_KLINES),
        read_integer(parameters, "startTime"),
        read_integer(parameters, "endTime"),
    )


def read_depth(parameters: Parameters) -> int:
    """Return the number of levels asked for on each side of the book."""
    return read_limit(parameters, 100, _MAX_DEPTH)
