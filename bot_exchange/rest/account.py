"""Signed requests: the checks of key, time and signature, and the account that they open.

The order of the checks is Binance's: parameters, key, time, signature.
"""

import hashlib
import hmac
from typing import Any

from bot_exchange.rest.parameters import Parameters, read_integer
from bot_exchange.venue.credentials import ApiKey, is_key_format
from bot_exchange.venue.errors import ApiError, malformed, missing
from bot_exchange.venue.exchange import Exchange

_DEFAULT_WINDOW_MS = 5_000
_MAX_WINDOW_MS = 60_000
_AHEAD_MS = 1_000


def authenticate(
    exchange: Exchange, query: str, parameters: Parameters, key_header: str | None
) -> ApiKey:
    """Return the key that signed the raw `query`.

    Raises ApiError: -1102 or -1131 for parameters, -2014 or -2015 for the key, -1021 for the time,
    -1022 for the signature. (Binance also answers -2008 for a key that does not exist; clients
    that know it by host name alone would not see an authentication error in it here.)
    """
    timestamp = read_integer(parameters, "timestamp")
    if timestamp is None:
        raise missing("timestamp")
    signature = parameters.get("signature")
    if not signature:
        raise missing("signature")
    window = read_integer(parameters, "recvWindow")
    if window is not None and window > _MAX_WINDOW_MS:
        raise ApiError(-1131, f"recvWindow must be less than {_MAX_WINDOW_MS}.")
    key = _find_key(exchange, key_header)
    _check_time(exchange, timestamp, _DEFAULT_WINDOW_MS if window is None else window)
    _check_signature(key, query, signature)
    return key


def _find_key(exchange: Exchange, key_header: str | None) -> ApiKey:
    if key_header is None or not is_key_format(key_header):
        raise ApiError(-2014, "API-key format invalid.", status=401)
    key = exchange.keys.get(key_header)
    if key is None:
        raise ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return key


def _check_time(exchange: Exchange, timestamp: int, window: int) -> None:
    now = exchange.server_time_ms()
    if timestamp >= now + _AHEAD_MS:
        raise ApiError(
            -1021, f"Timestamp for this request was {_AHEAD_MS}ms ahead of the server's time."
        )
    if now - timestamp > window:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def _check_signature(key: ApiKey, query: str, signature: str) -> None:
    if not query.endswith(f"&signature={signature}"):
        raise malformed("signature")
    signed = query.removesuffix(f"&signature={signature}")
    expected = hmac.new(key.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
        raise ApiError(-1022, "Signature for this request is not valid.")


def account(exchange: Exchange, key: ApiKey) -> Any:
    """Answer /api/v3/account: what the account may do, and its balances."""
    return {
        "makerCommission": 10,
        "takerCommission": 10,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": "0.00100000",
            "taker": "0.00100000",
            "buyer": "0.00000000",
            "seller": "0.00000000",
        },
        "canTrade": key.can_trade,
        "canWithdraw": key.can_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": exchange.server_time_ms(),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": amount, "locked": "0.00000000"}
            for asset, amount in key.balances.items()
        ],
        "permissions": ["SPOT"],
        "uid": 1,
    }


def api_restrictions(exchange: Exchange, key: ApiKey) -> Any:
    """Answer /sapi/v1/account/apiRestrictions: what the key, not the account, may do."""
    return {
        "ipRestrict": False,
        "createTime": exchange.feed.market.listed_ms,
        "enableReading": True,
        "enableSpotAndMarginTrading": key.can_trade,
        "enableWithdrawals": key.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enablePortfolioMarginTrading": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
    }
