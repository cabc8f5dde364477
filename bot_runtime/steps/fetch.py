"""The data step: the training's own snapshot of closed candles, the same for every later step.

Repeated on the same training it changes nothing: a snapshot that is there and whole is kept, unless
the user's own files have changed. What an ended attempt or an earlier training has fetched of the
window is not asked for again; files are saved as the fetch goes on.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.results import DataResult
from bot_runtime.contract.runconfig import RunConfiguration, TrainingRun
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.history import fetch_symbol, repair_gaps
from bot_runtime.exchange.own_check import take_own
from bot_runtime.exchange.retries import FETCH
from bot_runtime.exchange.short_memory import describe_short_memory
from bot_runtime.learning.datasets import needed_candles
from bot_runtime.market.agreement import check_joints
from bot_runtime.market.candle_files import save_candles
from bot_runtime.market.candle_folder import CandleFolder, look_into
from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import (
    Candles,
    describe_broken,
    find_gaps,
    leave_out_broken,
    merge,
    missing_count,
    utc,
)
from bot_runtime.market.feed_trouble import judge_clock
from bot_runtime.market.filters import save_filters
from bot_runtime.market.known_candles import known_candles
from bot_runtime.market.own_candles import OwnCandles
from bot_runtime.market.snapshot import (
    Dataset,
    SymbolSnapshot,
    describe_sources,
    knows_files,
    load_dataset,
    load_snapshot,
    save_snapshot,
    save_symbol,
)
from bot_runtime.process.config import training_of
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.layout import Store


def fetch(configuration: RunConfiguration, store: Store, reporter: Reporter) -> DataResult:
    """Return what the snapshot holds, fetched now or by an earlier attempt.

    Raises ConfigurationError for a market or timeframe that the exchange does not have,
    ExchangeUnavailableError, StoreUnavailableError, and DataUnusableError for too few candles.
    """
    run = training_of(configuration)
    folder = look_into(store.own_candles, configuration.symbols, configuration.timeframe)
    for other in folder.not_taken:
        reporter.warn(str(other))
    dataset = _existing(configuration, run, folder, store, reporter)
    if dataset is None:
        dataset = _fetch(configuration, run, folder, store, reporter)
        store.forget_results(run.name)  # what was learned of another snapshot is void
        save_snapshot(store, dataset)
    for part in dataset.symbols:
        reporter.note(describe_sources(part, dataset.exchange))
    return DataResult(
        candles=min(part.candles for part in dataset.symbols),
        missing=sum(part.missing for part in dataset.symbols),
        first_open=utc(min(part.first_open_ms for part in dataset.symbols)),
        last_close=utc(max(part.last_close_ms for part in dataset.symbols)),
    )


def _existing(
    configuration: RunConfiguration,
    run: TrainingRun,
    folder: CandleFolder,
    store: Store,
    reporter: Reporter,
) -> Dataset | None:
    """Return the snapshot of an earlier attempt, None where there is none, or not a whole one."""
    if not store.dataset(run.name).exists():
        return None
    try:
        dataset = load_dataset(store, run.name)
        load_snapshot(store, dataset)
    except ArtifactInvalidError as e:
        reporter.warn(f"snapshot of an earlier attempt is not used: {e}")
        return None
    same = _bare_dataset(configuration, run).model_copy(update={"symbols": dataset.symbols})
    names = tuple(part.symbol for part in dataset.symbols)
    if dataset != same or names != configuration.symbols:
        reporter.warn("snapshot of an earlier attempt is for another configuration: not used")
        return None
    if not knows_files(dataset, folder):
        reporter.warn("files in candles/ have changed: the snapshot is made anew")
        return None
    reporter.log("snapshot kept", training=run.name)
    return dataset


def _bare_dataset(configuration: RunConfiguration, run: TrainingRun) -> Dataset:
    return Dataset(
        training=run.name,
        exchange=configuration.exchange.id,
        endpoint=configuration.exchange.endpoint,
        timeframe=configuration.timeframe,
        lookback=run.lookback,
        symbols=(),
    )


def _fetch(
    configuration: RunConfiguration,
    run: TrainingRun,
    folder: CandleFolder,
    store: Store,
    reporter: Reporter,
) -> Dataset:
    """Fetch, check and save every symbol's candles of the window that ends now."""
    client = ExchangeClient(configuration.exchange, configuration.timeframe, FETCH, reporter.log)
    client.load_markets(configuration.symbols)
    save_filters(store, client.filters(configuration.symbols))
    span = _window(client, run)
    bare = _bare_dataset(configuration, run)
    found: list[tuple[str, Candles, OwnCandles | None]] = []
    for i, symbol in enumerate(configuration.symbols):
        reporter.progress(i / len(configuration.symbols), f"fetching {symbol}")
        own = take_own(client, symbol, folder, span, reporter)
        known = _known(own, known_candles(store, bare, symbol, reporter))
        save = _keeping(store, run, symbol, own)
        rows = repair_gaps(client, symbol, fetch_symbol(client, symbol, span, known, save))
        candles = leave_out_broken(rows)
        check_schema(candles, symbol)
        if own is not None:
            check_joints(own.candles, candles, own.file)
        findings = _findings(client, symbol, rows, span)
        _check_enough(candles, symbol, configuration, run, findings)
        for finding in findings:
            reporter.warn(f"{symbol}: {finding}")
        _warn_of_holes(candles, symbol, span[1], reporter)
        save(candles)
        found.append((symbol, candles, own))
    parts = tuple(_saved(store, run, folder, each) for each in found)
    reporter.progress(1.0, "fetched")
    return bare.model_copy(update={"symbols": parts})


def _window(client: ExchangeClient, run: TrainingRun) -> tuple[int, int]:
    """Return the span [start, end) in ms that a training learns from; raises DataUnusableError."""
    now_ms, skew_ms = client.server_time_ms()
    trouble = judge_clock(skew_ms, client.interval_ms)
    if trouble is not None:  # which candles are closed would be a guess
        raise DataUnusableError(trouble.text)
    end_ms = now_ms // client.interval_ms * client.interval_ms
    return end_ms - seconds_of(
        run.lookback
    ) * 1000 // client.interval_ms * client.interval_ms, end_ms


def _known(own: OwnCandles | None, fetched: Candles | None) -> Candles | None:
    if own is None:
        return fetched
    return own.candles if fetched is None else merge([fetched, own.candles])


def _keeping(
    store: Store, run: TrainingRun, symbol: str, own: OwnCandles | None
) -> Callable[[Candles], None]:
    """Return what keeps candles for the next attempt, should this one be ended.

    Nothing with rows of the user's is kept: the file may be another one by then, or gone.
    """
    if own is not None:
        return lambda _: None
    return partial(save_candles, store.candles(run.name, symbol))


def _saved(
    store: Store,
    run: TrainingRun,
    folder: CandleFolder,
    found: tuple[str, Candles, OwnCandles | None],
) -> SymbolSnapshot:
    """Write a symbol's candles; return its record, with what it has of the user's files."""
    symbol, whole, own = found
    part = save_symbol(store, run.name, symbol, whole)
    if own is None:
        return part
    update = {
        "own_file": own.file,
        "own_candles": int(np.isin(whole.open_time_ms, own.candles.open_time_ms).sum()),
        "own_sha256": folder.digests[part.symbol],
    }
    return part.model_copy(update=update)


def _findings(
    client: ExchangeClient, symbol: str, rows: Candles, span: tuple[int, int]
) -> list[str]:
    """Return what is wrong with the answers of the exchange: broken rows, a short memory."""
    broken = describe_broken(rows)
    if broken:
        broken += "; they are left out and count as missing"
    return [text for text in (describe_short_memory(client, symbol, rows, span), broken) if text]


def _check_enough(
    candles: Candles,
    symbol: str,
    configuration: RunConfiguration,
    run: TrainingRun,
    findings: Sequence[str],
) -> None:
    needed = needed_candles(configuration.model)
    if len(candles) < needed:
        raise DataUnusableError(
            f"{symbol}: {len(candles)} closed candles of {configuration.timeframe} in the last "
            f"{run.lookback}, {needed} are needed (encoderLength "
            f"{configuration.model.encoder_length}, horizonSteps "
            f"{configuration.model.horizon_steps}); "
            + "; ".join(findings or ["ask for a longer training.lookback"])
        )


def _warn_of_holes(candles: Candles, symbol: str, end_ms: int, reporter: Reporter) -> None:
    missing = missing_count(candles)
    if missing:
        holes = find_gaps(candles)
        reporter.warn(
            f"{symbol}: {missing} candles in {len(holes)} holes are missing, "
            f"the first one at {utc(holes[0].start_ms)}; rows that need them are left out"
        )
    newest = int(candles.close_time_ms[-1])
    if newest < end_ms:
        reporter.warn(f"{symbol}: the newest candle closed at {utc(newest)}, not {utc(end_ms)}")
