"""A user's candles against the exchange's: the same market, another one, or shifted times."""

import dataclasses

import numpy as np
import pytest

from bot_runtime.market.agreement import CLOSE_TOLERANCE, check_joints, compare
from bot_runtime.market.candles import Candles, merge
from bot_runtime.process.errors import DataUnusableError

FIVE_MINUTES_MS = 300_000
START_MS = 1_706_702_400_000


def walk(count: int, interval_ms: int = FIVE_MINUTES_MS, volatility: float = 0.001) -> Candles:
    """Return a random walk of closes around 100."""
    returns = np.random.default_rng(5).normal(0, volatility, count)
    close = 100 * np.exp(np.cumsum(returns))
    times = START_MS // interval_ms * interval_ms + np.arange(count) * interval_ms
    return Candles(interval_ms, times, close, close, close, close, np.ones(count))


def at_prices(candles: Candles, factor: float | np.ndarray) -> Candles:
    names = ("open", "high", "low", "close")
    return dataclasses.replace(candles, **{n: getattr(candles, n) * factor for n in names})


def shifted(candles: Candles, by_ms: int) -> Candles:
    return dataclasses.replace(candles, open_time_ms=candles.open_time_ms + by_ms)


@pytest.mark.parametrize("factor", [1.0, 1 + CLOSE_TOLERANCE * 0.9, 1 - CLOSE_TOLERANCE * 0.9])
def test_the_same_market_agrees(factor: float) -> None:
    theirs = walk(500)
    noise = np.exp(np.random.default_rng(1).normal(0, 2e-4, 500))  # another exchange's closes
    assert compare(at_prices(theirs, factor * noise), [theirs[100:400]], "f", "e").closes == 300


@pytest.mark.parametrize("minutes", [-1440, -840, -330, -60, -15, -5, 5, 10, 60, 345, 840])
@pytest.mark.parametrize("factor", [1.0, 1.004])
def test_shifted_times_are_refused_with_the_shift(minutes: int, factor: float) -> None:
    theirs = walk(2000)
    own = shifted(at_prices(theirs, factor), minutes * 60_000)
    words = f"its times are {abs(minutes)} minutes {'late' if minutes > 0 else 'early'}"
    with pytest.raises(DataUnusableError, match=words):
        compare(own, [theirs[600:1400]], "f", "e")


def test_days_that_are_shifted_by_one_are_refused() -> None:
    """Candles of a day that are dated by their close."""
    day_ms = 86_400_000
    theirs = walk(400, day_ms, volatility=0.03)
    with pytest.raises(DataUnusableError, match="times are 1440 minutes late"):
        compare(shifted(theirs, day_ms), [theirs[50:350]], "f", "e")


def test_another_quote_currency_is_refused_by_its_level_not_as_a_shift() -> None:
    theirs = walk(2000)
    with pytest.raises(DataUnusableError, match=r"another market .*800 closes are 8\.00% away"):
        compare(at_prices(theirs, 0.92), [theirs[600:1400]], "f", "e")


def test_a_pegged_price_has_no_shift() -> None:
    theirs = walk(500, volatility=1e-5)
    noise = np.exp(np.random.default_rng(1).normal(0, 1e-4, 500))
    assert compare(at_prices(theirs, noise), [theirs], "f", "e").closes == 500


def test_without_a_common_candle_nothing_is_compared() -> None:
    candles = walk(100)
    assert compare(candles[:50], [candles[50:]], "f", "e").closes == 0
    assert compare(candles, [candles[:0]], "f", "e").closes == 0


def test_few_candles_do_not_tell_a_shift() -> None:
    candles = walk(100)
    assert not compare(candles, [candles[:30]], "f", "e").is_enough
    assert compare(candles, [candles[:40]], "f", "e").is_enough


def test_summer_time_from_some_day_on_is_found_in_its_page() -> None:
    theirs = walk(3000)
    summer = shifted(theirs[1500:], 3_600_000)
    own = merge([theirs[:1500], summer])
    compare(own, [theirs[:1000]], "f", "e")
    with pytest.raises(DataUnusableError, match="times are 60 minutes late"):
        compare(own, [theirs[:1000], theirs[2000:]], "f", "e")


def test_rows_of_another_price_within_a_page_are_refused_with_the_first() -> None:
    theirs = walk(1000)
    factor = np.ones(1000)
    factor[500:520] = 1.4
    words = "20 of 1000 closes are more than 5% away .* the first at 2024-02-02T05:40:00Z"
    with pytest.raises(DataUnusableError, match=words):
        compare(at_prices(theirs, factor), [theirs], "f", "e")


def test_repeated_closes_are_no_shift() -> None:
    """Illiquid markets: a close stands until the next trade."""
    theirs = walk(3000)
    held = np.repeat(theirs.close[::12], 12)
    own = dataclasses.replace(theirs, close=held)
    assert compare(own, [theirs[i : i + 1000] for i in (0, 1000, 2000)], "f", "e").closes == 3000


@pytest.mark.parametrize("times", [0.01, 1.0, 30.0])
def test_the_ratio_of_the_volumes_is_found(times: float) -> None:
    theirs = walk(100)
    own = dataclasses.replace(theirs, volume=theirs.volume * times)
    assert compare(own, [theirs], "f", "e").volumes == pytest.approx(times)


@pytest.mark.parametrize("factor", [0.4, 2.5])
@pytest.mark.parametrize("own", [slice(0, 40), slice(60, 100)])
def test_a_jump_where_the_exchange_goes_on_is_refused(factor: float, own: slice) -> None:
    """What nothing overlaps is held at least to where it is joined."""
    candles = walk(100)
    mine = at_prices(candles[own], factor)
    rest = candles[40:] if own.start == 0 else candles[:60]
    with pytest.raises(DataUnusableError, match=r"f: at .* the price goes from"):
        check_joints(mine, merge([rest, mine]), "f")
    check_joints(candles[own], candles, "f")
    check_joints(candles[:0], candles, "f")
