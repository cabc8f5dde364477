"""Candles that the store has already, so that a data step asks only for the rest.

Of a symbol there may be a file that the user has put there, the file of an attempt of the same
training that was ended in between, and the snapshots of earlier trainings on the same exchange and
timeframe.
"""

import contextlib
from pathlib import Path

from bot_runtime.candle_files import EXTENSIONS, load_candles
from bot_runtime.candle_schema import check_schema
from bot_runtime.candles import Candles, merge, utc
from bot_runtime.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.reporting import Reporter
from bot_runtime.snapshot import Dataset, load_dataset, load_symbol
from bot_runtime.store import Store


def known_candles(store: Store, wanted: Dataset, symbol: str, reporter: Reporter) -> Candles | None:
    """Return the candles known of a symbol, checked; None where there are none.

    Those of the user's own file, and after them the ones that end last. Of what was fetched the
    part that cannot be trusted is told and left alone; a file of the user that cannot be is refused
    with DataUnusableError or ArtifactInvalidError. `wanted` says which exchange and timeframe.
    """
    fetched = (_unfinished(store, wanted, symbol, reporter), _earlier(store, wanted, symbol))
    known = [part for part in fetched if part is not None and len(part) > 0]
    newest = max(known, key=lambda part: int(part.open_time_ms[-1]), default=None)
    own = _own(store, wanted, symbol, reporter)
    parts = [part for part in (own, newest) if part is not None]
    return merge(parts) if parts else None


def find_own_file(store: Store, timeframe: str, symbol: str) -> Path | None:
    """Return the user's own file of a symbol's candles; DataUnusableError where it has several."""
    stem = store.own_candles(symbol, timeframe)
    found = [path for e in EXTENSIONS if (path := stem.with_name(stem.name + e)).is_file()]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise DataUnusableError(f"candles of {symbol} stand in several files: {names}; leave one")
    return found[0] if found else None


def _own(store: Store, wanted: Dataset, symbol: str, reporter: Reporter) -> Candles | None:
    """Return the candles of the user's own file."""
    path = find_own_file(store, wanted.timeframe, symbol)
    if path is None:
        return None
    candles = load_candles(path, wanted.interval_ms)
    check_schema(candles, path.name)
    if len(candles) == 0:
        raise DataUnusableError(f"{path.name}: has no candles; fill it or remove it")
    span = f"{utc(int(candles.open_time_ms[0]))} to {utc(int(candles.close_time_ms[-1]))}"
    reporter.log("own candles", file=path.name, candles=len(candles), span=span)
    return candles


def _unfinished(store: Store, wanted: Dataset, symbol: str, reporter: Reporter) -> Candles | None:
    """Return what an ended attempt of this training had saved; a finished one has its dataset."""
    path = store.candles(wanted.training, symbol)
    if store.dataset(wanted.training).exists() or not path.exists():
        return None
    try:
        candles = load_candles(path, wanted.interval_ms)
        check_schema(candles, symbol)
    except (ArtifactInvalidError, DataUnusableError) as e:
        reporter.warn(f"candles of an earlier attempt are not used: {e}")
        return None
    return candles


def _earlier(store: Store, wanted: Dataset, symbol: str) -> Candles | None:
    """Return the symbol's candles of the training that has the newest, by its sha256."""
    found = []
    for path in store.training("").glob("*/dataset.json"):
        with contextlib.suppress(ArtifactInvalidError):  # that training's own steps say so
            dataset = load_dataset(store, path.parent.name)
            if dataset.training != wanted.training and _is_same_feed(dataset, wanted):
                parts = (part for part in dataset.symbols if part.symbol == symbol)
                found += [(part.last_close_ms, dataset.training, dataset, part) for part in parts]
    for _, _, dataset, part in sorted(found, key=lambda each: each[:2], reverse=True):
        with contextlib.suppress(ArtifactInvalidError):
            return load_symbol(store, dataset, part)
    return None


def _is_same_feed(one: Dataset, other: Dataset) -> bool:
    return all(
        getattr(one, name) == getattr(other, name) for name in ("exchange", "endpoint", "timeframe")
    )
