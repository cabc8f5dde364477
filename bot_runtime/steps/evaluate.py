"""The evaluation step: assemble the version, judge it on unseen candles, publish it.

Every number comes from the assembled version as inference would serve it. A rejected version is
published too, so that it can be looked at or pinned; only promoted.json says which one is served.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from bot_runtime.contract.results import EvaluationResult
from bot_runtime.contract.runconfig import RunConfiguration, learned_digest
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.evaluation.drift_reference import References, build_references
from bot_runtime.evaluation.record import details_of, result_of
from bot_runtime.evaluation.verdict import Verdict, judge_version
from bot_runtime.learning.datasets import TrainingData, load_training_data
from bot_runtime.process.config import training_of
from bot_runtime.process.reporting import Reporter
from bot_runtime.process.threads import cpu_count
from bot_runtime.report.findings import Findings, permutation_importance
from bot_runtime.report.page import REPORT_FILE, render_report
from bot_runtime.serving.served_band import BandState
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.store.bundle import MANIFEST_FILE, VersionManifest, is_whole, load_objective
from bot_runtime.store.files import load_json, new_directory, save_bytes, save_json
from bot_runtime.store.layout import (
    BANDS_FOLDER,
    EVALUATION_FILE,
    REFERENCES_FOLDER,
    Store,
    file_stem,
)
from bot_runtime.store.promotion import Promotion, promote
from bot_runtime.store.pruning import load_pruning, prune


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
        verdict = judge_version(version, data, configuration, store, reporter)
        result = result_of(manifest, verdict, trained_at)
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
    record = verdict.traded.record
    if record.tradable_share == 0:
        reporter.warn(
            f"ThresholdsNeverMet: the thresholds would have traded none of {record.rows} "
            f"unseen candles; {result.binding_threshold} refused most of them"
        )
    reporter.warn(f"Frontier: {verdict.traded.frontier.sentence}")
    if references.lacking:
        reporter.warn(
            f"not watched for drift: {', '.join(references.lacking)}: too short a history to "
            f"set limits; about {max(references.lacking.values()):.2g} times training.lookback is "
            "needed"
        )


def _write(
    folder: Path,
    version: ServedVersion,
    verdict: Verdict,
    result: EvaluationResult,
    data: TrainingData,
) -> References:
    """Write what was found beside the models: numbers, report, where bands begin, references."""
    save_json(folder / EVALUATION_FILE, details_of(verdict, result))
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
            record=verdict.traded.record,
            account=verdict.traded.account,
            performance=verdict.traded.performance,
            frontier=verdict.traded.frontier,
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
