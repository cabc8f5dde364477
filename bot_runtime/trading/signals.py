"""A symbol's signal: the prediction, the decision and where both come from."""

from datetime import UTC, datetime
from typing import Any

from bot_runtime.arrays import Values
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import Calibration, Signal, SignalVersion
from bot_runtime.exchange.newest import Feed
from bot_runtime.features.regime import regime_of
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.git import git_commit
from bot_runtime.serving.version import ServedVersion
from bot_runtime.trading.decision import decide


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


def _newest_close(feed: Feed) -> str | None:
    if feed.candles is None or len(feed.candles) == 0:
        return None
    return utc(int(feed.candles.close_time_ms[-1]))
