"""A version that passed the gate is fitted once more; the judged one stays beside it."""

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot_runtime.backtest.versions import terms_of_version
from bot_runtime.contract.names import ENV_REFIT
from bot_runtime.contract.refitting import Refit
from bot_runtime.contract.results import EvaluationResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.evaluation import refit_version
from bot_runtime.evaluation.references import freeze_naive
from bot_runtime.learning import refit as refits
from bot_runtime.learning.candidate import Exported, export
from bot_runtime.learning.datasets import load_training_data, newest_splits
from bot_runtime.learning.models.gradient_boosting import GradientBoosting
from bot_runtime.serving.version import load_judged, load_version
from bot_runtime.steps.evaluate import evaluate
from bot_runtime.store.bundle import MANIFEST_FILE, load_version_manifest
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import EVALUATION_FILE, JUDGED_FOLDER, JUDGED_SKILL_FILE, Store
from tests.unit.bot_runtime.learning import (
    BOTH,
    market_candles,
    prepare_training,
    quiet,
    train_all,
)
from tests.unit.bot_runtime.markets import bot_spec, inference_configuration

Ready = tuple[Store, RunConfiguration]
NAMES = ("bot-1", "bot-2")


@pytest.fixture(scope="module", autouse=True)
def undrawn() -> Iterator[None]:
    """Leave the report's slow parts out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot_runtime.steps.publish.permutation_importance", lambda *_: {})
        patch.setattr("bot_runtime.report.page.draw_pictures", lambda _: {})
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Ready:
    """Give a store with two trainings of a learnable market, the same; tests copy it."""
    store = Store(tmp_path_factory.mktemp("trained"))
    first, _ = (
        prepare_training(store, market_candles(5000, BOTH, seed=8), name=name) for name in NAMES
    )
    train_all(first, store)
    for objective in OBJECTIVES:
        own, other = (store.objective(name, objective) for name in NAMES)
        shutil.copytree(own, other)
    return store, first


@pytest.fixture(scope="module")
def judged_alone(
    trained: Ready, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, EvaluationResult]:
    """Give the folder and the result of the version where no refit is asked for."""
    copy = Store(tmp_path_factory.mktemp("alone") / "store")
    shutil.copytree(trained[0].root, copy.root)
    result = evaluate(trained[1], copy, quiet("Evaluation"))
    return copy.version(result.version), result


@pytest.fixture(autouse=True)
def asked(judged_alone: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for a refit, as the operator does."""
    monkeypatch.setenv(ENV_REFIT, Refit(deadline_seconds=3600).model_dump_json(by_alias=True))


@pytest.fixture
def ready(trained: Ready, tmp_path: Path) -> Ready:
    store, configuration = trained
    shutil.copytree(store.root, tmp_path / "store")
    return Store(tmp_path / "store"), configuration


def test_what_passed_is_served_as_it_was_fitted_once_more_and_told_as_it_was_judged(
    ready: Ready, judged_alone: tuple[Path, EvaluationResult]
) -> None:
    store, configuration = ready
    alone, judged = judged_alone
    result = evaluate(configuration, store, quiet("Evaluation"))
    assert result.promoted, result.reasons
    assert result.version != judged.version
    assert load_json(store.promoted())["version"] == result.version
    assert [folder.name for folder in store.versions()] == [result.version]
    served = load_version(store, result.version)
    before = load_judged(store, served)
    assert before.version == judged.version
    assert result.artifact_digest == served.manifest.digest
    data = load_training_data(configuration, store)
    newest = int(data.time_ms[data.newest].max()) + data.interval_ms
    seen = newest_splits(data, refits.FITTED).before_test
    assert before.manifest.naive == freeze_naive(data, data.splits.before_test)
    assert served.manifest.naive == freeze_naive(data, seen) != before.manifest.naive
    for own, old in zip(served.manifest.objectives, before.manifest.objectives, strict=True):
        assert own.algorithm == old.algorithm
        assert old.seen_until_ms == data.seen_until_ms < own.seen_until_ms <= newest
        assert {g.sha256 for g in own.graphs}.isdisjoint({g.sha256 for g in old.graphs})
    # Every figure is the judged one's.
    assert result.objectives == judged.objectives
    details = load_json(store.version(result.version) / EVALUATION_FILE)
    assert set(details.pop("refits")) == set(OBJECTIVES)
    theirs = load_json(alone / EVALUATION_FILE)
    assert details | {"result": None} == theirs | {"result": None}
    for part in ("bands", "references"):
        for path in (alone / part).glob("*.json"):
            assert (store.version(result.version) / part / path.name).read_bytes() == (
                path.read_bytes()
            )
    skill = (alone / JUDGED_SKILL_FILE).read_bytes()
    assert store.judged_skill(result.version).read_bytes() == skill
    page = (store.version(result.version) / "report.html").read_text(encoding="utf-8")
    assert "What is served" in page
    assert "What is served" not in (alone / "report.html").read_text(encoding="utf-8")


def test_a_repeated_evaluation_serves_the_same_and_leaves_nothing_in_its_training(
    ready: Ready,
) -> None:
    store, configuration = ready
    first = evaluate(configuration, store, quiet("Evaluation"))
    assert not store.judged("bot-1").exists()
    assert not store.refit("bot-1").exists()
    assert evaluate(configuration, store, quiet("Evaluation")) == first
    assert len(store.versions()) == 1


def test_the_refit_is_fitted_to_all_but_the_newest_tenth_and_no_label_reaches_across(
    ready: Ready,
) -> None:
    store, configuration = ready
    data = load_training_data(configuration, store)
    splits = newest_splits(data, refits.FITTED)
    known = len(data.splits.before_test) + len(data.splits.test)
    assert len(splits.fit) == pytest.approx(0.9 * known, rel=0.01)
    assert len(splits.calibration) == pytest.approx(0.1 * known, rel=0.05)
    horizon_ms = data.horizon_steps * data.interval_ms
    gap = data.time_ms[splits.calibration].min() - data.time_ms[splits.fit].max()
    assert gap >= 2 * horizon_ms
    for place in range(len(data.symbols)):  # of every market
        assert (data.symbol[splits.calibration] == place).any()
        assert (data.symbol[splits.fit] == place).any()


def test_noise_is_refused_and_nothing_of_it_is_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    configuration = prepare_training(store, market_candles(1500, strength=0.0))
    train_all(configuration, store)
    monkeypatch.setattr(GradientBoosting, "fit_again", None)
    result = evaluate(configuration, store, quiet("Evaluation"))
    assert not result.promoted
    assert not (store.version(result.version) / JUDGED_FOLDER).exists()


def test_an_evicted_evaluation_goes_on_with_the_objective_that_it_was_at(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, configuration = ready
    begun: list[str] = []
    original = GradientBoosting.fit_again

    def evicted(self: Any, task: Any) -> Any:
        begun.append(task.objective)
        if begun == ["Trend", "Return"]:
            raise KeyboardInterrupt
        return original(self, task)

    monkeypatch.setattr(GradientBoosting, "fit_again", evicted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(configuration, store, quiet("Evaluation"))
    assert store.versions() == []
    result = evaluate(configuration, store, quiet("Evaluation"))
    assert begun == ["Trend", "Return", "Return", "Risk"]
    assert (store.version(result.version) / JUDGED_FOLDER).is_dir()


def fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: object, _task: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(GradientBoosting, "fit_again", fail)


def diverges(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverged(*given: Any) -> Exported:
        found = export(*given)
        return replace(found, raw=replace(found.raw, at=lambda rows: 9 + found.raw.at(rows)))

    monkeypatch.setattr("bot_runtime.learning.refit.export", diverged)


def lacks_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refit_version, "TIMES_ITS_FIT", 0.0)
    monkeypatch.setattr(refit_version, "LEAST_SECONDS", 0.0)


def begins_late(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = time.time() - 1801
    monkeypatch.setattr(refit_version.Refitting, "_begun", lambda _: long_ago)


def is_another_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refits, "FARTHEST", 1e-9)


def has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill the volume when the judged graphs are put beside those that are served."""
    copy = shutil.copyfile

    def full(source: Path, target: Path) -> Path:
        if target.parent.name == JUDGED_FOLDER:
            raise OSError(errno.ENOSPC, "No space left on device")
        return copy(source, target)

    monkeypatch.setattr("bot_runtime.steps.publish.shutil.copyfile", full)


@pytest.mark.parametrize(
    "case",
    [
        (fails, "RuntimeError: out of luck"),
        (diverges, "its loss on the newest candles is"),
        (lacks_time, "it took longer than 0 s"),
        (begins_late, "its time is over: 1800 s, half of training.deadlineSeconds"),
        (is_another_model, "1e-09 is allowed"),
        (has_no_room, "No space left on device"),
    ],
)
def test_a_refit_that_is_not_to_be_served_leaves_the_judged_version_and_says_why(
    ready: Ready,
    judged_alone: tuple[Path, EvaluationResult],
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[Callable[[pytest.MonkeyPatch], None], str],
) -> None:
    store, configuration = ready
    judged, (trouble, told) = judged_alone[1], case
    trouble(monkeypatch)
    reporter = quiet("Evaluation")
    result = evaluate(configuration, store, reporter)
    assert (result.promoted, result.version) == (True, judged.version)
    (warning,) = (text for text in reporter.warnings if "served as it was judged" in text)
    assert told in warning
    folder = store.version(result.version)
    load_version_manifest(folder)
    assert not (folder / JUDGED_FOLDER).exists()
    assert [path.name for path in folder.parent.iterdir()] == [result.version]
    assert not store.refit("bot-1").exists()


def challenger(configuration: RunConfiguration, champion: str) -> RunConfiguration:
    """Return the other training of the same candles, against a champion."""
    assert configuration.training is not None
    run = configuration.training.model_copy(update={"name": NAMES[1], "champion_version": champion})
    return configuration.model_copy(update={"training": run, "owner": NAMES[1]})


def test_an_equal_candidate_is_not_refused_because_its_champion_was_fitted_once_more(
    ready: Ready,
) -> None:
    store, configuration = ready
    champion = evaluate(configuration, store, quiet("Evaluation"))
    again = challenger(configuration, champion.version)
    reporter = quiet("Evaluation")
    result = evaluate(again, store, reporter)
    assert result.promoted, result.reasons
    details = load_json(store.version(result.version) / EVALUATION_FILE)
    duels = [duel for duel in details["duels"] if duel["against"] == "champion"]
    for duel in duels:
        assert float(duel["loss"]) == pytest.approx(float(duel["reference"]), rel=1e-4)
    for duel in duels[:3]:
        assert duel["referenceAsServed"] != duel["reference"]


def test_a_candidate_of_a_week_later_is_still_compared(ready: Ready) -> None:
    store, configuration = ready
    champion = evaluate(configuration, store, quiet("Evaluation"))
    candles = market_candles(5200, BOTH, seed=8)
    later = {symbol: part[200:] for symbol, part in candles.items()}
    again = prepare_training(store, later, name="bot-3", champion_version=champion.version)
    train_all(again, store)
    reporter = quiet("Evaluation")
    result = evaluate(again, store, reporter)
    details = load_json(store.version(result.version) / EVALUATION_FILE)
    assert [d["name"] for d in details["duels"] if d["against"] == "champion"] == [
        "log loss",
        "pinball",
        "QLIKE",
        "trading loss",
    ]
    assert not any("not compared" in text for text in reporter.warnings)


def test_a_version_of_an_earlier_release_was_judged_as_it_is_served(
    ready: Ready, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, configuration = ready
    with monkeypatch.context() as patch:
        patch.delenv(ENV_REFIT)
        champion = evaluate(configuration, store, quiet("Evaluation"))
    assert load_judged(store, load_version(store, champion.version)).version == champion.version
    result = evaluate(
        challenger(configuration, champion.version),
        store,
        quiet("Evaluation"),
    )
    assert result.promoted, result.reasons
    details = load_json(store.version(result.version) / EVALUATION_FILE)
    assert not any("referenceAsServed" in duel for duel in details["duels"])


def test_a_corrupt_judged_version_is_told_and_the_candidate_judged_alone(ready: Ready) -> None:
    store, configuration = ready
    champion = evaluate(configuration, store, quiet("Evaluation"))
    (store.version(champion.version) / JUDGED_FOLDER / MANIFEST_FILE).write_text("{")
    reporter = quiet("Evaluation")
    again = challenger(configuration, champion.version)
    assert evaluate(again, store, reporter).promoted
    assert any("not compared with champion" in text for text in reporter.warnings)


def test_a_backtest_of_the_version_decides_as_judged_on_what_it_was_judged_on(
    ready: Ready,
) -> None:
    store, configuration = ready
    version = evaluate(configuration, store, quiet("Evaluation")).version
    bot = bot_spec(symbols=list(BOTH))
    run = inference_configuration(bot, version)
    judged, served = terms_of_version(store, run, version, 2**60)
    assert judged.name == f"{version} as it was judged"
    assert judged.unseen_ms == judged.begin_ms < judged.end_ms == served.begin_ms
    assert served.unseen_ms == served.begin_ms
    data = load_training_data(configuration, store)
    rows = data.splits.test[:50]
    assert judged.version is not None
    assert served.version is not None
    then, now = (
        one.predict_rows(data.features, data.closes, rows).prob_up
        for one in (judged.version, served.version)
    )
    assert not np.array_equal(then, now)
