import numpy as np
import pytest

from bot_exchange.market.candles import INTERVALS_MS, aggregate
from bot_exchange.market.generated import LISTED_MS, GeneratedMarket
from bot_exchange.market.symbols import rules_of
from bot_exchange.venue.clock import Clock
from bot_exchange.venue.faults import Faults
from bot_exchange.venue.view import BOOK_LEVELS, Feed, NothingTradedError, Span

MINUTE_MS = 60_000
OPENED_MS = 1_790_000_040_000
NOW_MS = OPENED_MS + 30_000
BTC = "BTC/USDT"


def feed(**faults: object) -> Feed:
    clock = Clock(speed=0, start_ms=NOW_MS)
    return Feed(GeneratedMarket(), clock, Faults(**faults))  # type: ignore[arg-type] # by name


def minutes(limit: int, start_ms: int | None = None, end_ms: int | None = None) -> Span:
    return Span(MINUTE_MS, limit, start_ms, end_ms)


def test_the_last_candle_is_the_open_one() -> None:
    shown = feed().candles(BTC, minutes(3))
    assert shown.open_ms.tolist() == [OPENED_MS - 2 * MINUTE_MS, OPENED_MS - MINUTE_MS, OPENED_MS]
    whole = GeneratedMarket().candles(BTC, OPENED_MS, OPENED_MS + 1)
    assert 0 < shown.volume[-1] < whole.volume[0]


def test_a_start_gives_the_first_candles_and_an_end_the_last() -> None:
    start = OPENED_MS - 100 * MINUTE_MS
    first = feed().candles(BTC, minutes(10, start_ms=start - 1))
    assert first.open_ms.tolist() == [start + n * MINUTE_MS for n in range(10)]
    last = feed().candles(BTC, minutes(10, end_ms=start + 1))
    assert last.open_ms.tolist() == [start - n * MINUTE_MS for n in range(9, -1, -1)]
    both = feed().candles(BTC, minutes(500, start, start + 4 * MINUTE_MS))
    assert len(both) == 5


def test_nothing_is_shown_of_the_future_or_from_before_the_listing() -> None:
    assert len(feed().candles(BTC, minutes(10, start_ms=OPENED_MS + 1))) == 0
    assert len(feed().candles(BTC, minutes(10, start_ms=NOW_MS, end_ms=OPENED_MS))) == 0
    assert len(feed().candles(BTC, minutes(10, end_ms=LISTED_MS - 1))) == 0
    assert feed().candles(BTC, minutes(2, start_ms=0)).open_ms[0] == LISTED_MS


@pytest.mark.parametrize(("interval", "limit"), [("5m", 3), ("1h", 3), ("1d", 50), ("1w", 10)])
def test_longer_candles_are_made_of_the_base(interval: str, limit: int) -> None:
    length = INTERVALS_MS[interval]
    shown = feed().candles(BTC, Span(length, limit))
    base = feed().base_candles(BTC, int(shown.open_ms[0]), NOW_MS, NOW_MS)
    made = aggregate(base, length)
    for column in ("open_ms", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(shown, column), getattr(made, column))


def test_a_stale_feed_ends_at_its_time() -> None:
    stale = feed(stale_since_ms=OPENED_MS - 10 * MINUTE_MS - 1)
    assert stale.candles(BTC, minutes(2)).open_ms[-1] == OPENED_MS - 11 * MINUTE_MS
    assert stale.last_price(BTC) != feed().last_price(BTC)


def test_a_page_reaches_over_a_gap() -> None:
    gap = (OPENED_MS - 50 * MINUTE_MS, OPENED_MS - 10 * MINUTE_MS)
    holed = feed(gaps=(gap,))
    last = holed.candles(BTC, minutes(20))
    assert len(last) == 20
    assert not np.any((last.open_ms >= gap[0]) & (last.open_ms < gap[1]))
    first = holed.candles(BTC, minutes(20, start_ms=gap[0] - 5 * MINUTE_MS))
    assert len(first) == 16  # 5 before the gap, 10 after it, and the open one
    assert first.open_ms[5] == gap[1]


def test_a_market_without_candles_has_no_price() -> None:
    empty = feed(gaps=((LISTED_MS, NOW_MS + 1),))
    with pytest.raises(NothingTradedError):
        empty.day(BTC)


def test_the_day_is_one_candle() -> None:
    day, base = feed().day(BTC)
    assert len(day) == 1
    assert len(base) == 1440
    assert day.high[0] == base.high.max()
    assert day.volume[0] == pytest.approx(base.volume.sum())


@pytest.mark.parametrize("symbol", ["BTC/USDT", "ETH/USDT"])
@pytest.mark.parametrize("levels", [1, 5, 5_000])
def test_the_book_surrounds_the_price(symbol: str, levels: int) -> None:
    book = feed().book(rules_of(symbol), levels)
    assert len(book.bids) == len(book.asks) == min(levels, BOOK_LEVELS)
    bids, asks = np.array(book.bids), np.array(book.asks)
    assert np.all(np.diff(bids[:, 0]) < 0)
    assert np.all(np.diff(asks[:, 0]) > 0)
    assert bids[0, 0] < feed().last_price(symbol) < asks[0, 0]
    assert np.all(bids[:, 1] > 0)


def test_a_faster_clock_brings_candles_sooner() -> None:
    real = [0.0]
    clock = Clock(speed=60, start_ms=OPENED_MS, real_ms=lambda: real[0])
    fast = Feed(GeneratedMarket(), clock, Faults())
    assert fast.candles(BTC, minutes(1)).open_ms[-1] == OPENED_MS
    real[0] = 1_000.0
    assert fast.candles(BTC, minutes(1)).open_ms[-1] == OPENED_MS + MINUTE_MS
