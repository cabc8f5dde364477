"""The evaluation step: assemble the version, judge it on unseen candles, publish it.

Every number comes from the assembled version as inference would serve it. A rejected version is
published too, so that it can be looked at or pinned; only promoted.json says which one is served.
"""

import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot_runtime.adaptive_band import AdaptiveBand
from bot_runtime.adoption import EVALUATION_FILE
from bot_runtime.bundle import MANIFEST_FILE, VersionManifest, is_whole, load_objective
from bot_runtime.config import training_of
from bot_runtime.contract.results import EvaluationResult, ObjectiveResult, to_text
from bot_runtime.contract.runconfig import RunConfiguration, learned_digest
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.datasets import TrainingData, load_training_data
from bot_runtime.drift_reference import References, build_references
from bot_runtime.gate import Duel, Evidence, check_gate
from bot_runtime.git import git_commit
from bot_runtime.judge import (
    adapt,
    duel_champion,
    find_differences,
    follow_decisions,
    metrics_of,
    naive_duels,
    score_tables_of,
    trading_duel,
)
from bot_runtime.predictions import Predictions
from bot_runtime.promotion import Promotion, promote
from bot_runtime.pruning import load_pruning, prune
from bot_runtime.report.findings import Findings, permutation_importance
from bot_runtime.report.page import REPORT_FILE, render_report
from bot_runtime.reporting import Reporter
from bot_runtime.score_tables import Table
from bot_runtime.served_band import BandState
from bot_runtime.serving import ServedVersion, load_version
from bot_runtime.store import (
    BANDS_FOLDER,
    REFERENCES_FOLDER,
    Store,
    file_stem,
    load_json,
    new_directory,
    save_bytes,
    save_json,
)
from bot_runtime.threads import cpu_count
from bot_runtime.trading import Backtest, TradingRecord, record_of
from bot_runtime.trained import Trained

REASONS_MAX, REASON_LENGTH = 8, 160


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came out for one version."""

    evidence: Evidence
    reasons: tuple[str, ...]
    objectives: tuple[ObjectiveResult, ...]
    record: TradingRecord
    account: Backtest
    tables: dict[Objective, Table]
    trained: dict[Objective, Trained]
    bands: dict[str, AdaptiveBand]
    served: Predictions
    adapted: Predictions


def evaluate(configuration: RunConfiguration, store: Store, reporter: Reporter) -> EvaluationResult:
    """Assemble, judge and publish the training's version; promote it where it passes the gate.

    Raises ArtifactInvalidError where an objective is missing or not as its manifest says.
    """
    training = training_of(configuration).name
    data = load_training_data(configuration, store)
    folders = [store.objective(training, objective) for objective in OBJECTIVES]
    manifest = VersionManifest(
        training=training, objectives=tuple(load_objective(folder) for folder in folders)
    )
    published = store.version(manifest.version)
    trained_at = _assembled_at(published)
    reporter.progress(0.3, f"assembled {manifest.version}")
    # One that is whole may be in use by inference; one that is not is of no use to anybody.
    whole = is_whole(published)
    with new_directory(published, keep_existing=whole) as folder:
        for source, objective in zip(folders, manifest.objectives, strict=True):
            for graph in objective.graphs:
                shutil.copyfile(source / graph.file, folder / graph.file)
        save_json(folder / MANIFEST_FILE, manifest.to_json())
        version = ServedVersion(folder, manifest, cpu_count())
        verdict = _judge(version, data, configuration, store, reporter)
        result = _result_of(manifest, verdict, trained_at)
        references = _write(folder, version, verdict, result, data)
        if whole:
            _renew_verdict(folder, published)
    _warn(verdict, result, references, reporter)
    load_version(store, manifest.version)  # as inference will: every file as its sha256 says
    if result.promoted:
        learned = learned_digest(configuration)
        promote(
            store,
            Promotion(version=manifest.version, trained_at=trained_at, training_digest=learned),
        )
    pruning = load_pruning()
    if pruning is not None:
        keep = (*pruning.keep, manifest.version)
        prune(store, pruning.model_copy(update={"keep": keep}), training, reporter)
    reporter.progress(1.0, "promoted" if result.promoted else "rejected", reasons=result.reasons)
    return result


def _warn(
    verdict: Verdict, result: EvaluationResult, references: References, reporter: Reporter
) -> None:
    """Tell what does not reject a version and still keeps it from what its bot is for."""
    if verdict.record.tradable_share == 0:
        reporter.warn(
            f"ThresholdsNeverMet: the thresholds would have traded none of {verdict.record.rows} "
            f"unseen candles; {result.binding_threshold} refused most of them"
        )
    if references.lacking:
        reporter.warn(
            f"not watched for drift: {', '.join(references.lacking)}: too short a history to "
            f"set limits; about {max(references.lacking.values()):.2g} times training.lookback is "
            "needed"
        )


def _judge(
    version: ServedVersion,
    data: TrainingData,
    configuration: RunConfiguration,
    store: Store,
    reporter: Reporter,
) -> Verdict:
    run, rows = training_of(configuration), data.splits.test
    served = version.predict_rows(data.features, data.volatility, rows)
    trained = {o: Trained.load(store.objective(run.name, o)) for o in OBJECTIVES}
    native = {name: values for one in trained.values() for name, values in one.native.items()}
    adapted, bands = adapt(served, data, rows)
    metrics = metrics_of(adapted, data, rows)
    trials = len(configuration.model.candidates) ** len(OBJECTIVES)
    account = follow_decisions(adapted, data, rows, configuration.decision, trials)
    naive = naive_duels(adapted, data, rows)
    evidence = Evidence(
        parity=find_differences(version.manifest, served, native, configuration.decision),
        metrics={f"{o}.{name}": v for o, found in metrics.items() for name, v in found.items()},
        naive=(naive["Trend"], naive["Return"]),
        volatility=(naive["Risk"],),
        champion=_champion_duels(version, data, configuration, store, reporter),
        trading=(trading_duel(account, None, data.horizon_steps),),
    )
    return Verdict(
        evidence=evidence,
        reasons=check_gate(evidence, run.gate),
        objectives=tuple(
            one.result.model_copy(update={"metrics": to_text(metrics[o])})
            for o, one in trained.items()
        ),
        record=record_of(served, data.labels.simple_return[rows], configuration.decision),
        account=account,
        tables=score_tables_of(adapted, data, rows),
        trained=trained,
        bands=bands,
        served=served,
        adapted=adapted,
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
    found = duel_champion(version, data, store, name, configuration.decision)
    if found.obstacle is not None:
        reporter.warn(f"not compared with champion {name}: {found.obstacle}")
    return found.duels


def _write(
    folder: Path,
    version: ServedVersion,
    verdict: Verdict,
    result: EvaluationResult,
    data: TrainingData,
) -> References:
    """Write what was found beside the models: numbers, report, where bands begin, references."""
    save_json(folder / EVALUATION_FILE, _details_of(verdict, result))
    save_bytes(folder / REPORT_FILE, _report_of(version, verdict, result, data).encode())
    for symbol, band in verdict.bands.items():
        state = BandState(lower=band.lower, upper=band.upper)
        save_json(folder / BANDS_FOLDER / f"{file_stem(symbol)}.json", state.to_json())
    references = build_references(version, data, verdict.served)
    for symbol, reference in references.found.items():
        save_json(folder / REFERENCES_FOLDER / f"{file_stem(symbol)}.json", reference.to_json())
    return references


def _renew_verdict(folder: Path, published: Path) -> None:
    """Put the newest verdict, where it is another one, beside models that stay as they are."""
    known, found = published / EVALUATION_FILE, (folder / EVALUATION_FILE).read_bytes()
    if not known.is_file() or known.read_bytes() != found:
        save_bytes(published / REPORT_FILE, (folder / REPORT_FILE).read_bytes())
        save_bytes(known, found)


def _result_of(manifest: VersionManifest, verdict: Verdict, trained_at: str) -> EvaluationResult:
    return EvaluationResult(
        version=manifest.version,
        promoted=not verdict.reasons,
        reasons=tuple(reason[:REASON_LENGTH] for reason in verdict.reasons[:REASONS_MAX]),
        artifact_digest=manifest.digest,
        trained_at=trained_at,
        objectives=verdict.objectives,
        tradable_share=f"{verdict.record.tradable_share:.6g}",
        binding_threshold=verdict.record.binding_threshold,
    )


def _details_of(verdict: Verdict, result: EvaluationResult) -> dict[str, Any]:
    """Return what stands in the version's evaluation.json: the result, and how it came about."""
    found = verdict.evidence
    return {
        "result": result.to_json(),
        "gitCommit": git_commit(),
        "reasons": verdict.reasons,
        "choices": {o: trained.choice.to_json() for o, trained in verdict.trained.items()},
        "duels": [_duel(duel) for duel in found.duels],
        "trading": asdict(verdict.record),
        "backtest": verdict.account.to_text(),
        "scores": {
            objective: {name: to_text(row) for name, row in table.items()}
            for objective, table in verdict.tables.items()
        },
    }


def _duel(duel: Duel) -> dict[str, Any]:
    """Return a duel with its numbers as text: one block has no finite standard error."""
    found = duel.comparison
    return {
        "name": duel.name,
        "against": duel.against,
        **to_text({"loss": duel.loss, "reference": duel.reference}),
        "comparison": {
            **to_text({"gain": found.gain, "standard_error": found.standard_error}),
            "blocks": found.blocks,
        },
    }


def _report_of(
    version: ServedVersion, verdict: Verdict, result: EvaluationResult, data: TrainingData
) -> str:
    """Return the version's report as a page."""
    found, rows = verdict.evidence, data.splits.test
    return render_report(
        Findings(
            result=result,
            reasons=verdict.reasons,
            duels=found.duels,
            choices={o: trained.choice for o, trained in verdict.trained.items()},
            tables=verdict.tables,
            record=verdict.record,
            account=verdict.account,
            data=data,
            rows=rows,
            served=verdict.served,
            adapted=verdict.adapted,
            learning={o: trained.learning for o, trained in verdict.trained.items()},
            importance=permutation_importance(version, data, rows),
        )
    )


def _assembled_at(published: Path) -> str:
    """Return when a version was first assembled: a repeated step tells the same time."""
    if (published / EVALUATION_FILE).is_file():
        earlier = EvaluationResult.model_validate(load_json(published / EVALUATION_FILE)["result"])
        return earlier.trained_at
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
