from typing import Any

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import MESSAGE_MAX
from bot_runtime.contract.results import (
    RESULT_MAX_BYTES,
    EvaluationResult,
    ObjectiveResult,
    StepError,
    StepResult,
    to_message,
)
from bot_runtime.contract.skillstatus import LiveSkill, LossSkill
from bot_runtime.contract.spec import OBJECTIVES, Algorithm, Objective
from tests.unit.contract.test_signal import build_signal

HEAD = {
    "run_digest": "d" * 64,
    "git_commit": "c" * 64,
    "model_version": "v" * 80,
    "duration_seconds": 123456.789,
    "peak_memory_bytes": 123_456_789_012,
    "warnings": ("w" * 200,) * 4,
}
ALGORITHM: Algorithm = "TemporalFusionTransformer"


def _objective(name: Objective, *, metrics: int, key: int) -> ObjectiveResult:
    return ObjectiveResult(
        objective=name,
        algorithm=ALGORITHM,
        scores={"GradientBoosting": "1.23457e-05", ALGORITHM: "1.23457e-05"},
        metrics={f"{i:02}".ljust(key, "m"): "-1.23457e-05" for i in range(metrics)},
        artifact_sha256="a" * 64,
    )


def _evaluation(*, metrics: int, key: int, reasons: int = 8) -> StepResult:
    evaluation = EvaluationResult(
        version="v" * 80,
        promoted=False,
        reasons=("r" * 160,) * reasons,
        artifact_digest="a" * 64,
        trained_at="2026-01-02T03:04:05Z",
        objectives=tuple(_objective(name, metrics=metrics, key=key) for name in OBJECTIVES),
        tradable_share="-1.23457e-05",
        binding_threshold="b" * 40,
    )
    return StepResult.model_validate({"step": "Evaluation", **HEAD, "evaluation": evaluation})


def _size(text: str) -> int:
    return len(text.encode())


def test_ten_symbols_of_the_longest_signals_fit() -> None:
    shorts = tuple(build_signal(reason="r" * 160).shortened() for _ in range(10))
    result = StepResult.model_validate({"step": "Inference", **HEAD, "signals": shorts})
    text = to_message(result)
    assert _size(text) <= RESULT_MAX_BYTES
    assert StepResult.model_validate_json(text).signals == shorts


def _skill() -> LiveSkill:
    loss = LossSkill(lead="-0.0123", error="0.0012", watched=True)
    return LiveSkill(blocks=30, log_loss=loss, pinball=loss, qlike=loss, lost="l" * 120)


@pytest.mark.parametrize(("symbols", "is_told"), [(1, True), (3, True), (10, False)])
def test_the_live_skill_is_what_is_left_out_first(symbols: int, *, is_told: bool) -> None:
    shorts = tuple(build_signal(reason="r" * 160).shortened() for _ in range(symbols))
    fields = {"signals": shorts, "live_skill": _skill(), "warnings": ("w" * 200,) * 2}
    result = StepResult.model_validate({"step": "Inference", **HEAD, **fields})
    text = to_message(result)
    assert _size(text) <= RESULT_MAX_BYTES
    found = StepResult.model_validate_json(text)
    assert found.live_skill == (_skill() if is_told else None)
    assert found.signals == shorts
    if is_told:
        assert found.warnings


def test_three_objectives_with_the_most_metrics_fit() -> None:
    text = to_message(_evaluation(metrics=16, key=40))
    assert _size(text) <= RESULT_MAX_BYTES
    found = StepResult.model_validate_json(text).evaluation
    assert found is not None
    assert [o.objective for o in found.objectives] == list(OBJECTIVES)
    assert found.reasons


def test_the_usual_evaluation_loses_nothing() -> None:
    result = _evaluation(metrics=6, key=22, reasons=3).model_copy(update={"warnings": ()})
    assert StepResult.model_validate_json(to_message(result)) == result


def test_warnings_go_first_then_scores_and_metrics_last() -> None:
    found = StepResult.model_validate_json(to_message(_evaluation(metrics=8, key=22, reasons=6)))
    assert found.warnings == ()
    assert found.evaluation is not None
    assert all(len(o.metrics) == 8 for o in found.evaluation.objectives)


@pytest.mark.parametrize("letter", ["m", '"', "é", "€"])
def test_an_error_of_the_longest_message_fits(letter: str) -> None:
    error = StepError(exit_code=ExitCode.CRASH, message=letter * MESSAGE_MAX)
    result = StepResult.model_validate({"step": "Trend", **HEAD, "error": error})
    text = to_message(result)
    assert _size(text) <= RESULT_MAX_BYTES
    assert StepResult.model_validate_json(text).error == error


def test_what_cannot_fit_is_told() -> None:
    result = _evaluation(metrics=1, key=10).model_copy(update={"git_commit": "c" * 5000})
    with pytest.raises(ValueError, match="bytes do not fit"):
        to_message(result)


AMOUNT, TIME = "12345678901.12345678", "2026-01-31T12:00:00Z"


def _position(symbol: str) -> dict[str, Any]:
    prices = dict.fromkeys(("quantity", "entryPrice", "stopPrice", "targetPrice"), AMOUNT)
    return {"symbol": symbol, **prices, "openedAt": TIME}


def _limit(symbol: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("value", "threshold"), "0.123456")
    times = dict.fromkeys(("trippedAt", "resetsAt"), TIME)
    return {"limit": "StopCooldown", "symbol": symbol, **numbers, **times}


def _action(symbol: str) -> dict[str, Any]:
    amounts = dict.fromkeys(("quantity", "price", "profit"), AMOUNT)
    return {"order": "b" * 32, "symbol": symbol, "purpose": "Increase", "time": TIME, **amounts}


def _traded(positions: int, limits: int, symbol: str) -> StepResult:
    """Return the result of a run that trades, with so much to tell."""
    doubt = {"reason": "JournalUnavailable", "message": "m" * 300}
    equity = ("equity", "cash", "peak", "dayStart", "weekStart")
    state = {
        "settledAt": TIME,
        "account": {"exposure": "0.123456", **dict.fromkeys(equity, AMOUNT)},
        "positions": [_position(f"{symbol[:-1]}{n}") for n in range(positions)],
        "limits": [_limit(symbol)] * limits,
        "lastAction": _action(symbol),
        "journal": {"id": "j" * 32, "sequence": 10_000_000, "schema": "0002"},
        "totals": dict.fromkeys(("orders", "fills", "trades", "missed"), 1_000_000),
    }
    actions = [_action(symbol)] * 4
    trade = {"state": state, "actions": actions, "entries": doubt, "records": doubt}
    return StepResult.model_validate({"step": "Trade", **HEAD, "trade": trade})


@pytest.mark.parametrize("symbol", ["BTC/USDT", "A" * 20 + "/" + "B" * 20])
def test_an_account_that_holds_and_is_stopped_by_all_it_can_fits(symbol: str) -> None:
    result = _traded(10, 8, symbol)
    text = to_message(result)
    assert _size(text) <= RESULT_MAX_BYTES
    found = StepResult.model_validate_json(text).trade
    assert found is not None
    assert result.trade is not None
    assert len(found.state.positions) == 10
    assert len(found.state.limits) == 2
    assert found.entries == result.trade.entries
    assert found.state.account == result.trade.state.account


def test_a_usual_account_loses_nothing() -> None:
    result = _traded(3, 1, "BTC/USDT")
    assert result.trade is not None
    calm = result.trade.model_copy(update={"records": None})
    result = result.model_copy(update={"trade": calm})
    assert StepResult.model_validate_json(to_message(result)) == result
