import numpy as np
import pytest

from bot_exchange.market.candles import Candles
from bot_exchange.market.generated import GeneratedMarket
from bot_exchange.market.replay import Position, ReplayMarket

MINUTE_MS = 60_000
END_MS = 1_600_000_020_000  # of the record, on a minute
NOW_MS = 1_790_000_040_000 + 12_345  # of the replay
OPENED_MS = 1_790_000_040_000
BTC = "BTC/USDT"


def record(bars: int = 100, end_ms: int = END_MS) -> Candles:
    return GeneratedMarket().candles(BTC, end_ms - bars * MINUTE_MS, end_ms)


def test_the_end_of_the_record_meets_now_by_default() -> None:
    market = ReplayMarket({BTC: record()}, Position(), NOW_MS)
    shown = market.candles(BTC, 0, OPENED_MS + 10 * MINUTE_MS)
    assert shown.open_ms[-1] == OPENED_MS - MINUTE_MS
    np.testing.assert_array_equal(shown.close, record().close)
    assert market.listed_ms == OPENED_MS - 100 * MINUTE_MS
    assert market.timeframe_ms == MINUTE_MS
    assert len(market.open_candle(BTC, NOW_MS)) == 0


def test_candles_may_be_kept_for_the_time_to_come() -> None:
    market = ReplayMarket({BTC: record()}, Position(reserve=30), NOW_MS)
    assert len(market.candles(BTC, 0, OPENED_MS)) == 70
    assert market.open_candle(BTC, NOW_MS).open[0] == record().open[70]


def test_a_date_of_the_record_may_be_now() -> None:
    position = Position(at_ms=END_MS - 30 * MINUTE_MS + 5_000)
    market = ReplayMarket({BTC: record()}, position, NOW_MS)
    assert len(market.candles(BTC, 0, OPENED_MS)) == 70


def test_all_symbols_are_moved_by_the_same_time() -> None:
    records = {BTC: record(), "ETH/USDT": record(end_ms=END_MS - 10 * MINUTE_MS)}
    market = ReplayMarket(records, Position(), NOW_MS)
    assert market.symbols == (BTC, "ETH/USDT")
    assert market.candles("ETH/USDT", 0, NOW_MS).open_ms[-1] == OPENED_MS - MINUTE_MS
    assert market.open_candle(BTC, NOW_MS).open[0] == record().open[90]


def test_gaps_stay_where_they_were() -> None:
    holed = record().where(np.arange(100) % 7 != 3)
    market = ReplayMarket({BTC: holed}, Position(), NOW_MS)
    shown = market.candles(BTC, 0, NOW_MS)
    np.testing.assert_array_equal(np.diff(shown.open_ms), np.diff(holed.open_ms))


@pytest.mark.parametrize("elapsed", [0, 1, 19_999, 20_000, 30_000, 45_000, 59_999])
def test_the_open_candle_shows_nothing_beyond_the_whole_one(elapsed: int) -> None:
    market = ReplayMarket({BTC: record()}, Position(reserve=30), NOW_MS)
    whole = market.candles(BTC, OPENED_MS, OPENED_MS + 1)
    seen = market.open_candle(BTC, OPENED_MS + elapsed)
    assert seen.open[0] == whole.open[0]
    assert whole.low[0] <= seen.low[0] <= seen.close[0] <= seen.high[0] <= whole.high[0]
    assert seen.volume[0] == pytest.approx(whole.volume[0] * elapsed / MINUTE_MS)
    if elapsed == 0:
        assert seen.high[0] == seen.low[0] == seen.close[0] == whole.open[0]


@pytest.mark.parametrize(
    "position",
    [Position(reserve=100), Position(at_ms=0), Position(at_ms=END_MS + MINUTE_MS)],
    ids=["reserve", "before", "after"],
)
def test_a_position_outside_of_the_record_is_refused(position: Position) -> None:
    with pytest.raises(ValueError, match="end-N with N up to 99"):
        ReplayMarket({BTC: record()}, position, NOW_MS)


def test_a_record_without_a_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="commonest distance is 60 s"):
        ReplayMarket({BTC: record().shifted(1_000)}, Position(), NOW_MS)
    with pytest.raises(ValueError, match="fewer than two candles"):
        ReplayMarket({BTC: record(1)}, Position(), NOW_MS)
    slow = GeneratedMarket(timeframe_seconds=300).candles(BTC, END_MS - 10**7, END_MS)
    with pytest.raises(ValueError, match="the timeframes differ"):
        ReplayMarket({BTC: record(), "ETH/USDT": slow}, Position(), NOW_MS)
