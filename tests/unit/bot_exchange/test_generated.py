import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot_exchange.market.candles import Candles
from bot_exchange.market.generated import LISTED_MS, STEPS, GeneratedMarket
from bot_exchange.market.noise import BLOCK
from bot_exchange.market.signals import FLAVOURS

MINUTE_MS = 60_000
END_MS = 1_790_000_040_000
RECORDED_CLOSES = [44368.48, 44356.44, 44288.19]
MARKETS = {flavour: GeneratedMarket(flavour=flavour) for flavour in FLAVOURS}


def newest(market: GeneratedMarket, bars: int, symbol: str = "BTC/USDT") -> Candles:
    return market.candles(symbol, END_MS - bars * market.timeframe_ms, END_MS)


def assert_equal(one: Candles, other: Candles) -> None:
    for column in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, column.name), getattr(other, column.name))


def log_returns(candles: Candles) -> np.ndarray:
    return np.diff(np.log(candles.close))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_candle_is_one(flavour: str) -> None:
    candles = newest(MARKETS[flavour], 5_000)
    assert len(candles) == 5_000
    assert np.all(np.diff(candles.open_ms) == MINUTE_MS)
    assert np.all(candles.high >= np.maximum(candles.open, candles.close))
    assert np.all(candles.low <= np.minimum(candles.open, candles.close))
    assert np.all(candles.low > 0)
    assert np.all(candles.volume >= 0)


def test_prices_stand_on_ticks_and_join() -> None:
    candles = newest(MARKETS["momentum"], 3 * BLOCK)
    for column in (candles.open, candles.high, candles.low, candles.close):
        np.testing.assert_array_equal(column, np.round(column, 2))
    np.testing.assert_allclose(candles.open[1:], candles.close[:-1], atol=0.011)


@settings(max_examples=30, deadline=None)
@given(
    start=st.integers(-3 * BLOCK, 0), length=st.integers(0, 2 * BLOCK), off=st.integers(0, 59_999)
)
def test_a_candle_is_the_same_however_it_is_asked_for(start: int, length: int, off: int) -> None:
    whole = newest(MARKETS["momentum"], 3 * BLOCK + 1)
    first, stop = END_MS + start * MINUTE_MS, END_MS + min(start + length, 0) * MINUTE_MS
    part = MARKETS["momentum"].candles("BTC/USDT", first - off, stop - off)
    assert_equal(part, whole.between(first, stop))


def test_another_process_would_generate_the_same_market() -> None:
    candles = newest(GeneratedMarket(), 3)
    assert_equal(candles, newest(GeneratedMarket(), BLOCK).where(slice(-3, None)))
    # Recorded once: a change here changes every history that a running exchange has shown.
    assert candles.close.tolist() == RECORDED_CLOSES


@pytest.mark.parametrize(
    "change",
    [{"seed": 8}, {"strength": 0.5}, {"flavour": "threshold"}, {"volatility_bps": 20.0}],
    ids=str,
)
def test_every_setting_changes_the_market(change: dict[str, object]) -> None:
    other = dataclasses.replace(GeneratedMarket(), **change)  # type: ignore[arg-type] # one field, by name
    assert not np.array_equal(newest(other, 50).close, newest(GeneratedMarket(), 50).close)


def test_symbols_are_independent() -> None:
    market = GeneratedMarket(strength=0)
    bitcoin = log_returns(newest(market, 5_000))
    ether = log_returns(newest(market, 5_000, "ETH/USDT"))
    assert abs(np.corrcoef(bitcoin, ether)[0, 1]) < 0.05


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_strength_does_not_change_the_volatility(flavour: str) -> None:
    calm = log_returns(newest(GeneratedMarket(flavour=flavour, strength=0), 40_000)).std()
    strong = log_returns(newest(MARKETS[flavour], 40_000)).std()
    assert strong == pytest.approx(calm, rel=0.05)
    assert calm == pytest.approx(25e-4, rel=0.15)


def test_volatility_clusters_and_has_regimes() -> None:
    squares = log_returns(newest(GeneratedMarket(strength=0), 40_000)) ** 2
    assert np.corrcoef(squares[:-20], squares[20:])[0, 1] > 0.05
    by_hour = np.sqrt(squares[: len(squares) // 60 * 60].reshape(-1, 60).mean(axis=1))
    calm, wild = np.quantile(by_hour, [0.1, 0.95])
    assert wild > 2.5 * calm


def test_without_strength_returns_are_not_correlated() -> None:
    returns = log_returns(newest(GeneratedMarket(strength=0), 40_000))
    noise = 4 / np.sqrt(len(returns))  # volatility clusters, so the usual error is too small
    for lag in (1, 2, 3, 5, 10, 20):
        assert abs(np.corrcoef(returns[:-lag], returns[lag:])[0, 1]) < noise


def test_prices_stay_in_sight_of_their_level_for_years() -> None:
    market = GeneratedMarket(timeframe_seconds=300)
    for year in range(8):
        start = LISTED_MS + year * 365 * 86_400_000
        candles = market.candles("ETH/USDT", start, start + 86_400_000)
        assert 100 < candles.low.min() < candles.high.max() < 90_000


def test_nothing_is_older_than_the_listing() -> None:
    candles = GeneratedMarket().candles("BTC/USDT", 0, LISTED_MS + 3 * MINUTE_MS)
    assert candles.open_ms.tolist() == [LISTED_MS + n * MINUTE_MS for n in range(3)]


def test_the_open_candle_grows_into_the_closed_one() -> None:
    market = MARKETS["momentum"]
    closed = newest(market, 1)
    opened = int(closed.open_ms[0])
    seen = [market.open_candle("BTC/USDT", opened + at) for at in range(0, MINUTE_MS, 2_500)]
    assert seen[0].high[0] == seen[0].low[0] == seen[0].close[0] == closed.open[0]
    assert seen[0].volume[0] == 0
    for before, after in itertools.pairwise(seen):
        assert before.high[0] <= after.high[0] <= closed.high[0]
        assert before.low[0] >= after.low[0] >= closed.low[0]
        assert before.volume[0] <= after.volume[0] <= closed.volume[0]
    assert len({float(candle.close[0]) for candle in seen}) > STEPS // 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("strength", 1.1),
        ("strength", float("nan")),
        ("flavour", "vanilla"),
        ("timeframe_seconds", 7),
        ("timeframe_seconds", 0),
        ("symbols", ()),
        ("symbols", ("BTC/USDT", "BTC/USDT")),
        ("symbols", ("BTCUSDT",)),
        ("volatility_bps", 0.0),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^{field.removesuffix('s')}s?: found"):
        GeneratedMarket(**{field: value})  # type: ignore[arg-type] # one field, by name
