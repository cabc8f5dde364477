"""The store's folder `candles/`: which of a user's files are whose, and why others are not taken.

candles/BTC-USDT-5m.csv                      one file
candles/btcusdt_5m.parquet                   the same, as others write it
candles/BTCUSDT-5m-2024-01.zip               dumps that follow each other
candles/BTC-USDT-5m/2024-01.csv              the same in a folder
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot_runtime.contract.intervals import TIMEFRAMES
from bot_runtime.store.files import reading, sha256_of
from bot_runtime.store.layout import file_stem

EXTENSIONS: Final = (
    *(".csv.gz", ".json.gz", ".csv.zip", ".json.zip"),
    *(".csv", ".json", ".parquet", ".feather", ".zip"),
)
"""Endings of names; a longer one stands before the shorter one that it ends with."""
_QUOTES: Final = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD", "EUR", "GBP", "TRY", "BTC", "ETH")
_NAMED: Final = re.compile(
    rf"(?P<pair>[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*)[-_](?P<timeframe>{'|'.join(TIMEFRAMES)})"
    r"(?:[-_][0-9]{4}(?:-[0-9]{2}){0,2})?"
)


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A file that nothing is read of."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"candles/{self.name} is not taken: {self.why}"


@dataclass(frozen=True, slots=True)
class CandleFolder:
    """What `candles/` has for a bot.

    Attributes:
        root: the folder.
        files: by symbol, its files by name; a symbol without one is absent.
        digests: by symbol, the sha256 of its files, names and bytes, as they were when looked at.
        not_taken: every other entry, with the reason.
    """

    root: Path
    files: dict[str, tuple[Path, ...]]
    digests: dict[str, str]
    not_taken: tuple[NotTaken, ...]


def look_into(folder: Path, symbols: tuple[str, ...], timeframe: str) -> CandleFolder:
    """Return which files in a folder are whose; raises StoreUnavailableError."""
    files: dict[str, list[Path]] = {}
    not_taken = []
    for path in _entries(folder):
        inside = path.parent != folder and parse_name(bare_name(path)) is None
        label = path.parent.name if inside else bare_name(path)
        symbol, why = _owner(label, symbols, timeframe)
        if path.name.startswith("."):
            symbol, why = None, "its name begins with a dot"
        elif path.is_dir():
            symbol, why = None, "it is a folder in a folder; put the files one level higher"
        elif not path.is_file():
            symbol, why = None, "it is no file, or a link to one that is not there"
        elif not extension_of(path):
            symbol, why = None, f"its name ends with none of {', '.join(EXTENSIONS)}"
        if symbol is None:
            not_taken.append(NotTaken(str(path.relative_to(folder)), why))
        else:
            files.setdefault(symbol, []).append(path)
    found = {symbol: tuple(paths) for symbol, paths in files.items()}
    digests = {symbol: _digest(paths) for symbol, paths in found.items()}
    return CandleFolder(folder, found, digests, tuple(not_taken))


def _digest(paths: tuple[Path, ...]) -> str:
    lines = (f"{path.name} {sha256_of(path)}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _entries(folder: Path) -> Iterator[Path]:
    """Give what lies in a folder and in its folders, by name."""
    for path in _listed(folder):
        yield from _listed(path) if path.is_dir() else (path,)


def _listed(folder: Path) -> list[Path]:
    with reading(folder):
        return sorted(folder.iterdir()) if folder.is_dir() else []


def _owner(label: str, symbols: tuple[str, ...], timeframe: str) -> tuple[str | None, str]:
    """Return the symbol that a name is of, or None and why it is of none."""
    named = parse_name(label)
    if named is None:
        example = f"{file_stem(symbols[0])}-{timeframe}.csv"
        return None, f"its name has no market and timeframe; name it like {example}"
    pair, found = named
    if found != timeframe:
        return None, f"its name says {found}, the bot's timeframe is {timeframe}"
    for symbol in symbols:
        if pair == bare_symbol(symbol):
            return symbol, ""
    return None, f"its name says {pair.upper()}, the bot's symbols are {', '.join(symbols)}"


def market_of(path: Path) -> str | None:
    """Return the symbol that a file's name says, such as BTC/USDT; None where it says none.

    The quote has to be a usual one: a name may begin with anything, such as that of an exchange.
    """
    named = _NAMED.fullmatch(bare_name(path))
    *before, last = re.split("[-_]", (named["pair"] if named else bare_name(path)).upper())
    if last in _QUOTES:
        return f"{before[-1]}/{last}" if before else None
    found = re.fullmatch(rf"([A-Z0-9]{{2,}}?)({'|'.join(_QUOTES)})", last)
    return f"{found[1]}/{found[2]}" if found else None


def parse_name(label: str) -> tuple[str, str] | None:
    """Return the pair, in small letters alone, and the timeframe that a file's name says."""
    found = _NAMED.fullmatch(label)
    if found is None:
        return None
    return re.sub("[-_]", "", found["pair"]).lower(), found["timeframe"]


def bare_symbol(symbol: str) -> str:
    """Return a symbol's letters and digits in small: BTC/USDT -> btcusdt."""
    return re.sub("[^a-z0-9]", "", symbol.lower())


def bare_name(path: Path) -> str:
    """Return a file's name without the extension of a candle file."""
    return path.name[: len(path.name) - len(extension_of(path))]


def extension_of(path: Path) -> str:
    """Return the extension that says how a candle file is read, empty where it has none."""
    name = path.name.lower()
    return next((e for e in EXTENSIONS if name.endswith(e) and len(name) > len(e)), "")
