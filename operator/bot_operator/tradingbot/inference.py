"""Inference: the run configuration and the CronJob of the version that a bot serves."""

from bot_operator.api.resources import Ref, is_true, name_of, ref_of
from bot_operator.tradingbot.active import choose_active, serving_spec, still_unusable
from bot_operator.tradingbot.candidate import Candidate
from bot_operator.tradingbot.findings import Context, Inference
from bot_operator.tradingbot.notifications import secret_of_messages
from bot_operator.tradingbot.objects import Serving, build_configuration, build_cron_job
from bot_operator.tradingbot.run_endings import digest_of_run
from bot_operator.tradingbot.runs import is_version_unusable, read_runs
from bot_operator.tradingbot.timetable import check_schedule
from bot_operator.tradingbot.trades import read_trades
from bot_operator.tradingbot.trading_obstacles import find_obstacle
from bot_runtime.contract import names
from bot_runtime.contract.intervals import schedule_of
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import inference_run
from bot_runtime.contract.status import ActiveModel, UnusableVersion

CANDLES_ZONE = "Etc/UTC"
"""By which candles close, whatever the zone of a schedule of the bot's own."""
KEPT_CONFIGURATIONS = 3
UNUSABLE_MAX = 5


def plan_serving(
    context: Context, wanted: ModelTrainingSpec, candidate: Candidate, *, stopped: bool
) -> tuple[ActiveModel | None, Inference, tuple[UnusableVersion, ...]]:
    """Return the version to serve and how, and the versions that could not be loaded.

    A version that its run could not load is put aside at once, and the one before it takes over.
    """
    trainings, image = context.seen.all_trainings, context.images.inference
    unusable = still_unusable(context.before, trainings)

    def choose() -> tuple[ActiveModel | None, Inference]:
        aside = {u.version for u in unusable if u.is_aside(image)}
        active = choose_active(context.spec, context.before, candidate, trainings, aside)
        return active, plan_inference(context, wanted, active, stopped=stopped)

    active, inference = choose()
    if active is None:
        return active, inference, unusable
    failure, known = inference.runs.failure, {u.version: u for u in unusable}
    if failure is not None and is_version_unusable(failure):
        earlier = known.get(active.version)
        if earlier is None or (not earlier.is_aside(image) and failure.time > earlier.time):
            found = UnusableVersion(
                version=active.version, time=failure.time, message=failure.message, image=image
            )
            known[active.version] = found
            unusable = tuple(known.values())[-UNUSABLE_MAX:]
            active, inference = choose()
    elif inference.runs.signals and active.version in known:
        unusable = tuple(u for u in unusable if u.version != active.version)
    return active, inference, unusable


def plan_inference(
    context: Context, wanted: ModelTrainingSpec, active: ActiveModel | None, *, stopped: bool
) -> Inference:
    """Return how `active` is served; `stopped` keeps the CronJob without letting it fire."""
    seen, spec = context.seen, context.spec
    if active is None or not context.may_serve:
        return Inference(delete=() if seen.cron_job is None else (ref_of(seen.cron_job),))
    served = serving_spec(spec, wanted, active, seen.all_trainings)
    configuration = inference_run(context.namespace, context.name, served, active.version)
    schedule = spec.inference.schedule or schedule_of(served.timeframe)
    time_zone = CANDLES_ZONE if spec.inference.schedule is None else spec.inference.time_zone
    timetable = check_schedule("inference", schedule, time_zone, context.now)
    runs = read_runs(seen.runs, configuration, context.before, context.now)
    trades = read_trades(seen.runs, configuration, context.before, context.now)
    if isinstance(timetable, str):
        return Inference(timetable, runs, trades, served.symbols)
    serving = Serving(
        configuration=configuration,
        image=context.images.inference,
        schedule=schedule,
        time_zone=time_zone,
        period_seconds=timetable.least_period(context.now),
        suspend=stopped,
        trades=find_obstacle(context) is None,
        telegram_secret=secret_of_messages(context),
    )
    manifest = build_configuration(context.owner, configuration)
    return Inference(
        timetable,
        runs,
        trades,
        served.symbols,
        manifest,
        build_cron_job(context.owner, spec, serving),
        _old_configurations(context, name_of(manifest)),
    )


def _old_configurations(context: Context, current: str) -> tuple[Ref, ...]:
    """Return the run configurations beyond the last three that no run is about to read."""
    kept = {current}
    if context.seen.cron_job is not None:  # it stays as it is where its change is refused
        template = context.seen.cron_job["spec"]["jobTemplate"]
        kept.add(names.run_configuration_name(context.name, digest_of_run(template) or ""))
    for run in context.seen.runs:
        if not (is_true(run.job, "Complete") or is_true(run.job, "Failed")):
            kept.add(names.run_configuration_name(context.name, digest_of_run(run.job) or ""))
    others = sorted(
        (c for c in context.seen.configurations if name_of(c) not in kept),
        key=lambda c: (str(c["metadata"].get("creationTimestamp", "")), name_of(c)),
        reverse=True,
    )
    return tuple(ref_of(c) for c in others[KEPT_CONFIGURATIONS - 1 :])
