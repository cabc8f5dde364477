"""Values of the command line's flags: each parser says what was found and what to use."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot_exchange.market.candles import INTERVALS_MS
from bot_exchange.market.replay import Position
from bot_exchange.market.symbols import rules_of


def integer(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers in [least, most]."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"found {text!r}; use a whole number from {least} to {most}")
        return int(text)

    return parse


def decimal(least: float, most: float) -> Callable[[str], float]:
    """Return a parser of numbers in [least, most]."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise ArgumentTypeError(f"found {text!r}; use a number from {least:g} to {most:g}")
        return value

    return parse


def symbols(text: str) -> tuple[str, ...]:
    """Parse a comma-separated list of BASE/QUOTE, each once."""
    names = tuple(text.split(","))
    try:
        for name in names:
            rules_of(name)
    except ValueError as e:
        raise ArgumentTypeError(str(e)) from e
    if len({rules_of(name).market_id for name in names}) < len(names):
        raise ArgumentTypeError(f"found {text!r}; name each symbol once")
    return names


def timeframe(text: str) -> int:
    """Parse an interval of at most a day into ms."""
    usable = [name for name, length in INTERVALS_MS.items() if length <= INTERVALS_MS["1d"]]
    if text not in usable:
        raise ArgumentTypeError(f"found {text!r}; use one of {', '.join(usable)}")
    return INTERVALS_MS[text]


def moment(text: str) -> int:
    """Parse an ISO date and time, UTC where it has no offset, into ms since 1970."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"found {text!r}; use an ISO date and time like 2026-01-31T12:00:00Z"
        ) from None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp() * 1000)


def position(text: str) -> Position:
    """Parse which time of a file is now: end, end-N, or a date."""
    if text == "end":
        return Position()
    if text.startswith("end-") and text[4:].isdigit():
        return Position(reserve=int(text[4:]))
    try:
        return Position(at_ms=moment(text))
    except ArgumentTypeError:
        raise ArgumentTypeError(
            f"found {text!r}; use end, end-N (N candles are yet to come) or an ISO date and time"
        ) from None


def candle_file(text: str) -> tuple[str | None, Path]:
    """Parse FILE or SYMBOL=FILE."""
    symbol, separator, path = text.partition("=")
    if not separator:
        return None, Path(text)
    return symbols(symbol)[0], Path(path)
