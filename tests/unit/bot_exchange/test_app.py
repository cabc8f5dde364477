import dataclasses
import json
import logging
import urllib.request

import pytest

from bot_exchange.rest.account import authenticate
from bot_exchange.rest.app import build_app
from bot_exchange.venue.errors import ApiError
from tests.unit.bot_exchange.conftest import Served
from tests.unit.bot_exchange.requests_of import Answer, request, signed
from tests.unit.bot_exchange.servers import KEY, NOW_MS, WITHDRAWER, build_exchange, serving

MINUTE_MS = 60_000
KLINES = "/api/v3/klines?symbol=BTCUSDT&interval="
ACCOUNT = "/api/v3/account"
FORGED = dataclasses.replace(KEY, secret="not-the-secret")


def ask(served: Served, path: str) -> Answer:
    return request(served.url, path)


def ask_signed(served: Served, path: str) -> Answer:
    return request(served.url, path, headers={"X-MBX-APIKEY": KEY.api_key})


def test_ping_time_and_health(served: Served) -> None:
    assert ask(served, "/api/v3/ping").body == {}
    assert ask(served, "/api/v3/time").body == {"serverTime": NOW_MS}


def test_klines_have_twelve_columns_of_binance(served: Served) -> None:
    rows = ask(served, KLINES + "1m&limit=2").body
    assert len(rows) == 2
    opened, *prices, volume, closed, quote, trades, bought, bought_quote, unused = rows[0]
    assert opened == NOW_MS - 30_000 - MINUTE_MS
    assert closed == opened + MINUTE_MS - 1
    assert all(isinstance(text, str) and len(text.split(".")[1]) == 8 for text in prices)
    low, high = float(prices[2]), float(prices[1])
    assert float(volume) * low <= float(quote) <= float(volume) * high
    assert 0 < float(bought) < float(volume)
    assert 0 < float(bought_quote) < float(quote)
    assert trades > 0
    assert unused == "0"


def test_klines_are_500_by_default_and_1000_at_most(served: Served) -> None:
    assert len(ask(served, KLINES + "1m").body) == 500
    assert len(ask(served, KLINES + "1m&limit=5000").body) == 1000


def test_exchange_info_has_the_filters_of_one_several_or_all_symbols(served: Served) -> None:
    document = ask(served, "/api/v3/exchangeInfo").body
    assert [symbol["symbol"] for symbol in document["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    filters = {each["filterType"]: each for each in document["symbols"][0]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert filters["NOTIONAL"]["minNotional"] == "5.00000000"
    assert document["rateLimits"][0]["limit"] == 1_000_000
    for query in ("symbol=ETHUSDT", "symbols=%5B%22ETHUSDT%22%5D"):
        chosen = ask(served, f"/api/v3/exchangeInfo?{query}").body["symbols"]
        assert [symbol["symbol"] for symbol in chosen] == ["ETHUSDT"]


@pytest.mark.parametrize("path", ["24hr", "price", "bookTicker"])
def test_tickers_are_of_one_symbol_or_all(served: Served, path: str) -> None:
    every = ask(served, f"/api/v3/ticker/{path}").body
    one = ask(served, f"/api/v3/ticker/{path}?symbol=ETHUSDT").body
    assert [ticker["symbol"] for ticker in every] == ["BTCUSDT", "ETHUSDT"]
    assert one == every[1]


def test_prices_agree_with_each_other(served: Served) -> None:
    last = ask(served, "/api/v3/ticker/price?symbol=BTCUSDT").body["price"]
    day = ask(served, "/api/v3/ticker/24hr?symbol=BTCUSDT").body
    assert ask(served, KLINES + "1m&limit=1").body[0][4] == last == day["lastPrice"]
    depth = ask(served, "/api/v3/depth?symbol=BTCUSDT&limit=5").body
    best = ask(served, "/api/v3/ticker/bookTicker?symbol=BTCUSDT").body
    assert depth["bids"][0] == [best["bidPrice"], best["bidQty"]]
    assert float(best["bidPrice"]) < float(last) < float(best["askPrice"])
    recent = ask(served, KLINES + "1m&limit=6").body
    average = float(ask(served, "/api/v3/avgPrice?symbol=BTCUSDT").body["price"])
    assert min(float(r[3]) for r in recent) <= average <= max(float(r[2]) for r in recent)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (KLINES + "7m", -1120),
        (KLINES + "1s", -1120),
        (KLINES + "1M", -1120),
        (KLINES + "1m&limit=0", -1130),
        (KLINES + "1m&limit=-1", -1100),
        (KLINES + "1m&startTime=x", -1100),
        (KLINES + "1m&endTime=99999999999999999999", -1130),
        ("/api/v3/klines?symbol=BTCUSDT", -1102),
        ("/api/v3/klines?interval=1m", -1102),
        ("/api/v3/klines?symbol=BTCEUR&interval=1m", -1121),
        ("/api/v3/ticker/24hr?symbol=BTCEUR", -1121),
        ("/api/v3/exchangeInfo?symbols=BTCUSDT", -1100),
        ("/api/v3/exchangeInfo?symbols=%5B%22BTCEUR%22%5D", -1121),
        ("/api/v3/depth?limit=5", -1102),
        ("/api/v3/depth?symbol=BTCUSDT&limit=0", -1130),
    ],
)
def test_a_bad_parameter_is_refused_as_binance_does(served: Served, path: str, code: int) -> None:
    answer = ask(served, path)
    assert answer.status == 400
    assert set(answer.body) == {"code", "msg"}
    assert answer.body["code"] == code


@pytest.mark.parametrize("path", ["/", "/api/v3/nothing", "/sapi/v1/margin/allPairs", "/api/v3/"])
def test_what_is_not_served_says_so_in_binances_shape(served: Served, path: str) -> None:
    answer = ask(served, path)
    assert answer.status == 404
    assert answer.body["code"] == -1020
    assert f"GET {path} is not served" in answer.body["msg"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_orders_are_honestly_refused(served: Served, method: str) -> None:
    answer = request(served.url, "/api/v3/order", method)
    assert answer.status == 400
    assert answer.body["code"] == -1020
    assert "takes no orders" in answer.body["msg"]


def test_weights_are_told_and_limited() -> None:
    with serving(build_exchange(weight_limit=50)) as url:
        used = [
            request(url, path).headers["X-MBX-USED-WEIGHT-1M"]
            for path in ("/api/v3/ping", "/api/v3/exchangeInfo", "/api/v3/depth?symbol=BTCUSDT")
        ]
        assert used == ["1", "21", "26"]
        depth = request(url, "/api/v3/depth?symbol=BTCUSDT&limit=500")
        answer = request(url, "/api/v3/ping")
        assert depth.status == 429
        assert (answer.status, answer.body["code"]) == (429, -1003)
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        with urllib.request.urlopen(f"{url}/healthz", timeout=5) as health:
            assert health.status == 200


def test_a_signed_request_opens_the_account(served: Served) -> None:
    account = ask_signed(served, signed(KEY, ACCOUNT, timestamp=NOW_MS)).body
    assert account["canTrade"] is True
    assert account["canWithdraw"] is False
    assert account["balances"] == [{"asset": "USDT", "free": "250.5", "locked": "0.00000000"}]
    assert account["permissions"] == ["SPOT"]


def test_a_key_that_may_withdraw_is_told_apart(served: Served) -> None:
    path = signed(WITHDRAWER, "/sapi/v1/account/apiRestrictions", timestamp=NOW_MS)
    answer = request(served.url, path, headers={"X-MBX-APIKEY": WITHDRAWER.api_key})
    assert answer.body["enableWithdrawals"] is True


@pytest.mark.parametrize(
    ("age_ms", "window", "accepted"),
    [
        (5_000, {}, True),
        (5_001, {}, False),
        (-999, {}, True),
        (-1_000, {}, False),
        (59_000, {"recvWindow": 60_000}, True),
        (101, {"recvWindow": 100}, False),
    ],
)
def test_a_timestamp_outside_of_its_window_is_refused(
    served: Served, age_ms: int, window: dict[str, int], *, accepted: bool
) -> None:
    path = signed(KEY, ACCOUNT, timestamp=NOW_MS - age_ms, **window)
    answer = ask_signed(served, path)
    assert answer.status == (200 if accepted else 400)
    if not accepted:
        assert answer.body["code"] == -1021


def test_a_skewed_server_clock_is_the_one_that_counts(served: Served) -> None:
    served.exchange.faults.clock_skew_ms = -60_000
    assert ask(served, "/api/v3/time").body["serverTime"] == NOW_MS - 60_000
    answer = ask_signed(served, signed(KEY, ACCOUNT, timestamp=NOW_MS))
    assert answer.body["code"] == -1021
    assert "ahead of the server's time" in answer.body["msg"]
    assert ask_signed(served, signed(KEY, ACCOUNT, timestamp=NOW_MS - 60_000)).status == 200


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        (signed(KEY, ACCOUNT, timestamp=NOW_MS), "", (401, -2014)),
        (signed(KEY, ACCOUNT, timestamp=NOW_MS), "no key!", (401, -2014)),
        (signed(KEY, ACCOUNT, timestamp=NOW_MS), "key-of-nobody-here", (401, -2015)),
        (signed(FORGED, ACCOUNT, timestamp=NOW_MS), KEY.api_key, (400, -1022)),
        (signed(KEY, ACCOUNT, timestamp=NOW_MS), WITHDRAWER.api_key, (400, -1022)),
        (signed(KEY, ACCOUNT, timestamp=NOW_MS) + "0", KEY.api_key, (400, -1022)),
        (signed(KEY, ACCOUNT, timestamp=NOW_MS) + "&x=1", KEY.api_key, (400, -1100)),
        (signed(KEY, ACCOUNT), KEY.api_key, (400, -1102)),
        (signed(KEY, ACCOUNT, timestamp="now"), KEY.api_key, (400, -1100)),
        (f"{ACCOUNT}?timestamp={NOW_MS}", KEY.api_key, (400, -1102)),
        (signed(KEY, ACCOUNT, timestamp=NOW_MS, recvWindow=60_001), KEY.api_key, (400, -1131)),
    ],
)
def test_a_signed_request_is_refused_for_what_is_wrong(
    served: Served, path: str, key: str, expected: tuple[int, int]
) -> None:
    answer = request(served.url, path, headers={"X-MBX-APIKEY": key})
    assert (answer.status, answer.body["code"]) == expected


def test_no_refusal_tells_the_secret() -> None:
    exchange = build_exchange()
    query = f"timestamp={NOW_MS}&signature=0"
    parameters = {"timestamp": str(NOW_MS), "signature": "0"}
    with pytest.raises(ApiError) as refusal:
        authenticate(exchange, query, parameters, KEY.api_key)
    assert KEY.secret not in refusal.value.message
    assert KEY.secret not in repr(exchange)


def test_the_log_has_no_query_and_no_key(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bot_exchange")
    ask_signed(served, signed(KEY, ACCOUNT, timestamp=NOW_MS))
    ask_signed(served, signed(FORGED, ACCOUNT, timestamp=NOW_MS))
    lines = [record.__dict__["fields"] for record in caplog.records]
    assert [(line["path"], line["status"]) for line in lines] == [(ACCOUNT, 200), (ACCOUNT, 400)]
    text = json.dumps(lines) + caplog.text
    assert KEY.api_key not in text
    assert "signature" not in text


def test_control_is_served_only_where_asked_for() -> None:
    paths = {
        resource.canonical
        for resource in build_app(build_exchange(), control=False).router.resources()
    }
    assert paths == {"/healthz", "/{path}"}
