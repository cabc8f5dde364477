"""What runs in clusters by now: another release must not name or spell any of it otherwise.

A digest that changes trains every bot of a fleet again, or begins a new CronJob for each. A message
that changes its bytes may be one that the operator beside an older image cannot read.
"""

from bot_runtime.contract.names import training_name
from bot_runtime.contract.results import StepResult, to_message
from bot_runtime.contract.runconfig import (
    inference_run,
    learned_digest,
    training_digest,
    training_run,
    training_spec_of,
)
from bot_runtime.contract.signal import Calibration, Drift, Signal, SignalVersion
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.resources import bot

SPEC = TradingBotSpec.model_validate(bot()["spec"])
TRAINING_SPEC = training_spec_of(
    "btc-paper", SPEC, image="x:1", claim="btc-paper-store", champion_version=None
)
TRAINING = training_name("btc-paper", training_digest(TRAINING_SPEC), 1)
VERSION = f"{TRAINING}-0a1b2c3d"
TRAINING_RUN = training_run("trading", TRAINING, TRAINING_SPEC)
INFERENCE_RUN = inference_run("trading", "btc-paper", SPEC, VERSION)

INFERENCE_DIGEST = "077557405c35c51426902f45a3a66fcdeef54a5896f4c86aba386eb4d9ce73ee"


def test_the_default_bots_training_keeps_its_name_and_digests() -> None:
    assert TRAINING == "btc-paper-5a6bd411"
    assert TRAINING_RUN.digest == "db72809d40105b755497a0c677f1463cc621d17f30e6ab1eeb0a81641b4ffaa2"
    learned = "5a6bd411e1fbe4c37da4bc4514c2e7d3f7fa455ce8c41dfc752f63e031a3b360"
    assert learned_digest(TRAINING_RUN) == learned
    assert training_digest(TRAINING_SPEC) == learned


def test_the_default_bots_inference_keeps_its_digest() -> None:
    assert INFERENCE_RUN.digest == INFERENCE_DIGEST


MESSAGE = (
    '{"contractVersion":1,"step":"Inference",'
    f'"runDigest":"{INFERENCE_DIGEST}",'
    '"gitCommit":"c0ffee0","modelVersion":"btc-paper-5a6bd411-0a1b2c3d",'
    '"durationSeconds":1.25,"peakMemoryBytes":150000000,"warnings":[],"signals":['
    '{"symbol":"BTC/USDT","decision":"LONG",'
    '"reason":"LongSignal: probability 0.612, return 0.00310, risk 0.402",'
    '"ts":"2026-01-02T03:05:01Z","bar_close_ts":"2026-01-02T03:05:00Z",'
    '"prob_up":"0.612346","expected_return":"0.0031","risk_score":"0.402",'
    '"confidence":"0.134"},'
    '{"symbol":"ETH/USDT","decision":"NO_TRADE",'
    f'"reason":"FeedGap: 3 of 90 candles are missing, the first {"9" * 57}…",'
    '"ts":"2026-01-02T03:05:01Z","bar_close_ts":"2026-01-02T03:05:00Z",'
    '"prob_up":"0.612346","expected_return":"0.0031","risk_score":"0.402",'
    '"confidence":"0.134","drift":"features 1.31 > 0.92"}]}'
)


def _signal(symbol: str, reason: str, drift: Drift | None = None) -> Signal:
    return Signal(
        ts="2026-01-02T03:05:01Z",
        symbol=symbol,
        timeframe="5m",
        horizon_steps=12,
        bar_close_ts="2026-01-02T03:05:00Z",
        decision="LONG" if reason.startswith("Long") else "NO_TRADE",
        reason=reason,
        prob_up=0.6123456789,
        expected_return=0.0031,
        risk_score=0.402,
        confidence=0.134,
        calibration=Calibration(method="platt", n=100),
        drift=drift,
        run_digest=INFERENCE_RUN.digest,
        version=SignalVersion(model_version=VERSION, git_commit="c0ffee0"),
    )


def test_an_inferences_message_keeps_its_bytes() -> None:
    """A whole reason, and one beside a drift that is cut."""
    drift = Drift(
        rows=2016,
        feature_psi=1.312,
        feature_limit=0.92,
        prediction_psi=0.1,
        prediction_limit=0.25,
        calibration_limit=13.8,
    )
    signals = (
        _signal("BTC/USDT", "LongSignal: probability 0.612, return 0.00310, risk 0.402"),
        _signal("ETH/USDT", "FeedGap: 3 of 90 candles are missing, the first " + "9" * 90, drift),
    )
    result = StepResult(
        step="Inference",
        run_digest=INFERENCE_RUN.digest,
        git_commit="c0ffee0",
        model_version=VERSION,
        duration_seconds=1.25,
        peak_memory_bytes=150_000_000,
        signals=tuple(signal.shortened() for signal in signals),
    )
    assert to_message(result) == MESSAGE
