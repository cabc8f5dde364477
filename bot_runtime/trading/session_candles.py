"""Candles as a paper account settles on them: the journal keeps them as they were. Pure."""

from collections.abc import Iterator

from bot_runtime.journal.entries import CandleRow
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, utc


def candle_rows(symbol: str, candles: Candles) -> Iterator[CandleRow]:
    """Yield candles as they were settled on."""
    columns = [getattr(candles, name).tolist() for name in VALUE_COLUMNS]
    for row in zip(candles.close_time_ms.tolist(), *columns, strict=True):
        yield CandleRow(symbol, *row)


def find_revision(settled: CandleRow, now: Candles) -> str | None:
    """Return what has changed in a candle since it was settled on; None where nothing has.

    `now` has it as the exchange gives it now, or has it not any more.
    """
    same = now.between(settled.candle_ms - now.interval_ms, settled.candle_ms)
    for row in candle_rows(settled.symbol, same):
        changed = [
            f"{name} {getattr(settled, name)!r} is {getattr(row, name)!r} now"
            for name in VALUE_COLUMNS
            if getattr(settled, name) != getattr(row, name)
        ]
        if changed:
            return (
                f"{settled.symbol}: the candle that closed at {utc(settled.candle_ms)} was settled "
                f"on and has been revised; what was done stays: {', '.join(changed)}"
            )
    return None
