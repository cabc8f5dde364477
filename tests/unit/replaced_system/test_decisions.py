"""What the replaced system did wrong in deciding: it never bought, and it read nothing."""

import math
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from pydantic import BaseModel, ValidationError

from bot_runtime.contract.names import ENV_GIT_COMMIT
from bot_runtime.contract.signal import DecisionReason, Signal, SignalVersion
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.exchange.newest import Feed
from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import compute_features
from bot_runtime.features.regime import regime_of
from bot_runtime.market.candles import Candles, utc
from bot_runtime.market.feed_trouble import Trouble, Window, judge_candles
from bot_runtime.serving.adaptive_band import AdaptiveBand
from bot_runtime.serving.predictions import Prediction
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.store.layout import Store
from bot_runtime.trading.decision import View
from bot_runtime.trading.signals import Observed, build_signal
from tests.unit.bot_runtime.markets import (
    bot_spec,
    inference_configuration,
    publish_version,
    random_candles,
)
from tests.unit.bot_runtime.strategies import GOOD, decide_by
from tests.unit.contract.readers import attributes_read, fields_of
from tests.unit.replaced_system.fault import Fault, assert_held_off, each, is_refused


def version_with(score: float = 3.0) -> ServedVersion:
    """Return a version whose only model of the trend says `score`, the logarithm of the odds."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        return load_version(store, publish_version(store, bot_spec(), score=score))


VERSION = version_with()
CONFIGURATION = inference_configuration(bot_spec(), VERSION.version)
CALM = random_candles(VERSION.context_length, seed=1)
OTHER = random_candles(VERSION.context_length, seed=2)

# Thresholds that were documented and that nothing read.

Decide = Callable[[Prediction, DecisionSpec], View]
STRICTER = {"risk_max": 0.29, "prob_min": 0.71, "min_expected_return": 0.0081, "fees_bps": 48.0}


def check_threshold(field: str) -> Callable[[Decide], None]:
    """Return the check that one threshold, and it alone, changes decisions."""

    def check(decision_of: Decide) -> None:
        assert decision_of(GOOD, DecisionSpec()).decision == "LONG"
        stricter = DecisionSpec().model_copy(update={field: STRICTER[field]})
        assert decision_of(GOOD, stricter).decision == "NO_TRADE", f"nothing reads {field}"

    return check


def decide_without(field: str) -> Decide:
    """Return a decision that knows nothing of one threshold but its default."""
    default = {field: DecisionSpec.model_fields[field].default}
    return lambda prediction, spec: decide_by(prediction, spec.model_copy(update=default))


def check_every_field_has_a_reader(spec: type[BaseModel]) -> None:
    unread = sorted(name for _, name in fields_of(spec) if name not in attributes_read())
    assert not unread, f"nothing reads {unread}"


class SpecWithoutReader(TradingBotSpec):
    """A spec with a documented threshold that no code asks for."""

    panic_below: float = 0.0


@each(
    *(
        Fault(
            f"{field} changed nothing",
            check_threshold(field),
            decide_by,
            decide_without(field),
            f"nothing reads {field}",
        )
        for field in STRICTER
    ),
    Fault(
        "a documented threshold had no reader",
        check_every_field_has_a_reader,
        TradingBotSpec,
        SpecWithoutReader,
        "nothing reads ['panic_below']",
    ),
)
def test_thresholds(fault: Fault[Any]) -> None:
    assert_held_off(fault)


# It never bought: real probabilities were averaged with those of dummy models.

Predict = Callable[[float], Prediction]


def predict(score: float) -> Prediction:
    """Return what a version says whose one model of the trend has this score."""
    return version_with(score).predict(compute_features(CALM), Closes.of(CALM))


def predict_with_dummies(score: float) -> Prediction:
    """Return the average with two models that know nothing."""
    own = predict(score)
    return replace(own, prob_up=(own.prob_up + 0.5 + 0.5) / 3)


def check_planted_probability_is_traded(predicted: Predict) -> None:
    for probability in (0.6, 0.9):
        score = math.log(probability / (1 - probability))
        for sign, decision in ((1, "LONG"), (-1, "SHORT")):
            found = predicted(sign * score)
            outcome = decide_by(found, DecisionSpec())
            assert outcome.decision == decision, f"{decision} at {probability}: {outcome.text}"
            own = found.prob_up if sign > 0 else 1 - found.prob_up
            assert abs(own - probability) < 1e-6, f"{own} is served, {probability} was learned"


# The regime was never fitted, and so always the same.

Regime = Callable[[Any], str]


def market(step: Any, spread: float = 0.001) -> Candles:
    """Return candles whose close changes by the relative steps (n,)."""
    candles = random_candles(len(step))
    close = 100 * np.cumprod(1 + step)
    opened = np.concatenate(([100.0], close[:-1]))
    high, low = (
        f(opened, close) * (1 + s) for f, s in ((np.maximum, spread), (np.minimum, -spread))
    )
    return replace(candles, open=opened, high=high, low=low, close=close)


NOISE = 1e-3 * np.sin(np.arange(150) * np.pi / 3)  # swings of six candles
MARKETS = {
    "BULL_TREND": market(np.full(150, 2e-3)),
    "BEAR_TREND": market(np.full(150, -2e-3)),
    "RANGE_SIDEWAYS": market(NOISE),
    "CRISIS_HIGH_VOL": market(np.where(np.arange(150) < 140, NOISE, 40 * NOISE)),
}


def check_regime_follows_the_market(regime: Regime) -> None:
    for name, candles in MARKETS.items():
        row = compute_features(candles)[-1]
        assert {regime(row) for _ in range(3)} == {name}, f"{name} is told as {regime(row)}"


@each(
    Fault(
        "never bought: averaged with dummies",
        check_planted_probability_is_traded,
        predict,
        predict_with_dummies,
        "LONG at 0.6: ProbBelowMin",
    ),
    Fault(
        "regime never fitted",
        check_regime_follows_the_market,
        regime_of,
        lambda _: "RANGE_SIDEWAYS",
        "BULL_TREND is told as RANGE_SIDEWAYS",
    ),
)
def test_decisions(fault: Fault[Any]) -> None:
    assert_held_off(fault)


# Candles three years old were decided on, and features were those of the last night.

Judge = Callable[[Candles, str, Window], Trouble | None]
Build = Callable[..., Signal]
THREE_YEARS_MS = 3 * 365 * 24 * 60 * 60_000


def signal_of(build: Build, candles: Candles | None, trouble: Trouble | None = None) -> Signal:
    """Return the signal that `build` makes of a feed."""
    features = None if candles is None or trouble is not None else compute_features(candles)
    observed = Observed(Feed(candles, trouble), features, AdaptiveBand())
    return build(CONFIGURATION, VERSION, "BTC/USDT", observed)


def check_age(judge: Judge) -> None:
    newest = int(CALM.close_time_ms[-1])
    now, later = (Window(CALM.interval_ms, len(CALM), newest + age) for age in (0, THREE_YEARS_MS))
    assert judge(CALM, "BTC/USDT", now) is None, "a fresh feed is refused"
    trouble = judge(CALM, "BTC/USDT", later)
    assert trouble is not None, "candles of three years ago pass"
    assert trouble.reason == DecisionReason.FEED_STALE
    signal = signal_of(build_signal, CALM, trouble)
    assert (signal.decision, signal.prob_up) == ("NO_TRADE", None), "an old feed is decided on"


def judge_without_age(candles: Candles, symbol: str, window: Window) -> Trouble | None:
    """Judge as if the newest candle there is were the newest there could be."""
    newest = int(candles.close_time_ms[-1])
    return judge_candles(candles, symbol, replace(window, close_ms=newest))


def check_features_are_of_the_feed(build: Build) -> None:
    calm, other = (signal_of(build, candles) for candles in (CALM, OTHER))
    assert calm.bar_close_ts == utc(int(CALM.close_time_ms[-1]))
    assert calm.p50 != other.p50, "the same prediction of two markets"


def build_on_last_nights_features(*args: Any) -> Signal:
    """Return a signal that was predicted on other candles than those of its feed."""
    configuration, version, symbol, observed = args
    old = Observed(replace(observed.feed, candles=CALM), compute_features(CALM), observed.band)
    return build_signal(configuration, version, symbol, old)


# Signals said that their version was `latest`.

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def check_provenance(build: Build) -> None:
    with mock.patch.dict(os.environ, {ENV_GIT_COMMIT: COMMIT}):
        version = signal_of(build, CALM).version
    assert version.model_version == VERSION.manifest.version, f"{version.model_version} is served"
    assert version.git_commit == COMMIT, f"{version.git_commit} decided"


def build_latest(*args: Any) -> Signal:
    """Return a signal that says `latest`, past the contract."""
    signal = build_signal(*args)
    version = SignalVersion.model_construct(model_version="latest", git_commit="latest")
    return signal.model_copy(update={"version": version})


class LooseVersion(BaseModel):
    """A contract that takes any text."""

    model_version: str
    git_commit: str


def check_contract_refuses_latest(contract: type[BaseModel]) -> None:
    contract.model_validate({"model_version": VERSION.version, "git_commit": COMMIT})
    for name in ("latest", "champion", "v1", ""):
        found = {"model_version": name, "git_commit": COMMIT}
        refused = is_refused(ValidationError, partial(contract.model_validate, found))
        assert refused, f"{name!r} is taken for a version"


@each(
    Fault(
        "three-year-old candles",
        check_age,
        judge_candles,
        judge_without_age,
        "candles of three years ago pass",
    ),
    Fault(
        "features rebuilt once a day",
        check_features_are_of_the_feed,
        build_signal,
        build_on_last_nights_features,
        "the same prediction of two markets",
    ),
    Fault(
        "version latest in a signal",
        check_provenance,
        build_signal,
        build_latest,
        "latest is served",
    ),
    Fault(
        "version latest in the contract",
        check_contract_refuses_latest,
        SignalVersion,
        LooseVersion,
        "'latest' is taken for a version",
    ),
)
def test_signals(fault: Fault[Any]) -> None:
    assert_held_off(fault)
