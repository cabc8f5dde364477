"""The verdict on a version: every number the gate judges, gathered on the test slice."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot_runtime.contract.results import ObjectiveResult, to_text
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation.frontier import Frontier, find_frontier
from bot_runtime.evaluation.gate import (
    CONSTANT_SHARE,
    STAYING_OUT,
    Duel,
    Evidence,
    check_gate,
)
from bot_runtime.evaluation.judge import (
    adapt,
    duel_champion,
    find_differences,
    judged_objectives,
    metrics_of,
    naive_duels,
    score_tables_of,
    trading_duel,
)
from bot_runtime.evaluation.score_tables import Table
from bot_runtime.evaluation.tracks import constant_share, tracks_of
from bot_runtime.evaluation.tradable_share import TradingRecord, decisions_of, record_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.trained import Trained
from bot_runtime.process.config import training_of
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.adaptive_band import AdaptiveBand
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.version import ServedVersion
from bot_runtime.store.layout import Store
from bot_runtime.trading.account import Account, Track, follow
from bot_runtime.trading.performance import Performance, performance_of
from bot_runtime.trading.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out for one version."""

    evidence: Evidence
    reasons: tuple[str, ...]
    objectives: tuple[ObjectiveResult, ...]
    record: TradingRecord
    account: Account
    performance: Performance
    frontier: Frontier
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
    served = version.predict_rows(data.features, data.volatility, rows)
    trained = {o: Trained.load(store.objective(run.name, o)) for o in OBJECTIVES}
    native = {name: values for one in trained.values() for name, values in one.native.items()}
    adapted, bands = adapt(served, data, rows)
    metrics = metrics_of(adapted, data, rows)
    trials = len(configuration.model.candidates) ** len(OBJECTIVES)
    strategy = Strategy.of_run(configuration)
    tracks = tracks_of(adapted, data, rows, strategy)
    account = follow(tracks, strategy)
    naive = naive_duels(adapted, data, rows)
    evidence = Evidence(
        parity=find_differences(
            version.manifest, served, native, lambda told: decisions_of(told, data, rows, strategy)
        ),
        metrics={f"{o}.{name}": v for o, found in metrics.items() for name, v in found.items()},
        naive=tuple(naive[o] for o in ("Trend", "Return") if o in judged_objectives(strategy)),
        volatility=(naive["Risk"],),
        champion=_champion_duels(version, data, configuration, store, reporter),
        trading=(_trading_duel(account, tracks, strategy),),
    )
    return Verdict(
        evidence=evidence,
        reasons=check_gate(evidence, run.gate),
        objectives=tuple(
            one.result.model_copy(update={"metrics": to_text(metrics[o])})
            for o, one in trained.items()
        ),
        record=record_of(
            decisions_of(served, data, rows, strategy),
            data.labels.simple_return[rows],
            configuration.decision,
        ),
        account=account,
        performance=performance_of(account, trials),
        frontier=find_frontier(adapted, data, rows, strategy),
        tables=score_tables_of(adapted, data, rows),
        trained=trained,
        bands=bands,
        served=served,
        adapted=adapted,
    )


def _trading_duel(account: Account, tracks: Mapping[str, Track], strategy: Strategy) -> Duel:
    """Return the duel of the account with one that would have cost no thought."""
    if not strategy.is_managed:
        return trading_duel(account, None, STAYING_OUT, strategy.horizon_steps)
    its = constant_share(account, tracks, strategy)
    return trading_duel(account, its, CONSTANT_SHARE, strategy.horizon_steps)


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
