"""The table of what is served: path, answer, and request weight as Binance documents it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot_exchange.rest import account, exchangeinfo, public
from bot_exchange.rest.parameters import Parameters, read_depth
from bot_exchange.venue.credentials import ApiKey
from bot_exchange.venue.errors import ApiError
from bot_exchange.venue.exchange import Exchange

Weight = Callable[[Parameters], int]


@dataclass(frozen=True, slots=True)
class PublicRoute:
    """A GET that anyone may send."""

    answer: Callable[[Exchange, Parameters], Any]
    weight: Weight


@dataclass(frozen=True, slots=True)
class SignedRoute:
    """A GET that needs a key and a signature."""

    answer: Callable[[Exchange, ApiKey], Any]
    weight: Weight


def _fixed(weight: int) -> Weight:
    return lambda _parameters: weight


def _by_symbol(one: int, every: int) -> Weight:
    return lambda parameters: one if "symbol" in parameters else every


def _by_depth(parameters: Parameters) -> int:
    try:
        levels = read_depth(parameters)
    except ApiError:  # the route itself will refuse it
        return 5
    return next(weight for most, weight in _DEPTH_WEIGHTS if levels <= most)


_DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50), (5000, 250))

PUBLIC_ROUTES = {
    "/api/v3/ping": PublicRoute(public.ping, _fixed(1)),
    "/api/v3/time": PublicRoute(public.server_time, _fixed(1)),
    "/api/v3/exchangeInfo": PublicRoute(exchangeinfo.exchange_info, _fixed(20)),
    "/api/v3/klines": PublicRoute(public.klines, _fixed(2)),
    "/api/v3/ticker/24hr": PublicRoute(public.ticker_24hr, _by_symbol(2, 80)),
    "/api/v3/ticker/price": PublicRoute(public.ticker_price, _by_symbol(2, 4)),
    "/api/v3/ticker/bookTicker": PublicRoute(public.book_ticker, _by_symbol(2, 4)),
    "/api/v3/depth": PublicRoute(public.depth, _by_depth),
    "/api/v3/avgPrice": PublicRoute(public.average_price, _fixed(2)),
}

SIGNED_ROUTES = {
    "/api/v3/account": SignedRoute(account.account, _fixed(20)),
    "/sapi/v1/account/apiRestrictions": SignedRoute(account.api_restrictions, _fixed(1)),
}

# Named so that a bot that tries to trade learns why it cannot, by any method.
TRADING_PATHS = frozenset(
    f"/api/v3/{name}"
    for name in (
        "order",
        "order/test",
        "order/cancelReplace",
        "openOrders",
        "allOrders",
        "myTrades",
        "orderList",
        "sor/order",
    )
)
