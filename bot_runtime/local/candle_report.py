"""`candles`: say what a candle file holds as a bot would read it, without a bot."""

import sys
from pathlib import Path
from typing import TextIO

from bot_runtime.contract.intervals import TIMEFRAMES, seconds_of
from bot_runtime.market.candle_folder import extension_of, market_of
from bot_runtime.market.candles import Candles, find_gaps, utc
from bot_runtime.market.own_candles import OwnCandles, read_own_candles
from bot_runtime.process.errors import DataUnusableError, StepError
from bot_runtime.store.files import reading


def report_candles(path: Path, stream: TextIO = sys.stdout) -> int:
    """Print what a file, or a folder of files that follow each other, holds; return the exit code.

    A file that is refused is refused here with the same words and exit code as by a bot.
    """
    try:
        files, others = _files(path)
        market = market_of(path) or market_of(files[0])
        own = read_own_candles(files, market)
    except StepError as e:
        print(f"bot-runtime: {e}", file=stream)
        return int(e.exit_code)
    for name, value in (*_lines(own, market), *(("left out", other) for other in others)):
        print(f"{name:9} {value}", file=stream)
    return 0


def _files(path: Path) -> tuple[list[Path], list[str]]:
    """Return the candle files, and the names of what else lies in a folder."""
    with reading(path):
        if not path.exists() and not path.is_symlink():
            raise DataUnusableError(f"{path}: no such file or folder; correct the name")
        if not path.is_dir():
            return [path], []
        entries = [entry for entry in sorted(path.iterdir()) if not entry.name.startswith(".")]
    files = [entry for entry in entries if extension_of(entry) and not entry.is_dir()]
    if not files:
        raise DataUnusableError(f"{path}: has no candle file; name one")
    return files, [entry.name for entry in entries if entry not in files]


def _lines(own: OwnCandles, market: str | None) -> list[tuple[str, str]]:
    candles = own.candles
    times = [utc(int(candles.open_time_ms[i])) for i in (0, -1)]
    return [
        ("file", own.file),
        ("market", market or "its name has none; name it like BTC-USDT-5m.csv"),
        ("interval", _interval(candles.interval_ms)),
        ("first", f"{times[0]}  (opening times, in UTC)"),
        ("last", times[1]),
        ("candles", f"{len(candles):,}"),
        ("holes", _holes(candles)),
        ("times in", ", ".join(own.units)),
        *(("note", note) for note in own.notes),
    ]


def _interval(interval_ms: int) -> str:
    for timeframe in TIMEFRAMES:
        if seconds_of(timeframe) * 1000 == interval_ms:
            return timeframe
    return f"{interval_ms / 60_000:g} minutes; a bot takes {', '.join(TIMEFRAMES)}"


def _holes(candles: Candles) -> str:
    gaps = find_gaps(candles)
    if not gaps:
        return "none"
    longest = max(gaps, key=lambda gap: gap.missing)
    missing = sum(gap.missing for gap in gaps)
    return (
        f"{missing:,} candles missing in {len(gaps):,} holes, the longest of "
        f"{longest.missing:,} from {utc(longest.start_ms)}"
    )
