"""All candles of a market that a store has: every training's snapshot, and the user's own files."""

import contextlib
from typing import Final, get_args

from bot_runtime.contract.intervals import Timeframe, seconds_of
from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.market.candle_folder import look_into
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import Candles, merge
from bot_runtime.market.own_candles import read_own_candles
from bot_runtime.market.snapshot import load_dataset, load_symbol
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.store.layout import Store

_OWN_ADDRESS: Final = "its own address"


def stored_candles(
    store: Store, exchange: ExchangeSpec, symbol: str, timeframe: Timeframe
) -> Candles:
    """Return the candles of a symbol, checked: of the same candle the user's own one is kept.

    Raises DataUnusableError where there are none, or where the user's files cannot be read.
    """
    candles = _find(store, exchange, symbol, timeframe)
    if candles is None:
        raise DataUnusableError(
            f"{symbol}: {store.root} has no candles of {timeframe} from {exchange.id}"
            f"{_other_addresses(store, exchange) or ';'} run `python -m bot_runtime run` first, or "
            f"put files into {store.own_candles}"
        )
    return candles


def _other_addresses(store: Store, exchange: ExchangeSpec) -> str:
    """Return where else the store's candles came from, and how to say so."""
    found = set[str]()
    for folder in store.trainings():
        with contextlib.suppress(ArtifactInvalidError):
            dataset = load_dataset(store, folder.name)
            if dataset.exchange == exchange.id and dataset.endpoint != exchange.endpoint:
                found.add(dataset.endpoint or _OWN_ADDRESS)
    if not found:
        return ""
    way = "leave endpoint out" if found == {_OWN_ADDRESS} else "name it with --endpoint"
    there = exchange.endpoint or _OWN_ADDRESS
    return f" at {there}, but from {', '.join(sorted(found))}: {way}, or"


def all_stored_candles(
    store: Store, exchange: ExchangeSpec, symbols: tuple[str, ...]
) -> dict[Timeframe, dict[str, Candles]]:
    """Return the candles of every timeframe that the store has of all symbols, the finest first.

    Raises DataUnusableError where the user's files cannot be read.
    """
    found: dict[Timeframe, dict[str, Candles]] = {}
    for timeframe in get_args(Timeframe):
        parts = {symbol: _find(store, exchange, symbol, timeframe) for symbol in symbols}
        present = {symbol: part for symbol, part in parts.items() if part is not None}
        if len(present) == len(symbols):
            found[timeframe] = present
    return found


def _find(
    store: Store, exchange: ExchangeSpec, symbol: str, timeframe: Timeframe
) -> Candles | None:
    parts = _snapshots(store, exchange, symbol, timeframe)
    files = look_into(store.own_candles, (symbol,), timeframe).files.get(symbol)
    if files is not None:
        interval_ms = seconds_of(timeframe) * 1000
        parts.append(read_own_candles(files, symbol, interval_ms).candles)
    if not parts:
        return None
    candles = merge(parts)
    check_schema(candles, symbol)
    return candles


def _snapshots(
    store: Store, exchange: ExchangeSpec, symbol: str, timeframe: Timeframe
) -> list[Candles]:
    """Return the symbol's candles of every training on the same feed, the newest training last."""
    found = []
    for folder in store.trainings():
        with contextlib.suppress(ArtifactInvalidError):  # that training's own steps say so
            dataset = load_dataset(store, folder.name)
            same = (dataset.exchange, dataset.endpoint, dataset.timeframe) == (
                exchange.id,
                exchange.endpoint,
                timeframe,
            )
            parts = [part for part in dataset.symbols if same and part.symbol == symbol]
            found += [(p.last_close_ms, load_symbol(store, dataset, p)) for p in parts]
    return [candles for _, candles in sorted(found, key=lambda each: each[0])]
