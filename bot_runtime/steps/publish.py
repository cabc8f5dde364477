"""The folder of a version: the models as they are served, and everything that was found of them.

versions/<version>/manifest.json, graphs     what is served
                   judged/ the same          what was judged, where that is something else
                   evaluation.json, report.html, bands/, references/, judged-skill.json    of what
                                                                           was judged
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot_runtime.contract.results import EvaluationResult
from bot_runtime.evaluation.drift_reference import References
from bot_runtime.evaluation.record import details_of, result_of
from bot_runtime.evaluation.refit_version import RefitVersion
from bot_runtime.evaluation.verdict import Verdict
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.report.findings import Champion, Findings, permutation_importance
from bot_runtime.report.page import REPORT_FILE, render_report
from bot_runtime.serving.live_skill import SkillReference
from bot_runtime.serving.served_band import BandState
from bot_runtime.serving.version import ServedVersion
from bot_runtime.store.bundle import MANIFEST_FILE, VersionManifest, is_whole
from bot_runtime.store.files import load_json, new_directory, save_bytes, save_json
from bot_runtime.store.layout import (
    BANDS_FOLDER,
    EVALUATION_FILE,
    JUDGED_FOLDER,
    JUDGED_SKILL_FILE,
    REFERENCES_FOLDER,
    Store,
    file_stem,
)


def write_version(folder: Path, manifest: VersionManifest, sources: Sequence[Path]) -> None:
    """Write a version into `folder`: its manifest, and its graphs from each objective's folder."""
    for source, objective in zip(sources, manifest.objectives, strict=True):
        for graph in objective.graphs:
            shutil.copyfile(source / graph.file, folder / graph.file)
    save_json(folder / MANIFEST_FILE, manifest.to_json())


@dataclass(frozen=True, slots=True, eq=False)
class Publication:
    """What an evaluation publishes.

    Attributes:
        version: as it was judged; it lies in the store's `judged` folder of the training.
        references: what drift is told by.
        skill: what the skill is held against while it serves; None where nothing can be.
        champion: what the version that serves now has been worth; None where nobody knows.
    """

    version: ServedVersion
    verdict: Verdict
    references: References
    skill: SkillReference | None
    champion: Champion | None
    data: TrainingData
    store: Store

    def publish(self, again: RefitVersion | None) -> EvaluationResult:
        """Publish the version, with `again` as it was fitted once more, and return the result.

        One that is whole already stays, it may be in use by inference: its verdict is renewed.
        Raises StoreUnavailableError.
        """
        judged = self.version.manifest
        source = self.store.judged(judged.training)
        served, folders = judged, (source,) * len(judged.objectives)
        if again is not None:
            served, folders = again.manifest, again.folders
        published = self.store.version(served.version)
        result = result_of(served, self.verdict, _assembled_at(published))
        # One that is whole may be in use by inference; one that is not is of no use to anybody.
        whole = is_whole(published)
        with new_directory(published, keep_existing=whole) as folder:
            if again is not None:
                (folder / JUDGED_FOLDER).mkdir()
                write_version(folder / JUDGED_FOLDER, judged, (source,) * len(judged.objectives))
            write_version(folder, served, folders)
            self._write(folder, result, again)
            if whole:
                _renew_verdict(folder, published)
        return result

    def _write(self, folder: Path, result: EvaluationResult, again: RefitVersion | None) -> None:
        """Write what was found beside the models: numbers, report, first bands, references."""
        details = details_of(self.verdict, result, again)
        save_json(folder / EVALUATION_FILE, details)
        save_bytes(folder / REPORT_FILE, self._report(result, again).encode())
        for symbol, band in self.verdict.bands.items():
            state = BandState(lower=band.lower, upper=band.upper)
            save_json(folder / BANDS_FOLDER / f"{file_stem(symbol)}.json", state.to_json())
        for symbol, found in self.references.found.items():
            save_json(folder / REFERENCES_FOLDER / f"{file_stem(symbol)}.json", found.to_json())
        if self.skill is not None:
            save_json(folder / JUDGED_SKILL_FILE, self.skill.to_json())

    def _report(self, result: EvaluationResult, again: RefitVersion | None) -> str:
        """Return the version's report as a page."""
        verdict, data = self.verdict, self.data
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
                importance=permutation_importance(self.version, data, rows),
                refits=() if again is None else again.compared,
                champion=self.champion,
            )
        )


def _renew_verdict(folder: Path, published: Path) -> None:
    """Put the newest verdict, where it is another one, beside models that stay as they are."""
    known, found = published / EVALUATION_FILE, (folder / EVALUATION_FILE).read_bytes()
    if not known.is_file() or known.read_bytes() != found:
        save_bytes(published / REPORT_FILE, (folder / REPORT_FILE).read_bytes())
        save_bytes(known, found)


def _assembled_at(published: Path) -> str:
    """Return when a version was first assembled: a repeated step tells the same time."""
    if (published / EVALUATION_FILE).is_file():
        earlier = EvaluationResult.model_validate(load_json(published / EVALUATION_FILE)["result"])
        return earlier.trained_at
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
