"""Termination messages as the runtime's steps leave them, for tests in which no pod runs."""

from datetime import datetime
from typing import Any

from bot_operator.api.resources import to_time
from bot_runtime.contract.results import (
    DataResult,
    EvaluationResult,
    ObjectiveResult,
    StepResult,
    to_message,
)
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.signal import ShortSignal
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.contract.traderesult import TradeResult

COMMIT = "c0ffee0"


def step_message(run: dict[str, Any], step: Any) -> str:
    """Return what the data step or the training of an objective leaves."""
    configuration = RunConfiguration.model_validate(run)
    data = None
    objective = None
    if step == "Data":
        data = DataResult(
            candles=5000,
            missing=0,
            first_open="2026-02-01T00:00:00Z",
            last_close="2026-03-01T00:00:00Z",
        )
    else:
        objective = _objective(step)
    return to_message(
        StepResult(
            step=step,
            run_digest=configuration.digest,
            git_commit=COMMIT,
            duration_seconds=12.5,
            peak_memory_bytes=300_000_000,
            data=data,
            objective=objective,
        )
    )


def evaluation_message(run: dict[str, Any], *, promoted: bool) -> str:
    """Return what the evaluation leaves."""
    configuration = RunConfiguration.model_validate(run)
    evaluation = EvaluationResult(
        version=f"{configuration.owner}-0a1b2c3d",
        promoted=promoted,
        reasons=() if promoted else ("Trend: log loss 0.701 is worse than naive 0.693",),
        artifact_digest="d" * 64,
        trained_at="2026-03-01T12:00:00Z",
        objectives=tuple(_objective(o) for o in ("Trend", "Return", "Risk")),
        tradable_share="0.23",
        binding_threshold="probMin",
    )
    return to_message(
        StepResult(
            step="Evaluation",
            run_digest=configuration.digest,
            git_commit=COMMIT,
            model_version=evaluation.version,
            evaluation=evaluation,
        )
    )


def inference_message(
    run: dict[str, Any],
    at: datetime,
    *,
    reason: str = "LongSignal prob_up=0.61",
    drift: str | None = None,
    live_skill: LiveSkill | None = None,
) -> str:
    """Return what an inference run leaves: a decision on every symbol."""
    configuration = RunConfiguration.model_validate(run)
    assert configuration.inference is not None
    signals = tuple(
        ShortSignal(
            symbol=symbol,
            decision="LONG" if reason.startswith("Long") else "NO_TRADE",
            reason=reason,
            ts=to_time(at),
            bar_close_ts=to_time(at),
            prob_up="0.61",
            drift=drift,
        )
        for symbol in configuration.symbols
    )
    return to_message(
        StepResult(
            step="Inference",
            run_digest=configuration.digest,
            git_commit=COMMIT,
            model_version=configuration.inference.model_version,
            signals=signals,
            live_skill=live_skill,
        )
    )


def trade_message(
    run: dict[str, Any],
    at: datetime,
    sequence: int,
    state: dict[str, Any] | None = None,
    warnings: tuple[str, ...] = (),
    **told: Any,
) -> str:
    """Return what a run that trades leaves: an account that holds nothing, but for `state`."""
    configuration = RunConfiguration.model_validate(run)
    assert configuration.inference is not None
    capital = configuration.capital
    account = {
        **dict.fromkeys(("equity", "cash", "peak", "dayStart", "weekStart"), capital),
        "exposure": "0",
    }
    whole = {
        "settledAt": to_time(at),
        "account": account,
        "journal": {"id": "0f3c", "sequence": sequence, "schema": "0001"},
        **(state or {}),
    }
    trade = TradeResult.model_validate({"state": whole, **told})
    return to_message(
        StepResult(
            step="Trade",
            run_digest=configuration.digest,
            git_commit=COMMIT,
            model_version=configuration.inference.model_version,
            trade=trade,
            warnings=warnings,
        )
    )


def _objective(objective: Any) -> ObjectiveResult:
    return ObjectiveResult(
        objective=objective,
        algorithm="GradientBoosting",
        metrics={"logLoss": "0.68", "naiveLogLoss": "0.693"},
        artifact_sha256="a" * 64,
    )
