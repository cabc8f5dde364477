"""The plan of a bot: secrets, storage, training, promotion, inference, signals. Pure."""

from datetime import datetime

from bot_operator.api.resources import MODEL_TRAININGS, Ref, generation_of, name_of, ref_of
from bot_operator.children.storage import ClaimVerdict, plan_claim, store_claim
from bot_operator.planning.conditions import ConditionSet
from bot_operator.planning.plans import Plan, notes_of
from bot_operator.planning.refusals import refusals_of, refuse_claim
from bot_operator.planning.training_image import choose_training_image
from bot_operator.planning.unread_fields import find_unread
from bot_operator.settings import Settings
from bot_operator.signs.credentials import Verdict, check_secret
from bot_operator.tradingbot.active import previous_of, with_skill
from bot_operator.tradingbot.candidate import Candidate
from bot_operator.tradingbot.candidate_training import (
    Wish,
    find_candidate,
    plan_candidate,
)
from bot_operator.tradingbot.findings import Context, Findings
from bot_operator.tradingbot.images import images_of_release, resolve_images
from bot_operator.tradingbot.inference import plan_serving
from bot_operator.tradingbot.notes import TOLD, notes_of_bot
from bot_operator.tradingbot.objects import bot_labels
from bot_operator.tradingbot.observe import BotSeen
from bot_operator.tradingbot.retraining import plan_retraining
from bot_operator.tradingbot.signals import drift_since, merge_signals
from bot_operator.tradingbot.summary import decide_conditions, next_look, refuse
from bot_operator.tradingbot.trading_news import (
    equity_text,
    find_gap,
    position_text,
    without_noise,
)
from bot_runtime.contract.conditions import BotCondition as Kind
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.newer_fields import without_fields
from bot_runtime.contract.runconfig import training_digest, training_spec_of
from bot_runtime.contract.status import BotState, CandidateTraining, Children, TradingBotStatus
from bot_runtime.contract.tradingbot import TradingBotSpec


def plan_bot(seen: BotSeen, now: datetime, settings: Settings) -> Plan:
    """Return what to do for the bot, and the whole of its status."""
    before, spec = seen.bot.status, seen.bot.spec
    generation = generation_of(seen.owner)
    conditions = ConditionSet(Kind, before.conditions, generation, now)
    if isinstance(spec, str):
        status = refuse(before, conditions, generation, Reason.INVALID_SPEC, spec)
        suspend = _to_suspend(seen, settings)
        return Plan(status, suspend=suspend, notes=notes_of(conditions, TOLD))
    if spec.mode == "Live":
        text = "spec.mode: Live is not available in this release; set Paper"
        told = before.model_copy(update={"symbols": symbols_text(spec)})
        status = refuse(told, conditions, generation, Reason.LIVE_NOT_AVAILABLE, text)
        return Plan(status, delete=_everything_running(seen), notes=notes_of(conditions, TOLD))
    images = resolve_images(spec, before, seen.trainings, settings)
    of_release = images_of_release(spec, settings)
    unread = find_unread(spec, images.reads)
    read = without_fields(spec, unread)
    context = Context(seen, read, before, images, of_release, now, settings.stopped_by, unread)
    findings = _find(context)
    state = decide_conditions(conditions, context, findings)
    status = _build_status(state, conditions, context, findings)
    inference = findings.inference
    create = (findings.candidate.create, inference.configuration)
    return Plan(
        without_noise(status, before),
        suspend=_to_suspend(seen, settings),
        delete=(*findings.claim.delete, *findings.candidate.delete, *inference.delete),
        create=tuple(c for c in create if c is not None),
        apply=(*findings.claim.apply, *((inference.cron_job,) if inference.cron_job else ())),
        notes=notes_of_bot(conditions, context, findings),
        requeue_after=next_look(conditions, context, findings),
    )


def _to_suspend(seen: BotSeen, settings: Settings) -> tuple[Ref, ...]:
    """Return the CronJob that fires although its bot is to stop.

    Nothing that keeps the rest of a plan from being made or applied may keep a bot from stopping:
    not a spec that cannot be read, a schedule that never fires, or a child that is refused.
    """
    spec = seen.owner.get("spec")
    suspended = isinstance(spec, dict) and spec.get("suspend") is True
    if seen.cron_job is None or not (suspended or settings.stopped_by is not None):
        return ()
    return () if seen.cron_job["spec"].get("suspend") else (ref_of(seen.cron_job),)


def _find(context: Context) -> Findings:
    seen, spec = context.seen, context.spec
    assert seen.claim is not None
    secret = check_secret(seen.secret, context.namespace)
    labels = bot_labels(context.name, "store", seen.claim.name)
    claim = plan_claim(seen.owner, labels, spec.storage, seen.claim, context.now)
    claim = refuse_claim(claim, seen.claim, seen.refused)
    wanted = _wanted_training(context)
    wish = _wish(context, secret, claim, wanted)
    current = find_candidate(seen, context.before, wish, context.now)
    retraining = plan_retraining(context, current, may_train=wish.allowed)
    candidate = plan_candidate(seen, current, wish, retraining.due, context.now)
    stopped = not (context.may_run and secret.valid)
    active, inference, unusable = plan_serving(context, wanted, candidate, stopped=stopped)
    known, found = context.before.signals, inference.runs.signals
    signals = merge_signals(known, found, inference.symbols, context.now)
    return Findings(
        secret=secret,
        claim=claim,
        wanted=wanted,
        retraining=retraining,
        candidate=candidate,
        active=with_skill(active, inference.runs.live_skill, context.before),
        unusable=unusable,
        image=context.images.inference,
        inference=inference,
        signals=signals,
        deadline_seconds=spec.inference.deadline_seconds,
        journal_gap=find_gap(context, inference.trades),
    )


def _wanted_training(context: Context) -> ModelTrainingSpec:
    active, images = context.before.active_model, context.images
    return training_spec_of(
        context.name,
        context.spec,
        image=choose_training_image(
            context.spec.model.candidates, images.training, images.trees_training
        ),
        claim=store_claim(context.name, context.spec.storage),
        champion_version=active.version if active else None,
    )


def _wish(
    context: Context, secret: Verdict, claim: ClaimVerdict, wanted: ModelTrainingSpec
) -> Wish:
    spec, active = context.spec, context.before.active_model
    free = context.may_run and spec.model.pinned_version is None
    # What has just been refused has not begun: a scheduled one is missed when its time is over.
    free = free and not refusals_of(context.seen.refused, MODEL_TRAININGS)
    free = free and not context.unread
    return Wish(
        bot=context.name,
        spec=wanted,
        digest=training_digest(wanted),
        allowed=free and secret.valid and claim.usable,
        restart=bool(claim.delete),
        secret_changed_at=context.seen.secret.changed_at if context.seen.secret else None,
        active_training=active.training if active else None,
        history_limit=spec.training.history_limit,
        in_use=_versions_in_use(context),
    )


def _versions_in_use(context: Context) -> frozenset[str]:
    served = (context.before.active_model, context.before.previous_model)
    pinned = context.spec.model.pinned_version
    return frozenset({m.version for m in served if m} | ({pinned} if pinned else set()))


def _everything_running(seen: BotSeen) -> tuple[Ref, ...]:
    """Return what a bot in a mode that is not available must not have."""
    trainings = [t.manifest for t in seen.trainings if t.status.completion_time is None]
    cron_jobs = [] if seen.cron_job is None else [seen.cron_job]
    return tuple(ref_of(child) for child in (*cron_jobs, *trainings))


def _build_status(
    state: BotState, conditions: ConditionSet, context: Context, findings: Findings
) -> TradingBotStatus:
    before, inference, active = context.before, findings.inference, findings.active
    told = inference.trades.result
    trading = before.trading if told is None else told.state
    return TradingBotStatus(
        observed_generation=generation_of(context.owner),
        state=state,
        conditions=conditions.all(),
        images=context.images,
        available_images=context.available_images,
        active_model=active,
        previous_model=previous_of(before, active, findings.unusable_names),
        unusable_versions=findings.unusable,
        candidate_training=_candidate_status(findings.candidate),
        next_training_time=findings.retraining.next_time,
        training_schedule=findings.retraining.schedule,
        drift_since=_drift_since(context, findings),
        missed_training_time=findings.retraining.missed_time,
        last_signal=max(findings.signals, key=lambda s: s.ts, default=None),
        signals=findings.signals,
        last_run=inference.runs.last or before.last_run,
        unseen_runs=before.unseen_runs + inference.runs.unseen,
        last_failure=findings.failure,
        symbols=symbols_text(context.spec),
        equity=None if trading is None else equity_text(trading),
        position=None if trading is None else position_text(trading),
        skill=active.live_skill.text if active and active.live_skill else None,
        trading=trading,
        journal_gap=findings.journal_gap,
        children=_children(context, findings),
    )


def _children(context: Context, findings: Findings) -> Children:
    made = context.seen.claim is not None and context.spec.storage.existing_claim is None
    inference, followed = findings.inference, _candidate_status(findings.candidate)
    configuration, cron_job = inference.configuration, inference.cron_job
    return Children(
        claim=store_claim(context.name, context.spec.storage) if made else None,
        cron_job=None if cron_job is None else name_of(cron_job),
        run_configuration=None if configuration is None else name_of(configuration),
        training=followed.name if followed else None,
    )


def symbols_text(spec: TradingBotSpec) -> str:
    """Return the markets for a column."""
    return ", ".join(spec.symbols)


def _drift_since(context: Context, findings: Findings) -> str | None:
    """Return since when the active version drifts; another version begins anew."""
    before, active = context.before, findings.active
    served = before.active_model
    same = served is not None and active is not None and served.version == active.version
    return drift_since(before.drift_since if same else None, findings.active_signals)


def _candidate_status(candidate: Candidate) -> CandidateTraining | None:
    if candidate.training is None and candidate.create is None:
        return None
    return CandidateTraining(
        name=candidate.name,
        attempt=candidate.attempt,
        next_attempt_time=candidate.retry_time,
        scheduled_time=candidate.scheduled_time,
    )
