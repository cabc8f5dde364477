"""The real ccxt.binance, unmodified, against the served exchange."""

import warnings
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecations inside ccxt
    import ccxt
    import ccxt.async_support

from bot_exchange.market.candles import INTERVALS_MS
from tests.unit.bot_exchange.conftest import Served
from tests.unit.bot_exchange.servers import KEY, MINUTE_MS, NOW_MS

BTC = "BTC/USDT"
OPENED_MS = NOW_MS - 30_000


def settings(url: str) -> dict[str, Any]:
    return {
        "apiKey": KEY.api_key,
        "secret": KEY.secret,
        "urls": {
            "api": {
                "public": f"{url}/api/v3",
                "private": f"{url}/api/v3",
                "sapi": f"{url}/sapi/v1",
            }
        },
        "options": {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
            "adjustForTimeDifference": True,  # the exchange's clock stands
        },
    }


@pytest.fixture
def binance(served: Served) -> Any:
    client = ccxt.binance(settings(served.url))
    client.load_markets()
    return client


def test_markets_have_precision_and_limits(binance: Any) -> None:
    assert list(binance.markets) == [BTC, "ETH/USDT"]
    market = binance.market(BTC)
    assert market["active"]
    assert market["spot"]
    assert market["precision"]["price"] == 0.01
    assert market["precision"]["amount"] == 1e-05
    assert market["limits"]["cost"]["min"] == 5
    assert market["limits"]["amount"]["min"] == 1e-05
    assert binance.price_to_precision(BTC, 60_000.129) == "60000.13"


def test_time(binance: Any) -> None:
    assert binance.fetch_time() == NOW_MS


def test_candles_page_through_to_the_open_one(binance: Any) -> None:
    since = OPENED_MS - 2_499 * MINUTE_MS
    rows: list[list[float]] = []
    while not rows or rows[-1][0] < OPENED_MS:
        start = since if not rows else int(rows[-1][0]) + MINUTE_MS
        rows += binance.fetch_ohlcv(BTC, "1m", start, 1000)
    assert [row[0] for row in rows] == [since + n * MINUTE_MS for n in range(2_500)]
    assert all(low <= min(start, end) for _, start, _, low, end, _ in rows)


def test_ccxts_own_pagination_finds_the_same(binance: Any) -> None:
    since = OPENED_MS - 1_499 * MINUTE_MS
    rows = binance.fetch_ohlcv(BTC, "1m", since, 1_500, {"paginate": True, "until": NOW_MS})
    assert len(rows) == 1_500
    assert rows == binance.fetch_ohlcv(BTC, "1m", since, 1000) + binance.fetch_ohlcv(
        BTC, "1m", since + 1000 * MINUTE_MS, 1000
    )


@pytest.mark.parametrize("timeframe", ["5m", "1h", "1d", "1w"])
def test_longer_timeframes(binance: Any, timeframe: str) -> None:
    rows = binance.fetch_ohlcv(BTC, timeframe, None, 3)
    length = INTERVALS_MS[timeframe]
    assert rows[2][0] - rows[1][0] == rows[1][0] - rows[0][0] == length
    assert rows[2][0] <= NOW_MS < rows[2][0] + length


def test_ticker_and_book_agree(binance: Any) -> None:
    ticker = binance.fetch_ticker(BTC)
    book = binance.fetch_order_book(BTC, 10)
    assert ticker["last"] == binance.fetch_ohlcv(BTC, "1m", None, 1)[0][4]
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] == book["bids"][0][0] < ticker["last"] < book["asks"][0][0]
    assert len(book["bids"]) == len(book["asks"]) == 10
    assert set(binance.fetch_tickers([BTC, "ETH/USDT"])) == {BTC, "ETH/USDT"}
    assert set(binance.fetch_bids_asks()) == {BTC, "ETH/USDT"}


def test_balance_is_signed(binance: Any) -> None:
    balance = binance.fetch_balance()
    assert balance["USDT"] == {"free": 250.5, "used": 0.0, "total": 250.5}
    assert balance["info"]["canWithdraw"] is False
    assert binance.sapi_get_account_apirestrictions()["enableWithdrawals"] is False


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"apiKey": "key-of-nobody-here"}, ccxt.AuthenticationError),
        ({"apiKey": "no key!"}, ccxt.AuthenticationError),
        ({"secret": "not-the-secret"}, ccxt.AuthenticationError),
        ({"adjustForTimeDifference": False}, ccxt.InvalidNonce),
    ],
    ids=["unknown key", "malformed key", "wrong secret", "skewed clock"],
)
def test_a_wrong_key_or_clock_is_an_error_that_ccxt_knows(
    served: Served, change: dict[str, Any], error: type[Exception]
) -> None:
    wrong = settings(served.url)
    if "adjustForTimeDifference" in change:
        wrong["options"] |= change
    else:
        wrong |= change
    with pytest.raises(error):
        ccxt.binance(wrong).fetch_balance()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limit_next", ccxt.DDoSProtection),
        ("ban_next", ccxt.DDoSProtection),
        ("error_next", ccxt.OperationFailed),
        ("drop_next", ccxt.NetworkError),
    ],
)
def test_faults_are_errors_that_ccxt_knows(
    binance: Any, served: Served, fault: str, error: type[Exception]
) -> None:
    setattr(served.exchange.faults, fault, 1)
    with pytest.raises(error):
        binance.fetch_ohlcv(BTC, "1m", None, 5)
    assert len(binance.fetch_ohlcv(BTC, "1m", None, 5)) == 5


def test_other_refusals_are_errors_that_ccxt_knows(binance: Any) -> None:
    with pytest.raises(ccxt.BadSymbol):
        binance.public_get_klines({"symbol": "BTCEUR", "interval": "1m"})
    with pytest.raises(ccxt.BadRequest, match="takes no orders"):
        binance.create_order(BTC, "market", "buy", 0.01)


async def test_the_asynchronous_class_works_too(served: Served) -> None:
    client = ccxt.async_support.binance(settings(served.url))
    try:
        assert list(await client.load_markets()) == [BTC, "ETH/USDT"]
        assert len(await client.fetch_ohlcv(BTC, "1m", None, 5)) == 5
        assert (await client.fetch_ticker(BTC))["last"] > 0
        assert (await client.fetch_order_book(BTC))["bids"]
        assert (await client.fetch_balance())["USDT"]["total"] == 250.5
    finally:
        await client.close()
