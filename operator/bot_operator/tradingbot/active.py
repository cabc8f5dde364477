"""The version that a bot serves, and the spec that it is served with."""

from collections.abc import Collection, Iterable

from bot_operator.api.resources import controller_uid
from bot_operator.planning.specs import Training
from bot_operator.tradingbot.candidate import Candidate
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import training_digest
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.contract.status import (
    ActiveModel,
    ActiveObjective,
    TradingBotStatus,
    UnusableVersion,
)
from bot_runtime.contract.tradingbot import BotModelSpec, TradingBotSpec


def choose_active(
    spec: TradingBotSpec,
    before: TradingBotStatus,
    candidate: Candidate,
    trainings: Iterable[Training],
    unusable: Collection[str],
) -> ActiveModel | None:
    """Return the version to serve: the pinned one, else the newest promoted that can be loaded.

    Where the active one is `unusable` the one before it takes over, else any other promoted one.
    """
    gate_off = spec.training.gate.mode == "Off"
    by_version = _by_version(trainings)
    pinned = spec.model.pinned_version
    current = before.active_model
    if pinned is not None:
        if pinned in by_version:
            return to_active(by_version[pinned])
        keeps = current is not None and current.version == pinned
        return current if keeps else ActiveModel(version=pinned)
    newest = candidate.status.version
    if (
        candidate.training is not None
        and newest is not None
        and newest.version not in unusable
        and _may_serve(candidate.training, gate_off=gate_off)
    ):
        return to_active(candidate.training)
    others = [t for version, t in by_version.items() if version not in unusable]
    if current is None:
        # Where its status was lost, its own trainings were not; a person's are no version of it.
        return _newest(t for t in others if controller_uid(t.manifest) is not None)
    if current.version in unusable:
        return _fall_back(before.previous_model, others, unusable) or current
    if current.version not in by_version:
        return current
    # It may have been pinned although the gate had rejected it.
    training = by_version[current.version]
    return current if _may_serve(training, gate_off=gate_off) else _newest(others)


def with_skill(
    active: ActiveModel | None, told: LiveSkill | None, before: TradingBotStatus
) -> ActiveModel | None:
    """Return the version with what its runs told of its skill; what is known of it stays."""
    if active is None:
        return None
    known = before.active_model
    if told is None and known is not None and known.version == active.version:
        told = known.live_skill
    return active.model_copy(update={"live_skill": told})


def previous_of(
    before: TradingBotStatus, active: ActiveModel | None, unusable: Collection[str]
) -> ActiveModel | None:
    """Return the version that was served before `active` and can be served again."""
    served = (before.active_model, before.previous_model)
    return next(
        (
            model
            for model in served
            if model is not None
            and model.version not in unusable
            and (active is None or model.version != active.version)
        ),
        None,
    )


def still_unusable(
    before: TradingBotStatus, trainings: Iterable[Training]
) -> tuple[UnusableVersion, ...]:
    """Return the versions that could not be loaded and were not published again since."""
    by_version = _by_version(trainings)

    def published(version: str) -> str:
        return by_version[version].status.completion_time or "" if version in by_version else ""

    return tuple(u for u in before.unusable_versions if published(u.version) <= u.time)


def _by_version(trainings: Iterable[Training]) -> dict[str, Training]:
    return {t.status.version.version: t for t in trainings if t.status.version is not None}


def _fall_back(
    previous: ActiveModel | None,
    others: Iterable[Training],
    unusable: Collection[str],
) -> ActiveModel | None:
    if previous is not None and previous.version not in unusable:
        return previous
    return _newest(others)


def to_active(training: Training) -> ActiveModel:
    """Return the version of an ended training with its lineage."""
    version = training.status.version
    assert version is not None
    objectives = tuple(
        ActiveObjective(
            name=step.name,
            algorithm=step.algorithm,
            metrics=step.metrics or {},
            artifact_sha256=step.artifact_sha256,
        )
        for step in training.status.steps
        if step.name in OBJECTIVES
        and step.algorithm is not None
        and step.artifact_sha256 is not None
    )
    return ActiveModel(
        version=version.version,
        training=training.name,
        trained_at=version.trained_at,
        artifact_digest=version.artifact_digest,
        git_commit=version.git_commit,
        objectives=objectives,
        tradable_share=version.tradable_share,
        binding_threshold=version.binding_threshold,
        warnings=version.warnings,
    )


def serving_spec(
    spec: TradingBotSpec,
    wanted: ModelTrainingSpec,
    active: ActiveModel,
    trainings: Iterable[Training],
) -> TradingBotSpec:
    """Return the spec to serve `active` with.

    A version knows the markets, timeframe and features that it was trained on. Until the bot's
    new ones have a version of their own, the old version goes on with the old ones; thresholds
    are always the bot's present ones.
    """
    training = next((t for t in trainings if t.name == active.training), None)
    if training is None or training.digest == training_digest(wanted):
        return spec
    trained = training.spec
    if isinstance(trained, str):
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


def _may_serve(training: Training, *, gate_off: bool) -> bool:
    version = training.status.version
    return version is not None and (version.promoted or gate_off)


def _newest(ended: Iterable[Training]) -> ActiveModel | None:
    promoted = [t for t in ended if t.status.version is not None and t.status.version.promoted]
    if not promoted:
        return None
    return to_active(max(promoted, key=lambda t: t.status.completion_time or ""))
