"""The evaluation step: assemble the version, judge it on unseen candles, publish it.

Every number comes from the assembled version as inference would serve it. A rejected version is
published too, so that it can be looked at or pinned; only promoted.json says which one is served.
"""

import shutil

from bot_runtime.contract.results import EvaluationResult
from bot_runtime.contract.runconfig import RunConfiguration, learned_digest
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.evaluation.drift_reference import References, build_references
from bot_runtime.evaluation.references import freeze_naive
from bot_runtime.evaluation.refit_version import (
    Refitting,
    RefitVersion,
    forget_refit,
    load_refit,
)
from bot_runtime.evaluation.skill_reference import build_skill_reference
from bot_runtime.evaluation.verdict import Verdict, judge_version
from bot_runtime.learning.datasets import TrainingData, load_training_data
from bot_runtime.process.config import training_of
from bot_runtime.process.errors import StoreUnavailableError
from bot_runtime.process.reporting import Reporter
from bot_runtime.process.threads import cpu_count
from bot_runtime.report.findings import Champion
from bot_runtime.serving.served_skill import read_skill
from bot_runtime.serving.version import ServedVersion, load_version
from bot_runtime.steps.publish import Publication, write_version
from bot_runtime.store.bundle import VersionManifest, load_objective
from bot_runtime.store.files import new_directory
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import Promotion, promote
from bot_runtime.store.pruning import load_pruning, prune


def evaluate(configuration: RunConfiguration, store: Store, reporter: Reporter) -> EvaluationResult:
    """Assemble, judge and publish the training's version; promote it where it passes the gate.

    What passed is fitted once more, where that is asked for, and published so; what was judged lies
    beside it. Raises ArtifactInvalidError where an objective is missing or not as its manifest
    says.
    """
    training = training_of(configuration).name
    data = load_training_data(configuration, store)
    judged = _assemble(training, data, store)
    version = ServedVersion(store.judged(training), judged, cpu_count())
    reporter.progress(0.3, f"assembled {judged.version}")
    verdict = judge_version(version, data, configuration, store, reporter)
    references = build_references(version, data, verdict.served)
    again, asked = None, load_refit()
    if asked is not None and not verdict.reasons:
        refitting = Refitting(configuration, data, store, asked, reporter)
        again = refitting.fit_again(judged, verdict.trained)
    skill = build_skill_reference(version, data, verdict.served)
    champion = _champion(configuration, store, reporter)
    publication = Publication(version, verdict, references, skill, champion, data, store)
    result = _publish(publication, again, reporter)
    _warn(verdict, result, references, reporter)
    load_version(store, result.version)  # as inference will: every file as its sha256 says
    if result.promoted:
        learned = learned_digest(configuration)
        promote(
            store,
            Promotion(
                version=result.version, trained_at=result.trained_at, training_digest=learned
            ),
        )
    forget_refit(store, training)
    pruning = load_pruning()
    if pruning is not None:
        keep = (*pruning.keep, result.version)
        prune(store, pruning.model_copy(update={"keep": keep}), training, reporter)
    reporter.progress(1.0, "promoted" if result.promoted else "rejected", reasons=result.reasons)
    return result


def _champion(configuration: RunConfiguration, store: Store, reporter: Reporter) -> Champion | None:
    """Return what the version that serves has been worth; None where no run has said so."""
    name = training_of(configuration).champion_version
    if name is None:
        return None
    skill = read_skill(store, name, reporter)
    return None if skill is None else Champion(name, skill)


def _assemble(training: str, data: TrainingData, store: Store) -> VersionManifest:
    """Put the three objectives' graphs and manifests together, to be judged."""
    folders = [store.objective(training, objective) for objective in OBJECTIVES]
    manifest = VersionManifest(
        training=training,
        objectives=tuple(load_objective(folder) for folder in folders),
        naive=freeze_naive(data, data.splits.before_test),
    )
    with new_directory(store.judged(training), keep_existing=False) as folder:
        write_version(folder, manifest, folders)
    return manifest


def _publish(
    publication: Publication, again: RefitVersion | None, reporter: Reporter
) -> EvaluationResult:
    """Publish the version as it is to be served; as it was judged, where there is no room for both.

    Raises StoreUnavailableError.
    """
    if again is not None:
        try:
            return publication.publish(again)
        except StoreUnavailableError as e:
            reporter.warn(f"served as it was judged, not as it was fitted once more: {e}"[:400])
            _make_room(publication)
    return publication.publish(None)


def _make_room(publication: Publication) -> None:
    """Remove what was fitted once more and is not served: a full volume may have room then."""
    training = publication.version.manifest.training
    shutil.rmtree(publication.store.refit(training), ignore_errors=True)


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
