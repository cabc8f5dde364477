"""Answer of /api/v3/exchangeInfo: the symbols with their filters, and the rate limits."""

import json
from typing import Any

from bot_exchange.market.symbols import SymbolRules
from bot_exchange.rest.parameters import Parameters, read_symbol
from bot_exchange.venue.errors import ApiError, malformed
from bot_exchange.venue.exchange import Exchange

_ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"]


def exchange_info(exchange: Exchange, parameters: Parameters) -> Any:
    """Answer all symbols, or those that `symbol` or `symbols` (a JSON list) name."""
    return {
        "timezone": "UTC",
        "serverTime": exchange.server_time_ms(),
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": exchange.limiter.limit,
            }
        ],
        "exchangeFilters": [],
        "symbols": [_describe(rules) for rules in _selected(exchange, parameters)],
    }


def _selected(exchange: Exchange, parameters: Parameters) -> list[SymbolRules]:
    if "symbol" in parameters:
        return [read_symbol(parameters, exchange)]
    if "symbols" not in parameters:
        return list(exchange.rules.values())
    try:
        names = json.loads(parameters["symbols"])
    except json.JSONDecodeError:
        raise malformed("symbols") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise malformed("symbols")
    unknown = set(names) - set(exchange.rules)
    if unknown:
        raise ApiError(-1121, "Invalid symbol.")
    return [exchange.rules[name] for name in names]


def _describe(rules: SymbolRules) -> dict[str, Any]:
    return {
        "symbol": rules.market_id,
        "status": "TRADING",
        "baseAsset": rules.base,
        "baseAssetPrecision": 8,
        "quoteAsset": rules.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": _filters(rules),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    }


def _filters(rules: SymbolRules) -> list[dict[str, Any]]:
    tick = f"{10**-rules.price_decimals:.8f}"
    step = f"{10**-rules.lot_decimals:.8f}"
    most = "9000000.00000000"
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": most, "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": most, "stepSize": step},
        {"filterType": "MARKET_LOT_SIZE", "minQty": step, "maxQty": most, "stepSize": step},
        {
            "filterType": "NOTIONAL",
            "minNotional": rules.min_notional,
            "applyMinToMarket": True,
            "maxNotional": most,
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    ]
