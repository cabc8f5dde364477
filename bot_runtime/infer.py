"""Inference: fetch the newest closed candles, predict, decide, write one signal per symbol.

What is wrong with the feed ends in NO_TRADE signals and exit code 0; what is wrong with the version
or the configuration ends the run, and no signal is written.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot_runtime.arrays import Values
from bot_runtime.candles import Candles, utc
from bot_runtime.config import inference_of
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import Calibration, DecisionReason, Signal, SignalVersion
from bot_runtime.cross_features import compute_panel, feature_names
from bot_runtime.decision import decide, regime_of
from bot_runtime.errors import ArtifactInvalidError, ExchangeUnavailableError
from bot_runtime.exchange import ExchangeClient
from bot_runtime.features import WARM_UP
from bot_runtime.feed import (
    Trouble,
    Window,
    judge_candles,
    judge_clock,
    leave_out_broken,
    newest_window,
)
from bot_runtime.git import git_commit
from bot_runtime.pruning import note_use
from bot_runtime.reporting import Reporter
from bot_runtime.retries import POLL_SECONDS, Patience
from bot_runtime.served_band import follow, load_band, save_band
from bot_runtime.served_drift import Row, watch
from bot_runtime.serving import ServedVersion, load_version
from bot_runtime.store import Store, save_json
from bot_runtime.threads import cpu_count


@dataclass(frozen=True, slots=True)
class Feed:
    """What the exchange gave for one symbol: candles, or why they cannot be decided on.

    Rows that cannot be candles are not among them: nothing may be learned from such an outcome.
    The candles begin a horizon before those that are decided on.
    """

    candles: Candles | None
    trouble: Trouble | None
    skew_ms: int = 0


def infer(
    configuration: RunConfiguration, store: Store, reporter: Reporter, patience: Patience
) -> tuple[Signal, ...]:
    """Return and save one signal per symbol.

    Raises ArtifactInvalidError where the version cannot be served, ConfigurationError where the
    exchange has no such market, StoreUnavailableError where the signal cannot be written.
    """
    run = inference_of(configuration)
    note_use(store, run.model_version)
    version = load_version(store, run.model_version, cpu_count())
    check_version(version, configuration)
    time.sleep(patience.jitter_seconds * share_of(configuration.namespace, configuration.owner))
    policy = patience.policy(run.deadline_seconds)
    client = ExchangeClient(configuration.exchange, configuration.timeframe, policy, reporter.log)
    wait_until = time.monotonic() + min(patience.wait_seconds, policy.budget_seconds)
    # So the horizon's end of every probability and band told since the last run is among them.
    lengths = version.context_length, configuration.model.horizon_steps
    feeds = observe_feeds(client, configuration.symbols, lengths, wait_until)
    features = features_of(feeds, version)
    signals = []
    for symbol, feed in feeds.items():
        signal = build_signal(configuration, version, symbol, feed, features.get(symbol))
        signal = watch(
            store, signal, _row(configuration, version, feed, features.get(symbol)), reporter
        )
        if feed.candles is not None and len(feed.candles) > 0:
            state = load_band(store, run.model_version, symbol, reporter)
            unit = version.unit(feed.candles.close)
            signal, state = follow(state, signal, feed.candles, unit)
            save_band(store, run.model_version, symbol, state)
        save_json(store.signal(symbol), signal.model_dump(mode="json"))
        reporter.log("signal", **signal.model_dump(mode="json"))
        signals.append(signal)
    return tuple(signals)


def share_of(namespace: str, owner: str) -> float:
    """Return a bot's own share in [0, 1) of the jitter, the same in every run.

    A fleet behind one address asks over some seconds instead of in one instant.
    """
    digest = hashlib.sha256(f"{namespace}/{owner}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def check_version(version: ServedVersion, configuration: RunConfiguration) -> None:
    """Raise ArtifactInvalidError where the version is fed otherwise than this run would feed it."""
    inputs, model = version.manifest.inputs, configuration.model
    pairs = (
        ("timeframe", inputs.timeframe, configuration.timeframe),
        ("horizonSteps", inputs.horizon_steps, configuration.model.horizon_steps),
        ("warmUp", inputs.warm_up, WARM_UP),
        ("features", inputs.features, feature_names(len(configuration.symbols))),
        ("tripleBarrierWidth", inputs.triple_barrier_width, model.triple_barrier_width),
    )
    for name, trained, here in pairs:
        if trained != here:
            raise ArtifactInvalidError(
                f"{version.version}: {name}: trained with {str(trained)[:60]}, this run has "
                f"{str(here)[:60]}; train again"
            )


def observe_feeds(
    client: ExchangeClient, symbols: Sequence[str], lengths: tuple[int, int], wait_until: float
) -> dict[str, Feed]:
    """Return every symbol's newest candles, waiting until then for those just closed.

    `lengths`: how many are decided on, and how many are asked for before those.
    Raises ConfigurationError where the exchange has no such market.
    """
    try:
        client.load_markets(symbols)
        now_ms, skew_ms = client.server_time_ms()
    except ExchangeUnavailableError as e:
        return dict.fromkeys(symbols, Feed(None, _unavailable(e)))
    trouble = judge_clock(skew_ms, client.interval_ms)
    if trouble is not None:
        return dict.fromkeys(symbols, Feed(None, trouble, skew_ms))
    window = newest_window(now_ms, client.interval_ms, *lengths)
    return {s: _observe(client, s, window, wait_until, skew_ms) for s in symbols}


def _observe(
    client: ExchangeClient, symbol: str, window: Window, wait_until: float, skew_ms: int
) -> Feed:
    """Ask until the window is whole or the time is up; a hole is asked for once more only."""
    asked = 0
    while True:
        try:
            candles = client.candles(symbol, window.earliest_ms, window.close_ms)
        except ExchangeUnavailableError as e:
            return Feed(None, _unavailable(e), skew_ms)
        asked += 1
        trouble = judge_candles(candles, symbol, window)
        stale = trouble is not None and trouble.reason == DecisionReason.FEED_STALE
        again = stale or (trouble is not None and asked == 1)
        if not again or time.monotonic() + POLL_SECONDS > wait_until:
            return Feed(leave_out_broken(candles), trouble, skew_ms)
        time.sleep(POLL_SECONDS)


def _unavailable(error: ExchangeUnavailableError) -> Trouble:
    return Trouble(DecisionReason.EXCHANGE_UNAVAILABLE, str(error))


def build_signal(
    configuration: RunConfiguration,
    version: ServedVersion,
    symbol: str,
    feed: Feed,
    features: Values | None,
) -> Signal:
    """Return a symbol's signal; without predictions where the feed is in trouble.

    `features` are those of the feed's newest candles, None where they are not decided on.
    """
    calibration = version.trend_calibration
    signal = Signal(
        ts=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        symbol=symbol,
        timeframe=configuration.timeframe,
        horizon_steps=configuration.model.horizon_steps,
        bar_close_ts=_newest_close(feed),
        decision="NO_TRADE",
        reason=feed.trouble.text if feed.trouble else "",
        decision_reason=feed.trouble.reason if feed.trouble else None,
        bars_missing=feed.trouble.bars_missing if feed.trouble else 0,
        clock_skew_ms=feed.skew_ms,
        calibration=Calibration(method=calibration.method, n=calibration.rows),
        run_digest=configuration.digest,
        version=SignalVersion(model_version=version.version, git_commit=git_commit()),
    )
    if features is None or feed.candles is None:
        return signal
    return signal.model_copy(update=_decided(configuration, version, feed.candles, features))


def features_of(feeds: Mapping[str, Feed], version: ServedVersion) -> dict[str, Values]:
    """Return the features of what is decided on, by symbol, of feeds that are not in trouble."""
    candles = {
        symbol: feed.candles[-version.context_length :]
        for symbol, feed in feeds.items()
        if feed.candles is not None and feed.trouble is None
    }
    return compute_panel(candles, version.manifest.inputs.features) if candles else {}


def _decided(
    configuration: RunConfiguration, version: ServedVersion, candles: Candles, features: Values
) -> dict[str, Any]:
    """Return the signal's fields that follow from a prediction on the newest candles."""
    prediction = version.predict(features, candles.close[-len(features) :])
    outcome = decide(prediction, configuration.decision)
    return {
        "decision": outcome.decision,
        "reason": outcome.text,
        "decision_reason": outcome.reason,
        "prob_up": prediction.prob_up,
        "expected_return": prediction.p50,
        "p10": prediction.p10,
        "p50": prediction.p50,
        "p90": prediction.p90,
        "risk_score": prediction.risk_score,
        "risk_allowed": outcome.risk_allowed,
        "confidence": outcome.confidence,
        "regime": regime_of(features[-1]),
        "position_size": outcome.position_size,
    }


def _row(
    configuration: RunConfiguration, version: ServedVersion, feed: Feed, features: Values | None
) -> Row | None:
    """Return what the run has seen of a symbol, None where there is no candle."""
    if feed.candles is None or len(feed.candles) == 0:
        return None
    width = configuration.model.triple_barrier_width
    barrier = None if width is None else width * version.unit(feed.candles.close)
    return Row(feed.candles, None if features is None else features[-1], barrier)


def _newest_close(feed: Feed) -> str | None:
    if feed.candles is None or len(feed.candles) == 0:
        return None
    return utc(int(feed.candles.close_time_ms[-1]))
