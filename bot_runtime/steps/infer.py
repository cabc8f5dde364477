"""Inference: fetch the newest closed candles, predict, decide, write one signal per symbol.

After the last signal the marker is written, where somebody waits for it (contract.names).

What is wrong with the feed ends in NO_TRADE signals and exit code 0; what is wrong with the version
or the configuration ends the run, and no signal is written.
"""

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

from bot_runtime.arrays import Values
from bot_runtime.contract.names import ENV_POD_UID
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import Signal
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.newest import Feed, observe_feeds, share_of
from bot_runtime.exchange.retries import Patience
from bot_runtime.features.panel import compute_panel
from bot_runtime.process.config import inference_of
from bot_runtime.process.reporting import Reporter
from bot_runtime.process.threads import cpu_count
from bot_runtime.serving.adaptive_band import AdaptiveBand
from bot_runtime.serving.scored_rows import memory_to_score
from bot_runtime.serving.served_band import follow, load_band, save_band, settle_band
from bot_runtime.serving.served_drift import Row, watch
from bot_runtime.serving.served_skill import Seen, load_skill_reference, watch_skill
from bot_runtime.serving.version import ServedVersion, check_inputs, load_version
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store
from bot_runtime.store.marker import Marker, save_marker
from bot_runtime.store.pruning import note_use
from bot_runtime.trading.signals import Observed, build_signal
from bot_runtime.trading.strategy import Strategy


class Inferred(NamedTuple):
    """What a run has said, and what its version's skill is worth; None where none is watched."""

    signals: tuple[Signal, ...]
    skill: LiveSkill | None


def infer(
    configuration: RunConfiguration, store: Store, reporter: Reporter, patience: Patience
) -> Inferred:
    """Return and save one signal per symbol, mark that all are there, and score earlier ones.

    Raises ArtifactInvalidError where the version cannot be served, ConfigurationError where the
    exchange has no such market, StoreUnavailableError where the signal cannot be written.
    """
    run = inference_of(configuration)
    note_use(store, run.model_version)
    version = load_version(store, run.model_version, cpu_count())
    check_inputs(version, configuration)
    time.sleep(patience.jitter_seconds * share_of(configuration.namespace, configuration.owner))
    policy = patience.policy(run.deadline_seconds)
    client = ExchangeClient(configuration.exchange, configuration.timeframe, policy, reporter.log)
    wait_until = time.monotonic() + min(patience.wait_seconds, policy.budget_seconds)
    horizon_steps = configuration.model.horizon_steps
    reference = load_skill_reference(store, run.model_version, reporter)
    lengths = _lengths_of(configuration, version, scores=reference is not None)
    feeds = observe_feeds(client, configuration.symbols, lengths, wait_until)
    features = features_of(feeds, version)
    signals = []
    for symbol, feed in feeds.items():
        state = load_band(store, run.model_version, symbol, reporter)
        if feed.candles is not None and len(feed.candles) > 0:
            state = settle_band(state, feed.candles, horizon_steps)
        observed = Observed(feed, features.get(symbol), AdaptiveBand(state.lower, state.upper))
        signal = build_signal(configuration, version, symbol, observed)
        signal = watch(
            store, signal, _row(configuration, version, feed, features.get(symbol)), reporter
        )
        if feed.candles is not None and len(feed.candles) > 0:
            unit = version.unit(feed.candles.close)
            signal, state = follow(state, signal, feed.candles, unit)
            save_band(store, run.model_version, symbol, state)
        save_json(store.signal(symbol), signal.model_dump(mode="json"))
        reporter.log("signal", **signal.model_dump(mode="json"))
        signals.append(signal)
    _mark(store, configuration, feeds)
    skill = None
    if reference is not None:
        skill = watch_skill(store, version, reference, _seen(feeds, features), reporter)
        reporter.log("skill", **skill.to_json())
    return Inferred(tuple(signals), skill)


def _lengths_of(
    configuration: RunConfiguration, version: ServedVersion, *, scores: bool
) -> tuple[int, int]:
    """Return how many candles are decided on, and how many are asked for before those.

    So the horizon's end of every probability and band told since the last run is among them, and of
    a run that scores the memory of what it scores.
    """
    context, memory = version.context_length, Strategy.of_run(configuration).memory - 1
    earlier = [version.memory_length - context + memory, configuration.model.horizon_steps]
    if scores:
        earlier.append(memory_to_score(version) - context)
    return context, max(earlier)


def features_of(feeds: Mapping[str, Feed], version: ServedVersion) -> dict[str, Values]:
    """Return the features of every candle, by symbol, of feeds that are not in trouble."""
    candles = {
        symbol: feed.candles
        for symbol, feed in feeds.items()
        if feed.candles is not None and feed.trouble is None
    }
    return compute_panel(candles, version.manifest.inputs.features) if candles else {}


def _seen(feeds: Mapping[str, Feed], features: Mapping[str, Values]) -> dict[str, Seen]:
    """Return what the run has of the symbols that it trusts."""
    return {
        symbol: Seen(feed.candles, features[symbol])
        for symbol, feed in feeds.items()
        if feed.candles is not None and symbol in features
    }


def _mark(store: Store, configuration: RunConfiguration, feeds: Mapping[str, Feed]) -> None:
    """Write the marker of this run, where it has a name by which somebody waits for it."""
    pod_uid = os.environ.get(ENV_POD_UID)
    if pod_uid:
        closes = [int(feed.candles.close_time_ms[-1]) for feed in feeds.values() if feed.candles]
        newest = max(closes, default=None)
        marker = Marker(pod_uid=pod_uid, run_digest=configuration.digest, candle_ms=newest)
        save_marker(store, marker)


def _row(
    configuration: RunConfiguration, version: ServedVersion, feed: Feed, features: Values | None
) -> Row | None:
    """Return what the run has seen of a symbol, None where there is no candle."""
    if feed.candles is None or len(feed.candles) == 0:
        return None
    width = configuration.model.triple_barrier_width
    barrier = None if width is None else width * version.unit(feed.candles.close)
    return Row(feed.candles, None if features is None else features[-1], barrier)
