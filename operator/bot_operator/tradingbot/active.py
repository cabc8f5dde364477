"""The version that a bot serves, and the spec that it is served with."""

from collections.abc import Iterable

from bot_operator.resources import Manifest, name_of
from bot_operator.specs import read_spec, read_status
from bot_operator.tradingbot.candidate import Candidate
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import training_digest
from bot_runtime.contract.status import (
    ActiveModel,
    ActiveObjective,
    ModelTrainingStatus,
    TradingBotStatus,
)
from bot_runtime.contract.tradingbot import BotModelSpec, TradingBotSpec


def choose_active(
    spec: TradingBotSpec,
    before: TradingBotStatus,
    candidate: Candidate,
    trainings: Iterable[Manifest],
) -> ActiveModel | None:
    """Return the version to serve: the pinned one, else the newest that was promoted."""
    gate_off = spec.training.gate.mode == "Off"
    by_version = {
        status.version.version: (training, status)
        for training in trainings
        if (status := read_status(ModelTrainingStatus, training)).version is not None
    }
    pinned = spec.model.pinned_version
    current = before.active_model
    if pinned is not None:
        if pinned in by_version:
            return to_active(*by_version[pinned])
        keeps = current is not None and current.version == pinned
        return current if keeps else ActiveModel(version=pinned)
    if candidate.training is not None and _may_serve(candidate.status, gate_off=gate_off):
        return to_active(candidate.training, candidate.status)
    if current is None or current.version not in by_version:
        return current
    # It may have been pinned although the gate had rejected it.
    _, status = by_version[current.version]
    return current if _may_serve(status, gate_off=gate_off) else _newest(by_version.values())


def to_active(training: Manifest, status: ModelTrainingStatus) -> ActiveModel:
    """Return the version of an ended training with its lineage."""
    version = status.version
    assert version is not None
    objectives = tuple(
        ActiveObjective(
            name=step.name,
            algorithm=step.algorithm,
            metrics=step.metrics or {},
            artifact_sha256=step.artifact_sha256,
        )
        for step in status.steps
        if step.name in {"Trend", "Return", "Risk"}
        and step.algorithm is not None
        and step.artifact_sha256 is not None
    )
    return ActiveModel(
        version=version.version,
        training=name_of(training),
        trained_at=version.trained_at,
        artifact_digest=version.artifact_digest,
        git_commit=version.git_commit,
        objectives=objectives,
        tradable_share=version.tradable_share,
    )


def serving_spec(
    spec: TradingBotSpec,
    wanted: ModelTrainingSpec,
    active: ActiveModel,
    trainings: Iterable[Manifest],
) -> TradingBotSpec:
    """Return the spec to serve `active` with.

    A version knows the markets, timeframe and features that it was trained on. Until the bot's
    new ones have a version of their own, the old version goes on with the old ones; thresholds
    are always the bot's present ones.
    """
    training = next((t for t in trainings if name_of(t) == active.training), None)
    trained = None if training is None else read_spec(ModelTrainingSpec, training)
    if not isinstance(trained, ModelTrainingSpec):
        return spec
    if training_digest(trained) == training_digest(wanted):
        return spec
    model = BotModelSpec.model_validate(trained.model.model_dump())
    return spec.model_copy(
        update={
            "exchange": trained.exchange,
            "symbols": trained.symbols,
            "timeframe": trained.timeframe,
            "model": model,
        }
    )


def _may_serve(status: ModelTrainingStatus, *, gate_off: bool) -> bool:
    return status.version is not None and (status.version.promoted or gate_off)


def _newest(
    ended: Iterable[tuple[Manifest, ModelTrainingStatus]],
) -> ActiveModel | None:
    promoted = [(t, s) for t, s in ended if s.version is not None and s.version.promoted]
    if not promoted:
        return None
    return to_active(*max(promoted, key=lambda pair: pair[1].completion_time or ""))
