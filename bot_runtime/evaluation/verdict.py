"""The verdict on a version: every number the gate judges, gathered on the test slice."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot_runtime.contract.results import ObjectiveResult, to_text
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation.gate import Duel, Evidence, check_gate
from bot_runtime.evaluation.judge import (
    duel_champion,
    find_differences,
    judged_objectives,
    metrics_of,
    naive_duels,
    score_tables_of,
)
from bot_runtime.evaluation.score_tables import Table
from bot_runtime.evaluation.tradable_share import decisions_of
from bot_runtime.evaluation.traded import Traded, trade_on
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.trained import Trained
from bot_runtime.learning.unseen import adapt
from bot_runtime.process.config import training_of
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.adaptive_band import AdaptiveBand
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.version import ServedVersion
from bot_runtime.store.layout import Store
from bot_runtime.store.trials import load_trials
from bot_runtime.trading.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out for one version."""

    evidence: Evidence
    reasons: tuple[str, ...]
    objectives: tuple[ObjectiveResult, ...]
    traded: Traded
    tables: dict[Objective, Table]
    trained: dict[Objective, Trained]
    bands: dict[str, AdaptiveBand]
    served: Predictions
    adapted: Predictions


def judge_version(
    version: ServedVersion,
    data: TrainingData,
    configuration: RunConfiguration,
    store: Store,
    reporter: Reporter,
) -> Verdict:
    """Return what the version is worth on the test slice, and why it does not pass the gate."""
    run, rows = training_of(configuration), data.splits.test
    served = version.predict_rows(data.features, data.closes, rows)
    trained = {o: Trained.load(store.objective(run.name, o)) for o in OBJECTIVES}
    native = {name: values for one in trained.values() for name, values in one.native.items()}
    adapted, bands = adapt(served, data, rows)
    metrics = metrics_of(adapted, data, rows)
    trials = len(configuration.model.candidates) ** len(OBJECTIVES) + _studied(store, reporter)
    strategy = Strategy.of_run(configuration)
    traded = trade_on(adapted, data, rows, strategy, trials)
    naive, asked = naive_duels(adapted, data, rows), judged_objectives(strategy)
    evidence = Evidence(
        parity=find_differences(
            version.manifest, served, native, lambda told: decisions_of(told, data, rows, strategy)
        ),
        metrics={f"{o}.{name}": v for o, found in metrics.items() for name, v in found.items()},
        naive=tuple(naive[o] for o in ("Trend", "Return") if o in asked),
        volatility=(naive["Risk"],),
        champion=_champion_duels(version, data, configuration, store, reporter),
        trading=(traded.duel,),
    )
    return Verdict(
        evidence=evidence,
        reasons=check_gate(evidence, run.gate),
        objectives=_results_of(trained, metrics),
        traded=traded,
        tables=score_tables_of(adapted, data, rows),
        trained=trained,
        bands=bands,
        served=served,
        adapted=adapted,
    )


def _studied(store: Store, reporter: Reporter) -> int:
    """Return how many settings studies have tried on the store's candles."""
    try:
        return len(load_trials(store))
    except ArtifactInvalidError as e:
        reporter.warn(f"what studies have tried does not count: {e}")
        return 0


def _results_of(
    trained: Mapping[Objective, Trained], metrics: Mapping[Objective, Mapping[str, float]]
) -> tuple[ObjectiveResult, ...]:
    """Return the results of the training steps, with the metrics of the version as it is served."""
    return tuple(
        one.result.model_copy(update={"metrics": to_text(metrics[o])}) for o, one in trained.items()
    )


def _champion_duels(
    version: ServedVersion,
    data: TrainingData,
    configuration: RunConfiguration,
    store: Store,
    reporter: Reporter,
) -> tuple[Duel, ...]:
    """Return the duels with the champion; none, and a warning, where there cannot be any."""
    name = training_of(configuration).champion_version
    if name is None or name == version.version:
        return ()
    found = duel_champion(version, data, store, name, Strategy.of_run(configuration))
    if found.obstacle is not None:
        reporter.warn(f"not compared with champion {name}: {found.obstacle}")
    return found.duels
