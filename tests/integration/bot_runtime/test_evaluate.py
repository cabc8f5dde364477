"""The evaluation step: assembled, served, judged and published, and never promoted by luck."""

import dataclasses
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.contract.names import ENV_ADOPT, ENV_PRUNING
from bot_runtime.contract.results import StepResult, to_message
from bot_runtime.contract.retention import Pruning
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import OBJECTIVES, DecisionSpec, GateSpec
from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import FEATURES
from bot_runtime.features.panel import compute_panel
from bot_runtime.learning.datasets import load_training_data
from bot_runtime.learning.trained import save_columns
from bot_runtime.market.snapshot import load_dataset, load_snapshot
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.serving.drift import PREDICTIONS, Reference
from bot_runtime.serving.live_skill import SkillReference
from bot_runtime.serving.served_band import load_band
from bot_runtime.serving.version import load_version
from bot_runtime.steps.evaluate import evaluate
from bot_runtime.store.adoption import find_adoptable
from bot_runtime.store.bundle import load_version_manifest
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from bot_runtime.store.trials import Trial, add_trials
from tests.unit.bot_runtime.learning import (
    BOTH,
    market_candles,
    model_spec,
    prepare_training,
    quiet,
    train_all,
    train_and_evaluate,
)
from tests.unit.bot_runtime.markets import bot_spec, publish_version

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, RunConfiguration]:
    """Give a store with three objectives of a learnable market; tests copy it."""
    store = Store(tmp_path_factory.mktemp("trained"))
    configuration = prepare_training(store, market_candles(5000, BOTH))
    train_all(configuration, store)
    return store, configuration


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the report's pictures out: test_report draws them, here they are a second a test."""
    monkeypatch.setattr("bot_runtime.steps.publish.permutation_importance", lambda *_: {})
    monkeypatch.setattr("bot_runtime.steps.publish.render_report", lambda _: "")


@pytest.fixture
def ready(
    trained: tuple[Store, RunConfiguration], tmp_path: Path
) -> tuple[Store, RunConfiguration]:
    store, configuration = trained
    shutil.copytree(store.root, tmp_path / "store")
    return Store(tmp_path / "store"), configuration


def test_learnable_market_is_promoted_and_traded_both_ways(
    ready: tuple[Store, RunConfiguration],
) -> None:
    store, configuration = ready
    result = evaluate(configuration, store, quiet("Evaluation"))
    assert result.promoted, result.reasons
    assert load_json(store.promoted())["version"] == result.version
    details = load_json(store.version(result.version) / "evaluation.json")
    trading = details["trading"]
    assert trading["longs"] > 20
    assert trading["shorts"] > 20
    assert trading["hit_rate"] >= 0.6
    assert trading["mean_return"] > 0
    assert float(result.tradable_share) == pytest.approx(trading["tradable_share"], rel=1e-5)
    assert [o.objective for o in result.objectives] == list(OBJECTIVES)


def test_what_studies_have_tried_makes_skill_less_likely(
    ready: tuple[Store, RunConfiguration],
) -> None:
    store, configuration = ready

    def skill() -> float:
        result = evaluate(configuration, store, quiet("Evaluation"))
        details = load_json(store.version(result.version) / "evaluation.json")
        return float(details["backtest"]["deflated_sharpe"])

    alone = skill()
    add_trials(store, [Trial.of("1m", steps, "Thresholds", {}) for steps in range(1, 200)])
    assert skill() < alone
    store.trials().write_text("{", encoding="utf-8")
    reporter = quiet("Evaluation")
    evaluate(configuration, store, reporter)
    assert any("what studies have tried does not count" in text for text in reporter.warnings)
    assert skill() == alone


def test_every_score_stands_beside_its_references_and_bands_begin_where_they_ended(
    ready: tuple[Store, RunConfiguration],
) -> None:
    store, configuration = ready
    result = evaluate(configuration, store, quiet("Evaluation"))
    details = load_json(store.version(result.version) / "evaluation.json")
    for objective, names in {"Trend": 2, "Return": 3, "Risk": 3}.items():
        assert len(details["scores"][objective]) == names
    told = details["scores"]["Return"]["model"]["coverage"]
    assert told == result.objectives[1].metrics["coverage"]
    assert float(told) == pytest.approx(0.8, abs=0.03)
    for symbol in BOTH:
        state = load_band(store, result.version, symbol, quiet("Inference"))
        assert state.lower != 0
        assert state.upper != 0


def test_version_is_watched_by_what_it_was_judged_on(tmp_path: Path) -> None:
    minutes = market_candles(2400)["BTC/USDT"]
    hours = dataclasses.replace(
        minutes, interval_ms=HOUR_MS, open_time_ms=np.arange(2400, dtype=np.int64) * HOUR_MS
    )
    store = Store(tmp_path)
    spec = model_spec(gradientBoosting={"maxIterations": 10})
    configuration = prepare_training(store, {"BTC/USDT": hours}, spec, timeframe="1h")
    result = train_and_evaluate(configuration, store)
    found = load_json(store.reference(result.version, "BTC/USDT"))
    reference = Reference.model_validate(found)
    assert reference.names == (*FEATURES, *PREDICTIONS)
    assert reference.block_rows == 30
    rows = len(load_training_data(configuration, store).splits.test)
    assert {sum(column.counts) for column in reference.columns} == {rows}
    skill = SkillReference.model_validate(load_json(store.judged_skill(result.version)))
    assert (skill.block_ms, skill.block_rows) == (24 * HOUR_MS, 24)
    assert all(judged.deviation > 0 for judged in skill.judged)


def test_history_too_short_for_limits_is_not_watched(ready: tuple[Store, RunConfiguration]) -> None:
    store, configuration = ready
    result = evaluate(configuration, store, quiet("Evaluation"))
    assert not store.reference(result.version, "BTC/USDT").exists()


def test_result_fits_the_termination_message(ready: tuple[Store, RunConfiguration]) -> None:
    store, configuration = ready
    result = evaluate(configuration, store, quiet("Evaluation"))
    message = to_message(StepResult(step="Evaluation", evaluation=result))
    assert StepResult.model_validate_json(message).evaluation == result


def test_repeated_step_publishes_nothing_new(ready: tuple[Store, RunConfiguration]) -> None:
    store, configuration = ready
    first = evaluate(configuration, store, quiet("Evaluation"))
    folder = store.version(first.version)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert evaluate(configuration, store, quiet("Evaluation")) == first
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [first.version]


def test_served_on_its_context_alone_it_predicts_the_same(
    ready: tuple[Store, RunConfiguration],
) -> None:
    """What inference computes from a short window is what evaluation judged."""
    store, configuration = ready
    result = evaluate(configuration, store, quiet("Evaluation"))
    version = load_version(store, result.version)
    data = load_training_data(configuration, store)
    rows = data.splits.test[data.symbol[data.splits.test] == 0][::100]
    judged = version.predict_rows(data.features, data.closes, rows)
    candles = load_snapshot(store, load_dataset(store, "bot-1"))
    for i, row in enumerate(rows):
        window = {s: c[row + 1 - version.memory_length : row + 1] for s, c in candles.items()}
        features = compute_panel(window, version.manifest.inputs.features)["BTC/USDT"]
        assert len(features) == version.memory_length
        alone = version.predict(features, Closes.of(window["BTC/USDT"]))
        assert alone.prob_up == pytest.approx(judged[i].prob_up, abs=1e-6)
        assert alone.p10 == pytest.approx(judged[i].p10, rel=1e-5)
        assert alone.p90 == pytest.approx(judged[i].p90, rel=1e-5)
        assert alone.volatility == pytest.approx(judged[i].volatility, rel=1e-5)
        assert alone.risk_score == pytest.approx(judged[i].risk_score, abs=1e-5)


def test_rejected_version_is_published_but_not_promoted(store: Store) -> None:
    configuration = prepare_training(store, market_candles(3000, BOTH, strength=0.0))
    result = train_and_evaluate(configuration, store)
    assert not result.promoted
    assert any(reason.startswith("NotBetterThanNaive: log loss") for reason in result.reasons)
    assert load_version_manifest(store.version(result.version)).version == result.version
    assert not store.promoted().exists()
    assert float(result.tradable_share) <= 0.01


def test_gate_that_is_off_promotes_what_is_served_as_trained(store: Store) -> None:
    candles = market_candles(1500, strength=0.0)
    configuration = prepare_training(store, candles, gate=GateSpec(mode="Off"))
    assert train_and_evaluate(configuration, store).promoted


def test_predictions_that_differ_from_the_trained_models_are_rejected(
    ready: tuple[Store, RunConfiguration],
) -> None:
    store, configuration = ready
    path = store.objective("bot-1", "Trend") / "native.npz"
    with np.load(path) as archive:
        columns = {name: archive[name].copy() for name in archive.files}
    columns["prob_up"][3] += 2e-5
    save_columns(path, columns)
    result = evaluate(configuration, store, quiet("Evaluation"))
    assert not result.promoted
    assert result.reasons[0].startswith("Parity: prob_up: 1 of")


@pytest.mark.parametrize("file", ["trend.onnx", "manifest.json", "native.npz", "scores.json"])
def test_objective_with_a_missing_file_is_refused(
    ready: tuple[Store, RunConfiguration], file: str
) -> None:
    store, configuration = ready
    (store.objective("bot-1", "Trend") / file).unlink()
    with pytest.raises(ArtifactInvalidError, match=file):
        evaluate(configuration, store, quiet("Evaluation"))
    assert not list(store.root.glob("versions/*"))


def with_champion(configuration: RunConfiguration, version: str) -> RunConfiguration:
    assert configuration.training is not None
    training = configuration.training.model_copy(update={"champion_version": version})
    return configuration.model_copy(update={"training": training})


def retrained(
    store: Store, version: str, configuration: RunConfiguration, **spec: object
) -> tuple[RunConfiguration, Store]:
    """Train the same candles under another name and with another model, against a champion."""
    candles = load_snapshot(store, load_dataset(store, "bot-1"))
    again = prepare_training(
        store, candles, model_spec(**spec), name="bot-2", decision=configuration.decision
    )
    return with_champion(again, version), store


def test_worse_candidate_leaves_the_champion(ready: tuple[Store, RunConfiguration]) -> None:
    store, configuration = ready
    champion = evaluate(configuration, store, quiet("Evaluation"))
    poor = {"gradientBoosting": {"maxIterations": 10, "learningRate": 0.01, "maxLeafNodes": 2}}
    result = train_and_evaluate(*retrained(store, champion.version, configuration, **poor))
    assert not result.promoted
    assert any(reason.startswith("WorseThanChampion: log loss") for reason in result.reasons)
    assert load_json(store.promoted())["version"] == champion.version


def test_equal_candidate_replaces_the_champion(ready: tuple[Store, RunConfiguration]) -> None:
    store, configuration = ready
    champion = evaluate(configuration, store, quiet("Evaluation"))
    result = train_and_evaluate(*retrained(store, champion.version, configuration))
    assert result.promoted, result.reasons
    assert load_json(store.promoted())["version"] == result.version != champion.version
    duels = load_json(store.version(result.version) / "evaluation.json")["duels"]
    fought = [(duel["name"], duel["against"]) for duel in duels]
    assert fought[2] in {("QLIKE", "HAR"), ("QLIKE", "EWMA")}
    assert fought[3:6] == [(name, "champion") for name in ("log loss", "pinball", "QLIKE")]
    assert fought[6:] == [("trading loss", "champion"), ("trading loss", "staying out")]


def test_unseen_candles_of_one_block_are_too_few_and_the_gate_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    spec = model_spec(horizonSteps=150)
    result = train_and_evaluate(prepare_training(store, market_candles(3890), spec), store)
    assert any("1 blocks of unseen candles, 8 are needed" in text for text in result.reasons)
    duels = load_json(store.version(result.version) / "evaluation.json")["duels"]
    assert duels[0]["comparison"]["standard_error"] == "inf"


@pytest.mark.parametrize("trouble", ["missing", "corrupt", "other horizon", "other label"])
def test_champion_that_cannot_be_compared_is_said_and_the_candidate_judged_alone(
    ready: tuple[Store, RunConfiguration], trouble: str
) -> None:
    store, configuration = ready
    champion = "bot-0-12345678"
    if trouble != "missing":
        model = {"other horizon": {"horizonSteps": 4}, "other label": {"tripleBarrierWidth": 1}}
        champion = publish_version(store, bot_spec(model=model.get(trouble, {})))
    if trouble == "corrupt":
        (store.version(champion) / "trend.onnx").write_bytes(b"no graph")
    reporter = quiet("Evaluation")
    result = evaluate(with_champion(configuration, champion), store, reporter)
    assert result.promoted, result.reasons
    assert any(champion in warning for warning in reporter.warnings)


def test_champion_that_has_seen_the_candles_is_no_judge_of_them(
    ready: tuple[Store, RunConfiguration],
) -> None:
    """On candles that it learned from, a champion would look better than it is."""
    store, configuration = ready
    champion = evaluate(configuration, store, quiet("Evaluation")).version
    candles = load_snapshot(store, load_dataset(store, "bot-1"))
    older = {symbol: part[:4000] for symbol, part in candles.items()}
    again = with_champion(prepare_training(store, older, name="bot-2"), champion)
    train_all(again, store)
    reporter = quiet("Evaluation")
    evaluate(again, store, reporter)
    assert any("has learned from all" in warning for warning in reporter.warnings)


def test_thresholds_change_what_would_have_been_traded(
    ready: tuple[Store, RunConfiguration],
) -> None:
    store, configuration = ready

    def traded(prob_min: float) -> tuple[float, str | None]:
        decision = DecisionSpec(prob_min=prob_min)
        changed = configuration.model_copy(update={"decision": decision})
        result = evaluate(changed, store, quiet("Evaluation"))
        return float(result.tradable_share), result.binding_threshold

    some, few, none = traded(0.55), traded(0.7), traded(0.99)
    assert some[0] > few[0] > none[0]
    assert none[1] == "probMin"


def test_evaluation_file_holds_the_result(ready: tuple[Store, RunConfiguration]) -> None:
    store, configuration = ready
    result = evaluate(configuration, store, quiet("Evaluation"))
    path = store.version(result.version) / "evaluation.json"
    assert json.loads(path.read_text(encoding="utf-8"))["result"] == result.to_json()


def test_thresholds_that_nothing_meets_are_a_warning_that_names_the_binding_one(
    ready: tuple[Store, RunConfiguration],
) -> None:
    store, configuration = ready
    decision = DecisionSpec(min_expected_return=0.5)
    reporter = quiet("Evaluation")
    result = evaluate(configuration.model_copy(update={"decision": decision}), store, reporter)
    assert float(result.tradable_share) == 0
    assert result.binding_threshold == "minExpectedReturn"
    warning, frontier, unwatched = reporter.warnings
    assert warning.startswith("ThresholdsNeverMet")
    assert "minExpectedReturn refused most" in warning
    assert frontier.startswith("Frontier: ")
    assert unwatched.startswith("not watched for drift: BTC/USDT")


def test_the_managed_policy_is_judged_by_its_risk_model_alone(
    ready: tuple[Store, RunConfiguration],
) -> None:
    store, configuration = ready
    decision = DecisionSpec(policy="VolatilityManaged")
    reporter = quiet("Evaluation")
    changed = configuration.model_copy(update={"decision": decision})
    result = evaluate(changed, store, reporter)
    details = load_json(store.version(result.version) / "evaluation.json")
    assert [(duel["name"], duel["against"]) for duel in details["duels"]] == [
        ("QLIKE", details["duels"][0]["against"]),
        ("trading loss", "a constant share of the same mean"),
    ]
    assert float(details["backtest"]["exposure"]) > 0
    assert any(warning.startswith("Frontier: ") for warning in reporter.warnings)


def test_too_short_a_history_for_drift_is_told_with_how_much_is_needed(
    ready: tuple[Store, RunConfiguration],
) -> None:
    """A week of one-minute candles is 10,080, and two of them have to be among the unseen."""
    store, configuration = ready
    reporter = quiet("Evaluation")
    version = evaluate(configuration, store, reporter).version
    warning = next(told for told in reporter.warnings if "drift" in told)
    times = re.search(r"about ([\d.e+]+) times training.lookback is needed", warning)
    assert times is not None, warning
    configured = len(configuration.symbols)
    rows = configured * 10_080 / float(times[1])
    unseen = load_json(store.version(version) / "evaluation.json")["trading"]["rows"]
    assert rows == pytest.approx(unseen / 2, rel=0.05)
    assert not store.reference(version, "BTC/USDT").exists()


def test_a_corrupt_version_of_the_same_name_is_replaced_and_old_ones_leave_the_store(
    ready: tuple[Store, RunConfiguration], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, configuration = ready
    result = evaluate(configuration, store, quiet("Evaluation"))
    graph = next(store.version(result.version).glob("*.onnx"))
    graph.write_bytes(b"corrupt")
    old = store.version("noisy-00000000-00000000")
    old.mkdir()
    os.utime(old, (0, 0))
    monkeypatch.setenv(ENV_PRUNING, Pruning(bot="noisy", last=0).model_dump_json())
    assert evaluate(configuration, store, quiet("Evaluation")).version == result.version
    load_version(store, result.version)
    assert not old.exists()


@pytest.fixture
def promoted(
    ready: tuple[Store, RunConfiguration], monkeypatch: pytest.MonkeyPatch
) -> tuple[Store, RunConfiguration, str]:
    store, configuration = ready
    version = evaluate(configuration, store, quiet("Evaluation")).version
    monkeypatch.setenv(ENV_ADOPT, "true")
    return store, configuration, version


def test_a_new_training_of_the_same_adopts_the_promoted_version(
    promoted: tuple[Store, RunConfiguration, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, configuration, version = promoted
    assert configuration.training is not None
    training = configuration.training.model_copy(update={"name": "another-name"})
    again = configuration.model_copy(update={"training": training, "owner": "another-name"})
    found = find_adoptable(again, store, quiet("Data"))
    assert found is not None
    assert (found.version, found.promoted) == (version, True)
    monkeypatch.delenv(ENV_ADOPT)
    assert find_adoptable(again, store, quiet("Data")) is None


@pytest.mark.parametrize("change", ["other model", "corrupt", "no pointer"])
def test_what_is_not_the_same_or_not_whole_is_not_adopted(
    promoted: tuple[Store, RunConfiguration, str], change: str
) -> None:
    store, configuration, version = promoted
    if change == "other model":
        model = configuration.model.model_copy(update={"seed": 99})
        configuration = configuration.model_copy(update={"model": model})
    elif change == "corrupt":
        next(store.version(version).glob("*.onnx")).write_bytes(b"corrupt")
    else:
        store.promoted().unlink()
    assert find_adoptable(configuration, store, quiet("Data")) is None


def test_a_version_that_is_judged_again_has_the_newest_verdict_beside_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = prepare_training(store, market_candles(1500, strength=0.0))
    first = train_and_evaluate(strict, store)
    assert not first.promoted
    assert strict.training is not None
    training = strict.training.model_copy(update={"gate": GateSpec(mode="Off")})
    lenient = strict.model_copy(update={"training": training})
    second = evaluate(lenient, store, quiet("Evaluation"))
    assert (second.promoted, second.version) == (True, first.version)
    assert load_json(store.version(second.version) / "evaluation.json")["result"]["promoted"]
    monkeypatch.setenv(ENV_ADOPT, "true")
    assert find_adoptable(lenient, store, quiet("Data")) == second
