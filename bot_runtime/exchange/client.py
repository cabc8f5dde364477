"""The exchange, through ccxt's unmodified class: its clock, its markets, closed candles, the key.

Every request runs under the retrier, and under ccxt's own rate limiter.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from bot_runtime.arrays import Values
from bot_runtime.contract import names
from bot_runtime.contract.exchange_secret import PASSPHRASE
from bot_runtime.contract.intervals import TIMEFRAMES, seconds_of
from bot_runtime.contract.secrets import Fault
from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.exchange.answers import load_markets, read_candles, refuse_what_is_not_json
from bot_runtime.exchange.ccxt_import import exchange_class, exchange_errors
from bot_runtime.exchange.credentials import Credentials
from bot_runtime.exchange.market_filters import filters_of
from bot_runtime.exchange.paging import page_limit, page_params, read_span
from bot_runtime.exchange.retries import Retrier, RetryPolicy
from bot_runtime.market.candles import Candles, from_rows
from bot_runtime.market.filters import Filters
from bot_runtime.process.errors import ConfigurationError, StepError

T = TypeVar("T")

_WEEK: Final = "1w"


class ExchangeClient:
    """One exchange and one timeframe, as a step sees them."""

    def __init__(
        self,
        spec: ExchangeSpec,
        timeframe: str,
        policy: RetryPolicy,
        log: Callable[..., None],
        credentials: Credentials | None = None,
    ) -> None:
        """Prepare without asking anything; raises ConfigurationError for an id unknown to ccxt."""
        self.name = spec.id
        self.timeframe = timeframe
        self.interval_ms = seconds_of(timeframe) * 1000
        secrets = credentials.values if credentials else ()
        self._retrier = Retrier(policy, log, secrets)
        self._market_type = spec.market_type.lower()
        self._client = exchange_class(spec.id)(_options(self._market_type, policy, credentials))
        refuse_what_is_not_json(self._client)
        if credentials is not None:
            self._client.sign = _blaming_the_key(self._client.sign)
        if spec.endpoint is not None:
            urls = self._client.urls
            urls["api"] = _moved(urls["api"], spec.endpoint.rstrip("/"))

    def load_markets(self, symbols: Sequence[str]) -> None:
        """Ask for the markets; raises ConfigurationError that names a symbol or the timeframe.

        Binance is asked for the given symbols only: its full list has some thousands of them.
        """
        client = self._client
        if self.timeframe not in (client.timeframes or {}):
            known = ", ".join(client.timeframes or ())
            raise ConfigurationError(
                f"timeframe: found {self.timeframe}; {client.id} has {known or 'none'}"
            )
        params = {}
        if client.id.startswith("binance"):
            ids = [symbol.replace("/", "") for symbol in symbols]
            params = {"symbols": json.dumps(ids, separators=(",", ":"))}
        try:
            self._retrier.call(client, "markets", lambda: load_markets(client, params))
        except ConfigurationError:  # the answer does not say which one it has not
            self._retrier.call(client, "markets", lambda: load_markets(client, {}))
        absent = [s for s in symbols if not client.markets.get(s, {}).get(self._market_type)]
        if absent:
            raise ConfigurationError(
                f"symbols: {client.id} has no {self._market_type} market {', '.join(absent)}; "
                "correct the names"
            )

    def filters(self, symbols: Sequence[str]) -> dict[str, Filters]:
        """Return what markets that were asked for take, of those that the exchange tells it of."""
        client = self._client
        found = {s: filters_of(client.markets[s], client.precisionMode) for s in symbols}
        return {symbol: filters for symbol, filters in found.items() if filters is not None}

    def server_time_ms(self) -> tuple[int, int]:
        """Return the exchange's clock and how far it is ahead of ours, in milliseconds.

        Half of the round trip is taken off. An exchange without such a call is taken at our clock.
        """
        if not self._client.has.get("fetchTime"):
            return time.time_ns() // 1_000_000, 0
        return self._retrier.call(self._client, "server time", self._ask_time)

    def _ask_time(self) -> tuple[int, int]:
        before = time.time_ns()
        server = int(self._client.fetch_time())
        after = time.time_ns()
        return server, server - (before + after) // 2_000_000

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """Return the candles that open in [start, end), sorted, each once, as far as there are any.

        Every one of them has to be closed: `end_ms` is at most the exchange's time rounded down to
        the timeframe. Candles that it does not deliver are missing in the result.
        """
        rows = read_span(
            lambda since_ms, limit: self._page(symbol, self.timeframe, since_ms, limit),
            (start_ms, end_ms),
            self.interval_ms,
            page_limit(self._client),
        )
        return from_rows(rows, self.interval_ms)

    def _page(self, symbol: str, timeframe: str, since_ms: int, limit: int) -> Values:
        """Return rows (n, 6) of one request."""
        client = self._client
        params = page_params(client, since_ms, limit, seconds_of(timeframe) * 1000)

        def ask() -> Values:
            rows = client.fetch_ohlcv(symbol, timeframe, since_ms, limit, params)
            return read_candles(rows, client.last_json_response)

        return self._retrier.call(client, f"candles of {symbol}", ask)

    def has_coarser(self, symbol: str, start_ms: int, end_ms: int) -> bool:
        """Tell whether there are candles in [start, end) at the coarsest timeframe that fits.

        The market was traded then, whatever it gives at its own timeframe. Where the exchange does
        not answer, there are none.
        """
        lengths = {
            t: seconds_of(t) * 1000 for t in (*TIMEFRAMES, _WEEK) if t in self._client.timeframes
        }
        fitting = [
            t for t, ms in lengths.items() if self.interval_ms < ms <= (end_ms - start_ms) // 2
        ]
        if not fitting:
            return False
        timeframe = fitting[-1]
        length_ms = lengths[timeframe]
        limit = min(page_limit(self._client), (end_ms - start_ms) // length_ms)
        try:
            rows = self._page(symbol, timeframe, start_ms, limit)
        except StepError:
            return False
        return bool(((rows[:, 0] >= start_ms) & (rows[:, 0] + length_ms <= end_ms)).any())

    def account(self) -> Mapping[str, Any]:
        """Return the account's raw answer to a signed request: that proves the key.

        Raises CredentialsError where the exchange refuses it, ConfigurationError where no request
        can be signed with it.
        """
        self._check_whole()
        balance = self._retrier.call(self._client, "account", self._client.fetch_balance)
        info = balance.get("info")
        return info if isinstance(info, Mapping) else {}

    def _check_whole(self) -> None:
        """Raise ConfigurationError where this exchange's keys have a part that is not there."""
        client = self._client
        needed = [name for name, is_needed in client.requiredCredentials.items() if is_needed]
        lacking = [name for name in needed if not getattr(client, name)]
        if "password" in lacking:
            raise ConfigurationError(
                f"credentials: {PASSPHRASE}: {Fault.MISSING.words}; a key of {client.id} has one: "
                "add it to the secret"
            )
        if lacking:
            raise ConfigurationError(
                f"credentials: {client.id} takes a key by its {' and '.join(lacking)}, which a "
                "bot's secret cannot hold; remove exchange.credentialsSecret"
            )

    def may_withdraw(self, account: Mapping[str, Any]) -> bool:
        """Tell whether the key may withdraw; where the exchange does not say, it may not be told.

        Binance has the key's own restrictions in another call; where that one is not answered, what
        the account says stands.
        """
        ask = getattr(self._client, "sapi_get_account_apirestrictions", None)
        if ask is not None:
            try:
                answer = self._retrier.call(self._client, "key restrictions", ask)
            except StepError:
                answer = {}
            if "enableWithdrawals" in answer:
                return bool(answer["enableWithdrawals"])
        return bool(account.get("canWithdraw", False))


def _options(
    market_type: str, policy: RetryPolicy, credentials: Credentials | None
) -> dict[str, Any]:
    """Return ccxt's settings: one type of market, no calls beyond what is asked for, rate limited.

    `market_type` is ccxt's word for it, such as `spot`.
    """
    options: dict[str, Any] = {
        "enableRateLimit": True,
        "timeout": int(policy.timeout_seconds * 1000),
        # Elsewhere a proxy of the user's own shell must not come between.
        "requests_trust_env": names.ENV_TRUST in os.environ,
        "options": {
            "defaultType": market_type,
            "fetchMarkets": {"types": [market_type]},
            "fetchCurrencies": {"webApiEnable": False},
            "fetchMargins": False,
        },
    }
    if credentials is not None:
        options |= {"apiKey": credentials.api_key, "secret": credentials.api_secret}
        options["password"] = credentials.passphrase
        # A signed request carries a time: the exchange's own, so that our clock does not matter.
        options["options"]["adjustForTimeDifference"] = True
    return options


def _blaming_the_key(sign: Callable[..., T]) -> Callable[..., T]:
    """Return ccxt's `sign`, which blames the key for what cannot be signed with it.

    Nothing has been asked yet: what any library raises here is about the key and may quote it.
    """

    def signing(*arguments: Any, **options: Any) -> T:
        try:
            return sign(*arguments, **options)
        except exchange_errors().BaseError:
            raise
        except Exception:  # noqa: BLE001 - of any library that signs, and none is let through
            raise ConfigurationError(
                "credentials: no request can be signed with this key: copy apiKey and apiSecret "
                "into the secret as the exchange gives them, and see whether they are swapped"
            ) from None

    return signing


def _moved(urls: Any, endpoint: str) -> Any:
    """Return ccxt's addresses with scheme and host replaced, paths kept."""
    if isinstance(urls, str):
        _, _, rest = urls.partition("://")
        _, slash, path = rest.partition("/")
        return f"{endpoint}{slash}{path}"
    if isinstance(urls, dict):
        return {name: _moved(value, endpoint) for name, value in urls.items()}
    return urls
