"""Candles that the store has already, so that a data step asks only for the rest.

Of a symbol there may be the file of an attempt of the same training that was ended in between, and
the snapshots of earlier trainings on the same exchange and timeframe.
"""

import contextlib

from bot_runtime.market.candle_files import load_candles
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import Candles
from bot_runtime.market.snapshot import Dataset, load_dataset, load_symbol
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.layout import Store


def known_candles(store: Store, wanted: Dataset, symbol: str, reporter: Reporter) -> Candles | None:
    """Return the candles known of a symbol that end last, checked; None where there are none.

    What cannot be trusted is told and left alone. `wanted` says which exchange and timeframe.
    """
    found = (_unfinished(store, wanted, symbol, reporter), _earlier(store, wanted, symbol))
    known = [part for part in found if part is not None and len(part) > 0]
    return max(known, key=lambda part: int(part.open_time_ms[-1]), default=None)


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
    for folder in store.trainings():
        with contextlib.suppress(ArtifactInvalidError):  # that training's own steps say so
            dataset = load_dataset(store, folder.name)
            if dataset.training != wanted.training and _is_same_feed(dataset, wanted):
                # Rows of a user's file are the file's to tell: it may be another by now, or gone.
                parts = (p for p in dataset.symbols if p.symbol == symbol and p.own_file is None)
                found += [(part.last_close_ms, dataset.training, dataset, part) for part in parts]
    for _, _, dataset, part in sorted(found, key=lambda each: each[:2], reverse=True):
        with contextlib.suppress(ArtifactInvalidError):
            return load_symbol(store, dataset, part)
    return None


def _is_same_feed(one: Dataset, other: Dataset) -> bool:
    return all(
        getattr(one, name) == getattr(other, name) for name in ("exchange", "endpoint", "timeframe")
    )
