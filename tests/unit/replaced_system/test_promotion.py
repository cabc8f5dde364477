"""What the replaced system promoted: worse than a constant, no number, not the trained file."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bot_runtime.contract.runconfig import RunConfiguration, training_run, training_spec_of
from bot_runtime.contract.spec import GateSpec
from bot_runtime.evaluation.gate import Duel, Evidence, check_gate
from bot_runtime.evaluation.judge import ChampionDuels, duel_champion
from bot_runtime.learning.datasets import TrainingData, build_training_data
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.scoring import scores
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.store.bundle import VersionManifest
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from bot_runtime.trading.strategy import Strategy
from tests.unit.bot_runtime.markets import bot_spec, publish_version, random_candles
from tests.unit.bot_runtime.strategies import strategy_with
from tests.unit.replaced_system.fault import Fault, assert_held_off, each, is_refused

HORIZON = 5
RETURNS = np.random.default_rng(2).normal(0, 0.004, 1500)

Gate = Callable[[Evidence, GateSpec], tuple[str, ...]]


def duel(own: Any, reference: Any) -> Duel:
    """Return the duel of two bands (3,) on the same returns."""
    losses = [
        scores.pinball(np.tile(band, (len(RETURNS), 1)), RETURNS) for band in (own, reference)
    ]
    comparison = scores.compare(losses[0], losses[1], np.arange(len(RETURNS)), HORIZON)
    own_mean, its_mean = (float(np.mean(loss)) for loss in losses)
    return Duel("pinball", "reference", own_mean, its_mean, comparison)


CONSTANT = np.quantile(RETURNS, scores.QUANTILES)
BETTER = duel(CONSTANT, 5 * CONSTANT)
WORSE = duel(5 * CONSTANT, CONSTANT)
GOOD = Evidence(parity=(), metrics={"Return.pinball": BETTER.loss}, naive=(BETTER,))


def check_gate_refuses(gate: Gate, evidence: Evidence, word: str) -> None:
    assert gate(GOOD, GateSpec()) == (), "a good version is rejected"
    assert WORSE.loss > WORSE.reference
    reasons = gate(evidence, GateSpec())
    assert any(reason.startswith(word) for reason in reasons), f"promoted in spite of {word}"


def check_worse_than_constant(gate: Gate) -> None:
    check_gate_refuses(gate, replace(GOOD, naive=(WORSE,)), "NotBetterThanNaive: pinball")


def check_not_finite(gate: Gate) -> None:
    for value in (math.nan, math.inf, -math.inf):
        check_gate_refuses(gate, replace(GOOD, metrics={"auc": value}), "NotFinite: auc")
    lost = replace(BETTER, comparison=replace(BETTER.comparison, gain=math.nan))
    check_gate_refuses(gate, replace(GOOD, naive=(lost,)), "NotBetterThanNaive")


def check_worse_than_champion(gate: Gate) -> None:
    check_gate_refuses(gate, replace(GOOD, champion=(WORSE,)), "WorseThanChampion")


# The champion pointer was never read.

DuelChampion = Callable[[ServedVersion, TrainingData, Store, str, Strategy], ChampionDuels]


def check_champion_is_loaded_and_compared(compare: DuelChampion) -> None:
    """The champion knows nothing; the candidate is sure of a rise that is not there."""
    data = build_training_data({"BTC/USDT": random_candles(1500)}, HORIZON, 1)
    with tempfile.TemporaryDirectory() as folder:
        store, spec = Store(Path(folder)), bot_spec()
        champion, candidate = (publish_version(store, spec, score=s) for s in (0.0, 3.0))
        found = compare(load_version(store, candidate), data, store, champion, strategy_with())
    reasons = check_gate(replace(GOOD, champion=found.duels), GateSpec())
    assert any(r.startswith("WorseThanChampion: log loss") for r in reasons), "champion not read"


Configure = Callable[[str | None], RunConfiguration]


def configured(champion: str | None) -> RunConfiguration:
    """Return the run configuration of the training of a bot that serves `champion`."""
    spec = training_spec_of("bot", bot_spec(), image="i:1", claim="c", champion_version=champion)
    return training_run("default", "bot-1", spec)


def check_champion_reaches_the_training(configure: Configure) -> None:
    training = configure("bot-1-01234567").training
    assert training is not None
    assert training.champion_version == "bot-1-01234567", "the training knows no champion"


# A file that is not the one that was trained was loaded.

Load = Callable[[Store, str], object]


def check_other_files_are_refused(load: Load) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, spec = Store(Path(folder)), bot_spec()
        own, other = (publish_version(store, spec, score=s) for s in (3.0, -3.0))
        load(store, own)
        swapped = store.version(own) / "trend.onnx"  # by a graph that is as valid as it was
        swapped.write_bytes((store.version(other) / "trend.onnx").read_bytes())
        assert is_refused(ArtifactInvalidError, lambda: load(store, own)), "wrong sha256 is loaded"


def load_without_looking(store: Store, version: str) -> ServedVersion:
    """Return a version whose files nobody has looked at."""
    folder = store.version(version)
    manifest = VersionManifest.model_validate(load_json(folder / "manifest.json"))
    return ServedVersion(folder, manifest)


@each(
    Fault(
        "pinball loss worse than a constant",
        check_worse_than_constant,
        check_gate,
        lambda evidence, spec: check_gate(replace(evidence, naive=()), spec),
        "promoted in spite of NotBetterThanNaive",
    ),
    Fault(
        "metrics that are no numbers",
        check_not_finite,
        check_gate,
        lambda evidence, spec: check_gate(replace(evidence, metrics={}), spec),
        "promoted in spite of NotFinite",
    ),
    Fault(
        "worse than the champion",
        check_worse_than_champion,
        check_gate,
        lambda evidence, spec: check_gate(replace(evidence, champion=()), spec),
        "promoted in spite of WorseThanChampion",
    ),
    Fault(
        "champion never read",
        check_champion_is_loaded_and_compared,
        duel_champion,
        lambda *_: ChampionDuels(),
        "champion not read",
    ),
    Fault(
        "champion never told",
        check_champion_reaches_the_training,
        configured,
        lambda _: configured(None),
        "the training knows no champion",
    ),
    Fault(
        "artifact with another sha256",
        check_other_files_are_refused,
        load_version,
        load_without_looking,
        "wrong sha256 is loaded",
    ),
)
def test_promotion(fault: Fault[Any]) -> None:
    assert_held_off(fault)
