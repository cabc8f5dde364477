"""Inference against a real test exchange: every fault of the feed gives the right signal."""

import dataclasses
import json
import threading
import time
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.signal import Signal
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.evaluation.drift_reference import Before, build_reference
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.newest import share_of
from bot_runtime.exchange.retries import Patience, RetryPolicy
from bot_runtime.features.indicators import FEATURES, compute_features
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import ArtifactInvalidError, ConfigurationError
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.adaptive_band import RATE
from bot_runtime.serving.drift import BINS, PREDICTIONS, Block, Reference
from bot_runtime.serving.live_skill import JudgedLead, SkillReference, SkillState
from bot_runtime.serving.served_drift import DriftState, ToldProbability
from bot_runtime.serving.version import load_version
from bot_runtime.steps.infer import infer
from bot_runtime.store.bundle import TAIL
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.markets import (
    COMBINATION,
    bot_spec,
    inference_configuration,
    publish_version,
)

QUICK = Patience(wait_seconds=0.5, jitter_seconds=0.0, timeout_seconds=0.4)


def run(
    exchange: Exchange,
    store: Store,
    score: float = 3.0,
    patience: Patience = QUICK,
    **changes: Any,
) -> Signal:
    """Publish a version, infer, and return the first symbol's signal."""
    spec = bot_spec(exchange.url, **changes)
    version = publish_version(store, spec, score=score)
    reporter = Reporter("Inference", stream=StringIO())
    return infer(inference_configuration(spec, version), store, reporter, patience).signals[0]


EASY: dict[str, Any] = {
    "decision": {"riskMax": 1, "probMin": 0.5, "minExpectedReturn": 0, "feesBps": 0}
}


def test_healthy_feed_gives_a_full_signal_on_the_newest_closed_candle(
    exchange: Exchange, store: Store
) -> None:
    now_ms = exchange.stop_clock()
    signal = run(exchange, store, **EASY)
    assert signal.decision == "LONG"
    assert signal.decision_reason == "LongSignal"
    assert signal.bar_close_ts == utc(now_ms // MINUTE_MS * MINUTE_MS)
    assert signal.prob_up == pytest.approx(1 / (1 + 2.718281828**-3), abs=1e-6)
    assert signal.p10 is not None
    assert signal.p90 is not None
    assert 0 < signal.p10 < signal.p90
    assert signal.expected_return == signal.p50
    assert signal.risk_allowed
    assert 0 < signal.position_size <= 0.25
    assert signal.regime in {"BULL_TREND", "BEAR_TREND", "RANGE_SIDEWAYS", "CRISIS_HIGH_VOL"}
    assert signal.calibration.n == 500
    assert len(signal.run_digest) == 64


def test_signal_says_what_was_asked_and_what_is_predicted_of_the_volatility(
    exchange: Exchange, store: Store
) -> None:
    signal = run(exchange, store, **EASY)
    assert signal.contract_version == 2
    assert signal.volatility is not None
    assert signal.volatility > 0
    found = {rule.rule: rule.passed for rule in signal.rules}
    assert list(found)[:4] == ["RiskMax", "Regime", "ProbMin", "MinExpectedReturn"]
    assert {"Kelly", "VolatilityTarget", "Cvar", "MaxPosition"} <= set(found)
    assert all(found.values())
    assert signal.position_size <= min(rule.value for rule in signal.rules[4:])


def test_the_managed_policy_holds_a_share_that_its_candles_tell(
    exchange: Exchange, store: Store
) -> None:
    """The same share whenever the run begins: it looks back as far as the policy remembers."""
    exchange.stop_clock()
    spec = bot_spec(exchange.url, decision={"policy": "VolatilityManaged"})
    configuration = inference_configuration(spec, publish_version(store, spec))
    reporter = Reporter("Inference", stream=StringIO())
    signals = [infer(configuration, store, reporter, QUICK).signals[0] for _ in range(2)]
    assert [signal.decision for signal in signals] == ["LONG", "LONG"]
    assert signals[0].position_size == signals[1].position_size
    assert 0 < signals[0].position_size <= 0.25
    assert signals[0].decision_reason == "VolatilityTarget"
    assert [rule.rule for rule in signals[0].rules] == [
        "RiskMax",
        "VolatilityTarget",
        "MaxPosition",
    ]


def test_signal_file_holds_what_was_returned(exchange: Exchange, store: Store) -> None:
    signal = run(exchange, store)
    saved = json.loads(store.signal("BTC/USDT").read_text(encoding="utf-8"))
    assert Signal.model_validate(saved) == signal


def test_falling_prediction_gives_short(exchange: Exchange, store: Store) -> None:
    assert run(exchange, store, score=-3.0, **EASY).decision == "SHORT"


def test_thresholds_of_the_configuration_decide(exchange: Exchange, store: Store) -> None:
    signal = run(exchange, store, decision={"probMin": 0.99})
    assert signal.decision == "NO_TRADE"
    assert signal.decision_reason == "ProbBelowMin"
    assert signal.prob_up is not None


def test_every_symbol_gets_its_own_signal(exchange: Exchange, store: Store) -> None:
    run(exchange, store, symbols=["BTC/USDT", "ETH/USDT"])
    closes = [json.loads(store.signal(s).read_text())["p90"] for s in ("BTC/USDT", "ETH/USDT")]
    assert closes[0] != closes[1]


def test_stale_feed_decides_nothing(exchange: Exchange, store: Store) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    exchange.order(stale_since_ms=now_ms - 10 * MINUTE_MS - 1)
    signal = run(exchange, store, **EASY)
    assert (signal.decision, signal.decision_reason) == ("NO_TRADE", "FeedStale")
    assert signal.prob_up is None
    assert signal.bars_missing == 10
    assert signal.bar_close_ts == utc(now_ms - 10 * MINUTE_MS)


def test_candle_that_comes_late_is_waited_for(exchange: Exchange, store: Store) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    exchange.order(stale_since_ms=now_ms - MINUTE_MS - 1)
    arrival = threading.Timer(0.7, exchange.order)
    arrival.start()
    signal = run(exchange, store, patience=dataclasses.replace(QUICK, wait_seconds=10), **EASY)
    arrival.join()
    assert signal.decision == "LONG"
    assert signal.bar_close_ts == utc(now_ms)


def test_hole_in_the_needed_window_decides_nothing(exchange: Exchange, store: Store) -> None:
    now_ms = exchange.stop_clock()
    start = now_ms // MINUTE_MS * MINUTE_MS - 20 * MINUTE_MS
    exchange.order(gaps=[[start, start + 3 * MINUTE_MS]])
    signal = run(exchange, store, **EASY)
    assert (signal.decision, signal.decision_reason) == ("NO_TRADE", "FeedGap")
    assert signal.bars_missing == 3
    assert utc(start) in signal.reason


@pytest.mark.parametrize("horizon_steps", [5, 288])
def test_hole_before_the_needed_window_does_not_matter(
    exchange: Exchange, store: Store, horizon_steps: int
) -> None:
    now_ms = exchange.stop_clock()
    start = now_ms // MINUTE_MS * MINUTE_MS - 90 * MINUTE_MS
    exchange.order(gaps=[[start, start + 3 * MINUTE_MS]])
    model = {"horizonSteps": horizon_steps}
    assert run(exchange, store, model=model, **EASY).decision == "LONG"


@pytest.mark.parametrize("skew_ms", [-10 * MINUTE_MS, 10 * MINUTE_MS])
def test_clock_that_is_off_decides_nothing(exchange: Exchange, store: Store, skew_ms: int) -> None:
    exchange.order(clock_skew_ms=skew_ms)
    signal = run(exchange, store, **EASY)
    assert (signal.decision, signal.decision_reason) == ("NO_TRADE", "FeedSkew")
    assert abs(signal.clock_skew_ms - skew_ms) < MINUTE_MS


@pytest.mark.parametrize(
    "fault",
    [{"error_next": 99}, {"drop_next": 99}, {"ban_next": 99}],
    ids=["5xx", "dropped", "418"],
)
def test_exchange_that_stays_down_decides_nothing(
    exchange: Exchange, store: Store, fault: dict[str, int]
) -> None:
    exchange.order(**fault)
    signal = run(exchange, store, **EASY)
    assert (signal.decision, signal.decision_reason) == ("NO_TRADE", "ExchangeUnavailable")
    assert signal.bar_close_ts is None


def test_exchange_that_hangs_decides_nothing_in_time(exchange: Exchange, store: Store) -> None:
    exchange.order(hang_next=99, hang_seconds=5.0)
    started = time.monotonic()
    signal = run(exchange, store, **EASY)
    assert signal.decision_reason == "ExchangeUnavailable"
    assert time.monotonic() - started < 8
    exchange.order()


@pytest.mark.parametrize("fault", ["error_next", "drop_next", "rate_limit_next"])
def test_one_failed_request_is_asked_again(exchange: Exchange, store: Store, fault: str) -> None:
    exchange.order(**{fault: 1})
    assert run(exchange, store, **EASY).decision == "LONG"


def test_market_that_the_exchange_has_not_fails_and_names_it(
    exchange: Exchange, store: Store
) -> None:
    with pytest.raises(ConfigurationError, match="NO/SUCH"):
        run(exchange, store, symbols=["BTC/USDT", "NO/SUCH"])
    assert not store.signal("BTC/USDT").exists()


def test_corrupt_version_fails_and_leaves_the_last_signal(exchange: Exchange, store: Store) -> None:
    spec = bot_spec(exchange.url)
    run(exchange, store)
    before = store.signal("BTC/USDT").read_bytes()
    version = store.versions()[0].name
    graph = store.version(version) / "trend.onnx"
    graph.write_bytes(graph.read_bytes() + b"x")
    configuration = inference_configuration(spec, version)
    with pytest.raises(ArtifactInvalidError, match=r"trend\.onnx"):
        infer(configuration, store, Reporter("Inference", stream=StringIO()), QUICK)
    assert store.signal("BTC/USDT").read_bytes() == before


def test_band_adapts_from_run_to_run_beside_the_version(exchange: Exchange, store: Store) -> None:
    """A band that was told an hour ago is settled by candles that the run has fetched anyway."""
    first = run(exchange, store)
    version = first.version.model_version
    state = load_json(store.band(version, "BTC/USDT"))
    (told,) = state["told"]
    assert (told["p10"], told["p90"]) == (first.p10, first.p90)
    told["barCloseMs"] -= 30 * MINUTE_MS
    told |= {"p10": 5.0, "p90": 6.0}
    save_json(store.band(version, "BTC/USDT"), state)
    configuration = inference_configuration(bot_spec(exchange.url), version)
    reporter = Reporter("Inference", stream=StringIO())
    (second,) = infer(configuration, store, reporter, QUICK).signals
    settled = load_json(store.band(version, "BTC/USDT"))
    assert settled["hits"] == "0"
    assert settled["lower"] == pytest.approx(RATE * (1 - TAIL))
    assert settled["upper"] == pytest.approx(-RATE * TAIL)
    assert first.p10 is not None
    assert second.p10 is not None
    assert second.p10 < first.p10


def market_of(exchange: Exchange, now_ms: int) -> Candles:
    """Return the exchange's newest 900 candles."""
    policy = RetryPolicy(attempts=1, budget_seconds=10)
    spec = ExchangeSpec(id="binance", endpoint=exchange.url)
    client = ExchangeClient(spec, "1m", policy, lambda *_, **__: None)
    client.load_markets(["BTC/USDT"])
    return client.candles("BTC/USDT", now_ms - 900 * MINUTE_MS, now_ms)


def reference_of(market: Candles, signal: Signal) -> Reference:
    """Return a reference of the market's features and always the signal's predictions."""
    features = compute_features(market)[60:]
    told = np.array([signal.prob_up, signal.p50, 0.01, signal.risk_score], dtype=float)
    rows = np.column_stack([features[-300:], np.tile(told, (300, 1))])
    return build_reference(rows, Before(features[:-300], rows[:, -4:]), FEATURES, 10)


@pytest.mark.parametrize("horizon_steps", [5, 61, 288])
def test_probabilities_are_held_against_their_outcomes_however_long_the_horizon(
    exchange: Exchange, store: Store, horizon_steps: int
) -> None:
    """Also those whose horizon has ended between two runs."""
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    model = {"horizonSteps": horizon_steps}
    first = run(exchange, store, model=model)
    version = first.version.model_version
    market = market_of(exchange, now_ms)
    save_json(store.reference(version, "BTC/USDT"), reference_of(market, first).to_json())
    told = tuple(
        ToldProbability(
            bar_close_ms=int(market.close_time_ms[row]), close=market.close[row], prob_up=0.25
        )
        for row in range(-horizon_steps - 30, -horizon_steps)
    )
    empty = ((0,) * BINS,) * (len(FEATURES) + len(PREDICTIONS))
    state = DriftState(blocks=(Block(counts=empty),), told=told)
    save_json(store.drift(version, "BTC/USDT"), state.to_json())
    configuration = inference_configuration(bot_spec(exchange.url, model=model), version)
    infer(configuration, store, Reporter("Inference", stream=StringIO()), QUICK)
    saved = DriftState.model_validate(load_json(store.drift(version, "BTC/USDT")))
    rose = market.close[horizon_steps:] > market.close[:-horizon_steps]
    assert saved.blocks[0].outcomes == 30
    assert saved.blocks[0].score[0] == pytest.approx(rose[-30:].sum() - 30 * 0.25)
    assert [told.bar_close_ms for told in saved.told] == [now_ms]


def test_drift_is_counted_from_run_to_run_and_told_by_the_signal(
    exchange: Exchange, store: Store
) -> None:
    """The reference is the exchange's own market; then inference has seen another one."""
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    first = run(exchange, store)
    version = first.version.model_version
    assert first.drift is None
    configuration = inference_configuration(bot_spec(exchange.url), version)
    reference = reference_of(market_of(exchange, now_ms), first)
    save_json(store.reference(version, "BTC/USDT"), reference.to_json())
    counts = tuple(column.counts for column in reference.columns)
    turned = tuple((0,) * 9 + (300,) for _ in counts)
    drifts = []
    for seen in (counts, turned):
        blocks = (Block(rows=10, counts=seen),) * 6
        save_json(store.drift(version, "BTC/USDT"), DriftState(blocks=blocks).to_json())
        (signal,) = infer(
            configuration, store, Reporter("Inference", stream=StringIO()), QUICK
        ).signals
        assert signal.drift is not None
        assert signal.drift.rows == 61
        drifts.append(signal.shortened().drift or "")
        saved = load_json(store.drift(version, "BTC/USDT"))
        assert [block["rows"] for block in saved["blocks"]] == [10] * 6 + [1]
        assert saved["countedMs"] == now_ms
        assert len(saved["told"]) == 1
    assert "features" not in drifts[0]
    assert drifts[1].startswith("features ")


def test_version_of_another_timeframe_is_refused(exchange: Exchange, store: Store) -> None:
    version = publish_version(store, bot_spec(exchange.url, timeframe="5m"))
    configuration = inference_configuration(bot_spec(exchange.url), version)
    with pytest.raises(ArtifactInvalidError, match="timeframe: trained with 5m, this run has 1m"):
        infer(configuration, store, Reporter("Inference", stream=StringIO()), QUICK)


def test_shortened_signal_fits_a_status(exchange: Exchange, store: Store, tmp_path: Path) -> None:
    for position, fault in enumerate(({}, {"stale_since_ms": 1}, {"error_next": 9})):
        exchange.order(**fault)
        signal = run(exchange, Store(tmp_path / str(position)))
        text = signal.shortened().model_dump_json(exclude_none=True)
        assert len(text.encode()) <= 350, text


def test_share_of_the_jitter_is_the_bots_own() -> None:
    shares = {share_of("default", f"bot-{i}") for i in range(100)}
    assert len(shares) == 100
    assert all(0 <= share < 1 for share in shares)
    assert share_of("default", "bot-1") == share_of("default", "bot-1")


def skill_reference() -> SkillReference:
    """Return what a version that was ahead of naive forecasts is held against."""
    return SkillReference(
        block_ms=DAY_MS,
        block_rows=1440,
        judged=(JudgedLead(mean=1, deviation=1),) * 3,
    )


def test_what_earlier_runs_told_is_scored_once_beside_the_version(
    exchange: Exchange, store: Store
) -> None:
    """The state is set back as runs that were missed would have left it."""
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    spec = bot_spec(exchange.url)
    version = publish_version(store, spec, combination=COMBINATION)
    save_json(store.judged_skill(version), skill_reference().to_json())
    configuration = inference_configuration(spec, version)
    reporter = Reporter("Inference", stream=StringIO())
    path = store.skill(version)
    found = infer(configuration, store, reporter, QUICK)
    assert found.skill == LiveSkill(blocks=0)
    assert load_json(path)["scoredMs"] == {"BTC/USDT": now_ms - 1}
    save_json(path, load_json(path) | {"scoredMs": {"BTC/USDT": now_ms - 30 * MINUTE_MS}})
    for _ in range(2):
        infer(configuration, store, reporter, QUICK)
        state = SkillState.model_validate(load_json(path))
        assert sum(block.rows for block in state.blocks) == 25
        assert state.scored_ms == {"BTC/USDT": now_ms - 5 * MINUTE_MS}
    assert reporter.warnings == []


def test_the_skill_of_a_version_of_an_earlier_release_is_not_watched(
    exchange: Exchange, store: Store
) -> None:
    spec = bot_spec(exchange.url)
    version = publish_version(store, spec)
    reporter = Reporter("Inference", stream=StringIO())
    assert infer(inference_configuration(spec, version), store, reporter, QUICK).skill is None
    assert not store.skill(version).exists()


def test_an_exchange_of_720_candles_is_decided_on_and_the_skill_waits(
    exchange: Exchange, store: Store
) -> None:
    """They are fewer than a mixed forecast remembers: what is there of its memory is used."""
    exchange.stop_clock()
    exchange.order(memory_candles=720)
    spec = bot_spec(exchange.url)
    name = publish_version(store, spec, score=3.0, combination=COMBINATION)
    assert load_version(store, name).memory_length > 720
    save_json(store.judged_skill(name), skill_reference().to_json())
    reporter = Reporter("Inference", stream=StringIO())
    found = infer(inference_configuration(spec, name), store, reporter, QUICK)
    assert found.signals[0].prob_up is not None
    assert found.signals[0].volatility is not None
    assert found.skill == LiveSkill(blocks=0)
    assert reporter.warnings == []
