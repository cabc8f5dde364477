"""Results of steps: the termination message that a pod leaves (at most 4,000 bytes)."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from bot_runtime.contract.base import Model, Number, Time, VersionName
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import MESSAGE_MAX
from bot_runtime.contract.signal import CONTRACT_VERSION, ShortSignal
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.contract.spec import Algorithm, Objective
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.contract.traderesult import TradeResult

RESULT_MAX_BYTES = 4_000
REASONS_MAX, REASON_MAX = 8, 160
"""How many reasons of a rejection there are, and how long each is."""
WARNINGS_MAX, WARNING_MAX = 4, 200
"""Likewise for warnings."""

Metrics = Annotated[
    dict[Annotated[str, StringConstraints(max_length=40)], Number], Field(max_length=16)
]


Warnings = Annotated[
    tuple[Annotated[str, StringConstraints(max_length=WARNING_MAX)], ...],
    Field(max_length=WARNINGS_MAX),
]


def to_text(numbers: Mapping[Any, float]) -> dict[str, str]:
    """Return numbers as results have them: six significant digits."""
    return {str(name): f"{value:.6g}" for name, value in numbers.items()}


class DataResult(Model):
    """What the data step has put into the store."""

    candles: int = Field(ge=0, description="Closed candles per symbol, the least of all symbols.")
    missing: int = Field(ge=0, description="Candles that the exchange never delivered.")
    first_open: str = Field(max_length=32, description="Open time of the first candle.")
    last_close: str = Field(max_length=32, description="Close time of the last candle.")


class ObjectiveResult(Model):
    """What a training step has put into the store."""

    objective: Objective = Field(description="What was learned.")
    algorithm: Algorithm = Field(description="Candidate with the better out-of-sample score.")
    scores: Metrics = Field(
        default_factory=dict, description="Selection score of every candidate; lower is better."
    )
    metrics: Metrics = Field(
        default_factory=dict, description="Metrics on unseen candles, each beside its naive one."
    )
    artifact_sha256: str = Field(
        pattern="^[0-9a-f]{64}$", description="Digest of the exported model's manifest."
    )


class EvaluationResult(Model):
    """What the evaluation step decided."""

    version: VersionName = Field(description="Version in the store.")
    promoted: bool = Field(description="Whether the version passed the gate.")
    reasons: tuple[Annotated[str, StringConstraints(max_length=REASON_MAX)], ...] = Field(
        default=(), max_length=REASONS_MAX, description="Why it did not pass, with numbers."
    )
    artifact_digest: str = Field(
        pattern="^[0-9a-f]{64}$", description="Digest of the version's manifest."
    )
    trained_at: Time = Field(description="When the version was assembled.")
    objectives: tuple[ObjectiveResult, ...] = Field(
        default=(), max_length=3, description="The three models of the version."
    )
    tradable_share: Number = Field(
        default="0", description="Share of unseen candles that the thresholds would have traded."
    )
    binding_threshold: str | None = Field(
        default=None, max_length=40, description="Threshold that refused most candles."
    )


class StepError(Model):
    """Why a step ended with an exit code other than 0."""

    exit_code: ExitCode = Field(description="Exit code of the process.")
    message: str = Field(max_length=MESSAGE_MAX, description="What was found and what to do.")


class StepResult(Model):
    """The termination message of a step."""

    contract_version: int = CONTRACT_VERSION
    step: StepOrRun
    run_digest: str = Field(default="", max_length=64)
    git_commit: str = Field(default="unknown", max_length=64)
    model_version: str | None = Field(default=None, max_length=80)
    duration_seconds: float = Field(default=0, ge=0)
    peak_memory_bytes: int = Field(default=0, ge=0)
    warnings: Warnings = ()
    error: StepError | None = None
    data: DataResult | None = None
    objective: ObjectiveResult | None = None
    evaluation: EvaluationResult | None = None
    signals: tuple[ShortSignal, ...] = Field(default=(), max_length=10)
    live_skill: LiveSkill | None = None
    trade: TradeResult | None = None


def to_message(result: StepResult) -> str:
    """Return the termination message; optional parts are left out until it fits 4,000 bytes.

    In this order: live skill, warnings, scores, all reasons but two, metrics, actions, all limits
    but two, and what positions have beside quantity and price. A result of these limits fits then;
    raises ValueError where it does not.
    """
    text = ""
    for shrink in (
        _whole,
        _without_skill,
        _without_warnings,
        _without_scores,
        _with_two_reasons,
        _without_metrics,
        _without_actions,
        _with_two_limits,
        _with_bare_positions,
    ):
        result = shrink(result)
        text = result.model_dump_json(by_alias=True, exclude_none=True)
        if len(text.encode()) <= RESULT_MAX_BYTES:
            return text
    raise ValueError(f"result: {len(text.encode())} bytes do not fit {RESULT_MAX_BYTES}")


def _whole(result: StepResult) -> StepResult:
    return result


def _without_skill(result: StepResult) -> StepResult:
    return result.model_copy(update={"live_skill": None})


def _without_warnings(result: StepResult) -> StepResult:
    return result.model_copy(update={"warnings": ()})


def _without_scores(result: StepResult) -> StepResult:
    return _with_bare_objectives(result, {"scores": {}})


def _with_two_reasons(result: StepResult) -> StepResult:
    if result.evaluation is None:
        return result
    few = result.evaluation.model_copy(update={"reasons": result.evaluation.reasons[:2]})
    return result.model_copy(update={"evaluation": few})


def _without_metrics(result: StepResult) -> StepResult:
    return _with_bare_objectives(result, {"scores": {}, "metrics": {}})


def _without_actions(result: StepResult) -> StepResult:
    if result.trade is None:
        return result
    return result.model_copy(update={"trade": result.trade.model_copy(update={"actions": ()})})


def _with_two_limits(result: StepResult) -> StepResult:
    if result.trade is None:
        return result
    return _with_state(result.trade, result, limits=result.trade.state.limits[:2])


def _with_bare_positions(result: StepResult) -> StepResult:
    if result.trade is None:
        return result
    bare = {"stop_price": None, "target_price": None}
    positions = [position.model_copy(update=bare) for position in result.trade.state.positions]
    return _with_state(result.trade, result, positions=tuple(positions))


def _with_state(trade: TradeResult, result: StepResult, **changes: Any) -> StepResult:
    state = trade.state.model_copy(update=changes)
    return result.model_copy(update={"trade": trade.model_copy(update={"state": state})})


def _with_bare_objectives(result: StepResult, bare: dict[str, Any]) -> StepResult:
    evaluation = result.evaluation
    if evaluation is None:
        return result
    objectives = tuple(o.model_copy(update=bare) for o in evaluation.objectives)
    shrunk = evaluation.model_copy(update={"objectives": objectives})
    return result.model_copy(update={"evaluation": shrunk})
