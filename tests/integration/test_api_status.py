"""Every field of both status models survives a status write, and stays out of the spec's way."""

from typing import Any

import pytest
from pydantic import BaseModel

from bot_runtime.contract.conditions import BotCondition, Condition, Reason, TrainingCondition
from bot_runtime.contract.failures import FailureClass, LastFailure
from bot_runtime.contract.imagesstatus import ImagesStatus
from bot_runtime.contract.signalstatus import StatusSignal
from bot_runtime.contract.skillstatus import LiveSkill, LossSkill
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.contract.status import (
    ActiveModel,
    ActiveObjective,
    CandidateTraining,
    Children,
    JournalGap,
    LastRun,
    TradingBotStatus,
    UnusableVersion,
)
from bot_runtime.contract.steps import TRAINING_STEPS
from bot_runtime.contract.stepstatus import StepProgress, StepStatus
from bot_runtime.contract.trading import RuleName
from bot_runtime.contract.tradingstatus import (
    AccountStatus,
    ActionStatus,
    JournalStatus,
    LimitStatus,
    PositionStatus,
    TotalsStatus,
    TradingStatus,
)
from bot_runtime.contract.trainingstatus import ModelTrainingStatus, VersionStatus
from tests.integration.api import Object, Refused
from tests.integration.stage import ControlPlane
from tests.kstatus import kstatus
from tests.resources import bot, training

AT = "2026-01-02T03:04:05Z"
DIGEST = "d" * 64
FAILURE = LastFailure(
    step="Trend",
    job="job",
    pod="pod",
    container="runtime",
    failure_class=FailureClass.OUT_OF_MEMORY,
    exit_code=137,
    signal=9,
    message="the container was killed at its memory limit",
    time=AT,
    retryable=False,
)


def _condition(type_: str) -> Condition:
    return Condition(
        type=type_,
        status="Unknown",
        reason=Reason.NOT_DECIDED,
        message="nothing is known yet",
        last_transition_time=AT,
        observed_generation=1,
    )


def _signal(symbol: str) -> StatusSignal:
    return StatusSignal(
        symbol=symbol,
        decision="LONG",
        reason="LongSignal: probability 0.612",
        ts=AT,
        bar_close_ts=AT,
        prob_up="0.612",
        expected_return="0.0031",
        risk_score="0.4",
        confidence="0.13",
        drift="predictions 0.61 > 0.31",
        model_version="v1",
        git_commit="abc",
        run_digest=DIGEST,
        produced_by="18f1fb05-8ef6-4a0e-b64f-21f0ed51ed98",
    )


MODEL = ActiveModel(
    version="v1",
    training="btc-paper-1",
    trained_at=AT,
    artifact_digest=DIGEST,
    git_commit="abc",
    objectives=tuple(
        ActiveObjective(
            name=name,
            algorithm="GradientBoosting",
            metrics={"auc": "0.61", "auc_naive": "0.5"},
            artifact_sha256=DIGEST,
        )
        for name in OBJECTIVES
    ),
    tradable_share="0.12",
    binding_threshold="probMin",
    warnings=("Frontier: riskMax 0.9 would trade",),
    live_skill=LiveSkill(
        blocks=30,
        log_loss=LossSkill(lead="0.41", error="0.52", watched=False),
        pinball=LossSkill(lead="1.13", error="0.3", watched=True),
        qlike=LossSkill(lead="-3.2", error="1.1", watched=True),
        lost="QLIKE 3.2 % above HAR, error 1.1; excess 3.40, limit 3.25",
        lost_since=AT,
    ),
)

ACTION = ActionStatus(
    order="b7",
    symbol="BTC/USDT",
    purpose="Entry",
    quantity="0.0371",
    price="27000.13",
    time=AT,
    profit="-1.5",
)
TRADING = TradingStatus(
    settled_at=AT,
    account=AccountStatus(
        equity="10012.345",
        cash="9000",
        exposure="0.1",
        peak="10100",
        day_start="10000",
        week_start="10000",
    ),
    positions=(
        PositionStatus(
            symbol="BTC/USDT",
            quantity="0.0371",
            entry_price="27000.13",
            stop_price="26500",
            target_price="28000",
            opened_at=AT,
        ),
    ),
    limits=(
        LimitStatus(
            limit=RuleName.STOP_COOLDOWN,
            symbol="BTC/USDT",
            value="0",
            threshold="2",
            tripped_at=AT,
            resets_at=AT,
        ),
    ),
    last_action=ACTION,
    journal=JournalStatus(id="0f3c", sequence=9, schema_version="0001"),
    totals=TotalsStatus(orders=3, fills=2, trades=1, missed=1),
)

BOT_STATUS = TradingBotStatus(
    observed_generation=1,
    state="Deciding",
    conditions=tuple(map(_condition, BotCondition)),
    images=ImagesStatus(
        training="a:1", trees_training="c:1", inference="b:1", reads=("decision.policy",)
    ),
    available_images=ImagesStatus(
        training="a:2", trees_training="c:2", inference="b:2", reads=("decision.policy",)
    ),
    active_model=MODEL,
    previous_model=MODEL,
    unusable_versions=(
        UnusableVersion(version="v0", time=AT, message="sha256 differs", image="infer:1"),
    ),
    candidate_training=CandidateTraining(
        name="btc-paper-2", attempt=2, next_attempt_time=AT, scheduled_time=AT
    ),
    next_training_time=AT,
    training_schedule="0 3 * * 0 Etc/UTC",
    drift_since=AT,
    skill="log loss +0.41±0.52 %, pinball +1.13±0.3 %, QLIKE -3.2±1.1 %",
    missed_training_time=AT,
    last_signal=_signal("BTC/USDT"),
    signals=(_signal("BTC/USDT"), _signal("ETH/USDT")),
    last_run=LastRun(job="j", time=AT, outcome="Signal", run_digest=DIGEST),
    unseen_runs=3,
    last_failure=FAILURE,
    symbols="BTC/USDT, ETH/USDT",
    equity="10012.3",
    position="BTC/USDT 0.0371",
    trading=TRADING,
    journal_gap=JournalGap(recorded=9, found=3, time=AT),
    children=Children(claim="c", cron_job="j", run_configuration="r", training="t"),
)

TRAINING_STATUS = ModelTrainingStatus(
    observed_generation=1,
    state="Rejected",
    conditions=tuple(map(_condition, TrainingCondition)),
    image="a:1",
    image_reads=("decision.policy",),
    run_configuration="r",
    steps=tuple(
        StepStatus(
            name=name,
            state="Succeeded",
            job="j",
            job_uid="18f1fb05-8ef6-4a0e-b64f-21f0ed51ed98",
            start_time=AT,
            completion_time=AT,
            algorithm="TemporalFusionTransformer",
            metrics={"pinball": "0.001"},
            artifact_sha256=DIGEST,
            progress=StepProgress(percent=90, epoch=9, epochs=10, estimated_completion_time=AT),
            image_id="example.org/train@sha256:" + DIGEST,
            peak_memory=">=4Gi",
            message="done",
        )
        for name in TRAINING_STEPS
    ),
    version=VersionStatus(
        version="v1",
        artifact_digest=DIGEST,
        trained_at=AT,
        git_commit="abc",
        promoted=False,
        reasons=("log loss 0.70 is above the naive 0.69",),
        tradable_share="0.12",
        binding_threshold="probMin",
        warnings=("ThresholdsNeverMet: none of 10,314",),
    ),
    completion_time=AT,
    last_failure=FAILURE,
)


def _unset(value: Any, path: str) -> list[str]:
    """Return the paths of all fields below `value` that are None."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return [p for name in fields for p in _unset(getattr(value, name), f"{path}.{name}")]
    if isinstance(value, tuple):
        return [p for item in value for p in _unset(item, path)]
    return [path] if value is None else []


def _emptied(value: Any) -> Any:
    """Return a status with every list empty but that of conditions, which always has some."""
    if isinstance(value, dict):
        return {key: v if key == "conditions" else _emptied(v) for key, v in value.items()}
    return [] if isinstance(value, list) else value


def test_nothing_in_the_examples_of_both_status_is_left_out() -> None:
    """The tests below prove all fields only when every field is set here."""
    assert _unset(BOT_STATUS, "status") == []
    assert _unset(TRAINING_STATUS, "status") == []


def test_a_bots_status_is_stored_whole(control_plane: ControlPlane, namespace: str) -> None:
    api, resource = control_plane.api, bot()
    created = api.apply(resource, namespace)
    assert created["status"] == {"observedGeneration": -1}
    assert kstatus(created) == "InProgress"
    written = api.apply_status(resource, BOT_STATUS.to_json(), namespace)
    assert written["status"] == BOT_STATUS.to_json()
    assert written["metadata"]["generation"] == 1
    again = api.apply_status(resource, BOT_STATUS.to_json(), namespace)
    assert again["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]
    after = api.apply(resource, namespace)
    assert after["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]


def test_a_trainings_status_is_stored_whole(control_plane: ControlPlane, namespace: str) -> None:
    api, resource = control_plane.api, training()
    api.apply(resource, namespace)
    written = api.apply_status(resource, TRAINING_STATUS.to_json(), namespace)
    assert written["status"] == TRAINING_STATUS.to_json()


@pytest.mark.parametrize(
    ("resource", "status"),
    [(bot(), BOT_STATUS.to_json()), (training(), TRAINING_STATUS.to_json())],
    ids=["bot", "training"],
)
def test_lists_are_emptied_and_filled_again_and_again(
    control_plane: ControlPlane, namespace: str, resource: Object, status: Object
) -> None:
    api = control_plane.api
    api.apply(resource, namespace)
    for wanted in [status, _emptied(status)] * 3:
        assert api.apply_status(resource, wanted, namespace)["status"] == wanted


def test_the_columns_show_the_status(control_plane: ControlPlane, namespace: str) -> None:
    api = control_plane.api
    for resource, status in ((bot(), BOT_STATUS), (training(), TRAINING_STATUS)):
        api.apply(resource, namespace)
        api.apply_status(resource, status.to_json(), namespace)
    wide = ("-o=wide", f"--namespace={namespace}")
    head, row = control_plane.kubectl("get", "bot", *wide).splitlines()
    assert head.split() == [
        "NAME", "MODE", "SYMBOLS", "READY", "STATE", "MODEL", "DECISION", "POSITION", "EQUITY",
        "SIGNAL-AGE", "AGE",
        "REASON", "SKILL", "TRAINING", "NEXT-TRAINING", "FAILURE", "MESSAGE",
    ]  # fmt: skip
    for shown in (
        "BTC/USDT, ETH/USDT",
        "BTC/USDT 0.0371",
        "10012.3",
        "Unknown",
        "Deciding",
        "v1",
        "LONG",
        "NotDecided",
        "btc-paper-2",
        AT,
    ):
        assert shown in row
    age = row[head.index("SIGNAL-AGE") :].split()[0]
    assert age[-1] in "dhy", f"an age such as 200d: {age}"
    head, row = control_plane.kubectl("get", "mt", *wide).splitlines()
    assert head.split()[:7] == [
        "NAME", "BOT", "STATE", "READY", "VERSION", "PROMOTED", "FAILURE"
    ]  # fmt: skip
    for shown in ("Rejected", "Unknown", "v1", "OutOfMemory"):
        assert shown in row


def test_kubectl_wait_sees_a_condition_of_the_current_generation_only(
    control_plane: ControlPlane, namespace: str
) -> None:
    api, resource = control_plane.api, bot()
    api.apply(resource, namespace)
    ready = _condition("Ready").model_copy(update={"status": "True"})
    status = BOT_STATUS.model_copy(update={"conditions": (ready,)})
    api.apply_status(resource, status.to_json(), namespace)
    wait = ("wait", "--for=condition=Ready", "bot/btc-paper", f"--namespace={namespace}")
    control_plane.kubectl(*wait, "--timeout=5s")
    api.apply(bot(suspend=True), namespace)
    with pytest.raises(Exception, match="timed out"):
        control_plane.kubectl(*wait, "--timeout=1s")


@pytest.mark.parametrize(
    "status",
    [
        {"state": "Happy"},
        {"colour": "red"},
        {"conditions": [{**_condition("Ready").to_json(), "reason": "Whatever"}]},
    ],
    ids=["state", "unknown field", "reason"],
)
def test_a_status_that_the_contract_does_not_know_is_refused(
    control_plane: ControlPlane, namespace: str, status: dict[str, object]
) -> None:
    api = control_plane.api
    api.apply(bot(), namespace)
    with pytest.raises(Refused):
        api.apply_status(bot(), {**status, "observedGeneration": 1}, namespace)
