"""A market that replays recorded candles, moved in time so that a chosen one is now."""

from dataclasses import dataclass

import numpy as np

from bot_exchange.market.candles import DAY_MS, Candles, commonest_distance

_THIRD = 1 / 3


@dataclass(frozen=True, slots=True)
class Position:
    """Which time of the record is now: a time, or so many candles before the end."""

    reserve: int = 0
    at_ms: int | None = None


class ReplayMarket:
    """Recorded candles of one or more symbols, shifted by the same time.

    The candle that opens at the position opens when the replay starts: those before are history,
    those after come as time goes on. After the last one the feed is silent, like a dead one.
    Raises ValueError for records of different timeframes, or a position outside of them.
    """

    def __init__(self, records: dict[str, Candles], position: Position, now_ms: int) -> None:
        lengths = {symbol: _timeframe_ms(candles) for symbol, candles in records.items()}
        if len(set(lengths.values())) > 1:
            found = ", ".join(f"{symbol}: {ms // 1000} s" for symbol, ms in lengths.items())
            raise ValueError(f"the timeframes differ ({found}); give files of one timeframe")
        self._timeframe_ms = next(iter(lengths.values()))
        shift = now_ms // self._timeframe_ms * self._timeframe_ms - self._now(records, position)
        self._candles = {symbol: candles.shifted(shift) for symbol, candles in records.items()}

    def _now(self, records: dict[str, Candles], position: Position) -> int:
        first = max(int(candles.open_ms[0]) for candles in records.values())
        end = min(int(candles.open_ms[-1]) for candles in records.values()) + self._timeframe_ms
        wish = position.at_ms
        if wish is None:
            wish = end - position.reserve * self._timeframe_ms
        now = wish // self._timeframe_ms * self._timeframe_ms
        if not first < now <= end:
            raise ValueError(
                "the position that is to be now lies outside of the candles; "
                f"use end, end-N with N up to {(end - first) // self._timeframe_ms - 1}, or a date "
                "that they cover"
            )
        return now

    @property
    def timeframe_ms(self) -> int:
        """Length of a candle."""
        return self._timeframe_ms

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols as BASE/QUOTE."""
        return tuple(self._candles)

    @property
    def listed_ms(self) -> int:
        """Open time of the oldest candle of any symbol."""
        return min(int(candles.open_ms[0]) for candles in self._candles.values())

    def candles(self, symbol: str, start_ms: int, end_ms: int) -> Candles:
        """Return the candles that open in [start_ms, end_ms), those of the future included."""
        return self._candles[symbol].between(start_ms, end_ms)

    def open_candle(self, symbol: str, now_ms: int) -> Candles:
        """Return the candle that is open at `now_ms` as far as it has come: one row, or none.

        A record does not tell the way, so the price goes straight from the open to the extreme
        against the candle's direction, from there to the other one, and to the close.
        """
        opened = now_ms // self._timeframe_ms * self._timeframe_ms
        whole = self.candles(symbol, opened, opened + 1)
        if len(whole) == 0:
            return whole
        start, high, low, close, volume = (
            float(column[0])
            for column in (whole.open, whole.high, whole.low, whole.close, whole.volume)
        )
        way = [start, low, high, close] if close >= start else [start, high, low, close]
        done = (now_ms - opened) / self._timeframe_ms
        turns = [0.0, _THIRD, 2 * _THIRD, 1.0]
        price = float(np.interp(done, turns, way))
        seen = [point for turn, point in zip(turns, way, strict=True) if turn <= done] + [price]
        columns = (start, max(seen), min(seen), price, volume * done)
        return Candles(whole.open_ms, *(np.array([value]) for value in columns))


def _timeframe_ms(candles: Candles) -> int:
    """Return the commonest distance of two candles: what is longer is a gap."""
    if len(candles) < 2:
        raise ValueError("found fewer than two candles; the timeframe cannot be told")
    length = commonest_distance(candles.open_ms)
    if DAY_MS % length or np.any(candles.open_ms % length):
        raise ValueError(
            f"the open times are no grid: the commonest distance is {length / 1000:g} s, which "
            "must divide a day and every open time"
        )
    return length
