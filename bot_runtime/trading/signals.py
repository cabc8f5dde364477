"""A symbol's signal: the prediction, the decision and where both come from."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import Calibration, Signal, SignalRule, SignalVersion
from bot_runtime.exchange.newest import Feed
from bot_runtime.features.closes import Closes
from bot_runtime.features.regime import regimes_of
from bot_runtime.market.candles import Candles, rows_without_gap, utc
from bot_runtime.process.git import git_commit
from bot_runtime.serving.adaptive_band import AdaptiveBand
from bot_runtime.serving.version import ServedVersion
from bot_runtime.trading.decision import views_of
from bot_runtime.trading.strategy import Strategy


class Observed(NamedTuple):
    """What a run has of one symbol.

    Attributes:
        features: (n, F), of the feed's candles; None where they are not decided on.
        band: how p10 and p90 have adapted by now.
    """

    feed: Feed
    features: Values | None
    band: AdaptiveBand


def build_signal(
    configuration: RunConfiguration, version: ServedVersion, symbol: str, observed: Observed
) -> Signal:
    """Return a symbol's signal; without predictions where the feed is in trouble.

    Its p10 and p90 are the model's own, so that drift is measured by them. The view is by the
    adapted ones, which served_band.follow writes into the signal in their place.
    """
    feed = observed.feed
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
    if observed.features is None or feed.candles is None:
        return signal
    return signal.model_copy(update=_decided(configuration, version, feed.candles, observed))


def _decided(
    configuration: RunConfiguration, version: ServedVersion, candles: Candles, observed: Observed
) -> dict[str, Any]:
    """Return the signal's fields that follow from predictions on the newest candles."""
    features = observed.features
    assert features is not None, "asked for what is decided on alone"
    strategy = Strategy.of_run(configuration)
    # By the same closes as the band that is told, and of the newest row: of older ones no view has
    # a band to look at.
    unit = version.unit(candles.close)
    whole = rows_without_gap(candles, version.context_length)
    rows = np.flatnonzero(whole)[-strategy.memory :]
    predictions = version.predict_rows(features, Closes.of(candles), rows)
    number = candles.open_time_ms[rows] // candles.interval_ms
    newest = len(rows) - 1
    prediction = predictions[newest]
    adapted = predictions.with_band(*observed.band.adjusted(predictions, unit))
    view = views_of(adapted, strategy, regimes_of(features[rows]), number)[newest]
    return {
        "decision": view.decision,
        "reason": view.text,
        "decision_reason": view.reason,
        "prob_up": prediction.prob_up,
        "expected_return": prediction.p50,
        "p10": prediction.p10,
        "p50": prediction.p50,
        "p90": prediction.p90,
        "risk_score": prediction.risk_score,
        "volatility": prediction.volatility,
        "risk_allowed": view.risk_allowed,
        "confidence": view.confidence,
        "regime": view.regime,
        "position_size": view.intent.share,
        "rules": tuple(SignalRule(**r._asdict()) for r in (*view.rules, *view.bounds)),
    }


def _newest_close(feed: Feed) -> str | None:
    if feed.candles is None or len(feed.candles) == 0:
        return None
    return utc(int(feed.candles.close_time_ms[-1]))
