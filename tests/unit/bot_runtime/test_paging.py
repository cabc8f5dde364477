"""Paging: every kind of page that exchanges give, and no candle lost with any of them."""

import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.arrays import Values
from bot_runtime.exchange.ccxt_import import exchange_class
from bot_runtime.exchange.paging import PAGE, page_limit, page_params, read_span
from tests.exchanges import MINUTE_MS

LENGTH = 120
LIMIT = 12
Existing = list[int]
Page = Callable[[Existing, int, int], Existing]


def forward(existing: Existing, since: int, limit: int) -> Existing:
    """The first ones from there on: binance."""
    return [i for i in existing if i >= since][:limit]


def windowed(existing: Existing, since: int, limit: int) -> Existing:
    """Those of the span alone: coinbase."""
    return [i for i in existing if since <= i < since + limit]


def windowed_with_its_end(existing: Existing, since: int, limit: int) -> Existing:
    return [i for i in existing if since <= i <= since + limit]


def fewer(existing: Existing, since: int, limit: int) -> Existing:
    return forward(existing, since, min(limit, 5))


def newest_of_the_span(existing: Existing, since: int, limit: int) -> Existing:
    """The newest ones of the span, fewer than asked for: bitget."""
    return windowed(existing, since, limit)[-5:]


def each_twice(existing: Existing, since: int, limit: int) -> Existing:
    return [i for i in windowed(existing, since, limit) for _ in range(2)][:limit]


def two_early(existing: Existing, since: int, limit: int) -> Existing:
    """With candles from before and after what was asked."""
    return [i for i in existing if since - 2 <= i < since + limit + 2]


def newest_of_all(existing: Existing, _since: int, _limit: int) -> Existing:
    """The newest ones, whatever is asked: kraken."""
    return existing[-30:]


def read(existing: Existing, page: Page, limit: int = LIMIT) -> tuple[Existing, int]:
    """Return what is read of the span [0, LENGTH), and with how many requests."""
    asked = []

    def ask(since_ms: int, count: int) -> Values:
        assert 1 <= count <= limit
        asked.append(since_ms)
        assert len(asked) < 10 * LENGTH, "asked for ever"
        rows = [
            [i * MINUTE_MS, 1, 1, 1, 1, 1] for i in page(existing, since_ms // MINUTE_MS, count)
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 6)

    rows = read_span(ask, (0, LENGTH * MINUTE_MS), MINUTE_MS, limit)
    return sorted({int(t) // MINUTE_MS for t in rows[:, 0]}), len(asked)


@pytest.mark.parametrize(
    "page",
    [
        forward,
        windowed,
        windowed_with_its_end,
        fewer,
        newest_of_the_span,
        each_twice,
        two_early,
    ],
)
@given(existing=st.sets(st.integers(0, LENGTH + 20)).map(sorted))
def test_every_candle_that_exists_is_read(existing: Existing, page: Page) -> None:
    found, _ = read(existing, page)
    assert found == [i for i in existing if i < LENGTH]


@given(st.integers(0, 60), st.integers(0, 40), st.integers(5, LIMIT))
def test_pages_of_a_shorter_span_than_asked_lose_nothing_after_a_quiet_stretch(
    begin: int, length: int, window: int
) -> None:
    def shorter(existing: Existing, since: int, limit: int) -> Existing:
        return windowed(existing, since, min(limit, window))

    existing = [i for i in range(LENGTH + 20) if not begin <= i < begin + length]
    assert read(existing, shorter)[0] == [i for i in existing if i < LENGTH]


def test_newest_candles_are_all_that_some_exchanges_give() -> None:
    found, asked = read(list(range(LENGTH)), newest_of_all)
    assert found == list(range(LENGTH - 30, LENGTH))
    assert asked < 6


@pytest.mark.parametrize(("page", "most"), [(forward, 10), (windowed, 10), (fewer, 24)])
def test_a_market_without_holes_costs_no_further_request(page: Page, most: int) -> None:
    assert read(list(range(LENGTH)), page)[1] == most


def test_a_young_market_costs_no_request_for_every_page_before_it() -> None:
    assert read(list(range(110, LENGTH)), forward) == (list(range(110, LENGTH)), 2)


# How ccxt's classes ask: (id, candles at once, the request's fields of begin and end, unit in ms).
ASKED = [
    ("binance", 1000, "startTime", None, 1),
    ("bitget", 200, "startTime", "endTime", 1),
    ("coinbase", 300, "start", "end", 1000),
    ("deepcoin", 300, None, "after", 1),
    ("htx", 1000, "from", "to", 1000),
    ("kraken", 720, "since", None, 1000),
    ("kucoin", 1000, "startAt", "endAt", 1000),
    ("mexc", 500, "startTime", "endTime", 1),
    ("okx", 300, "before", "after", 1),
]


@pytest.mark.parametrize(("name", "limit", "begin", "end", "unit"), ASKED)
def test_requests_of_ccxt_reach_as_far_as_is_asked(
    name: str, limit: int, begin: str | None, end: str | None, unit: int
) -> None:
    client = exchange_class(name)({"enableRateLimit": False, "apiKey": "key", "secret": "secret"})
    client.options["uta"] = False  # bitget would ask for the kind of the account
    market = {"id": "BTC-USDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
    client.set_markets([market | {"type": "spot", "spot": True}])
    urls: list[str] = []

    def fetch(url: str, *_arguments: object) -> None:
        urls.append(url)
        raise LookupError

    client.fetch = fetch
    length = 5 * MINUTE_MS
    since = time.time_ns() // 1_000_000 // length * length - 9000 * length
    assert page_limit(client) == limit <= PAGE
    with pytest.raises(LookupError):
        client.fetch_ohlcv(
            "BTC/USDT", "5m", since, limit, page_params(client, since, limit, length)
        )
    query = parse_qs(urlsplit(urls[-1]).query)
    if begin is not None:
        assert since - length <= int(query[begin][0]) * unit <= since
    if end is not None:
        assert int(query[end][0]) * unit >= since + (limit - 1) * length
