"""What an evaluation leaves behind: its result, and evaluation.json."""

from dataclasses import asdict
from typing import Any

from bot_runtime.contract.results import REASON_MAX, REASONS_MAX, EvaluationResult, to_text
from bot_runtime.evaluation.frontier import Frontier
from bot_runtime.evaluation.gate import Duel
from bot_runtime.evaluation.refit_version import RefitVersion
from bot_runtime.evaluation.verdict import Verdict
from bot_runtime.process.git import git_commit
from bot_runtime.store.bundle import VersionManifest


def result_of(manifest: VersionManifest, verdict: Verdict, trained_at: str) -> EvaluationResult:
    """Return the step's result; reasons are cut to what a termination message has room for."""
    return EvaluationResult(
        version=manifest.version,
        promoted=not verdict.reasons,
        reasons=tuple(reason[:REASON_MAX] for reason in verdict.reasons[:REASONS_MAX]),
        artifact_digest=manifest.digest,
        trained_at=trained_at,
        objectives=verdict.objectives,
        tradable_share=f"{verdict.traded.record.tradable_share:.6g}",
        binding_threshold=verdict.traded.record.binding_threshold,
    )


def details_of(
    verdict: Verdict, result: EvaluationResult, again: RefitVersion | None
) -> dict[str, Any]:
    """Return what stands in the version's evaluation.json: the result, and how it came about.

    Every figure is of what was judged, but those of `refits`: what is served beside that.
    """
    found = verdict.evidence
    compared = () if again is None else again.compared
    return {
        **({"refits": {c.objective: c.to_json() for c in compared}} if compared else {}),
        "result": result.to_json(),
        "gitCommit": git_commit(),
        "reasons": verdict.reasons,
        "choices": {o: trained.choice.to_json() for o, trained in verdict.trained.items()},
        "duels": [_duel(duel) for duel in found.duels],
        "trading": asdict(verdict.traded.record),
        "backtest": verdict.traded.performance.to_text(),
        "frontier": _frontier(verdict.traded.frontier),
        "scores": {
            objective: {name: to_text(row) for name, row in table.items()}
            for objective, table in verdict.tables.items()
        },
    }


def _frontier(frontier: Frontier) -> dict[str, Any]:
    """Return the settings of the thresholds that were tried, and what is said of them."""
    return {
        "sentence": frontier.sentence,
        "cells": [
            {
                "setting": str(cell.setting),
                **to_text({"traded": cell.traded, "mean": cell.mean, "error": cell.error}),
                "trades": cell.trades,
            }
            for cell in frontier.cells
        ],
    }


def _duel(duel: Duel) -> dict[str, Any]:
    """Return a duel with its numbers as text: one block has no finite standard error."""
    found = duel.comparison
    return {
        "name": duel.name,
        "against": duel.against,
        **to_text({"loss": duel.loss, "reference": duel.reference}),
        **({} if duel.as_served is None else to_text({"referenceAsServed": duel.as_served})),
        "comparison": {
            **to_text({"gain": found.gain, "standard_error": found.standard_error}),
            "blocks": found.blocks,
        },
    }
