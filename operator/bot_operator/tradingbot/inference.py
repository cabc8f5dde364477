"""Inference: the run configuration and the CronJob of the version that a bot serves."""

from bot_operator.resources import Ref, name_of, ref_of
from bot_operator.tradingbot.active import serving_spec
from bot_operator.tradingbot.checks import check_schedule
from bot_operator.tradingbot.findings import Context, Inference
from bot_operator.tradingbot.objects import Serving, build_configuration, build_cron_job
from bot_operator.tradingbot.runs import read_runs
from bot_runtime.contract.intervals import schedule_of
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import inference_run
from bot_runtime.contract.status import ActiveModel

KEPT_CONFIGURATIONS = 3


def plan_inference(
    context: Context, wanted: ModelTrainingSpec, active: ActiveModel | None, *, stopped: bool
) -> Inference:
    """Return how `active` is served; `stopped` keeps the CronJob without letting it fire."""
    seen, spec = context.seen, context.spec
    if active is None:
        return Inference(delete=() if seen.cron_job is None else (ref_of(seen.cron_job),))
    served = serving_spec(spec, wanted, active, seen.trainings)
    configuration = inference_run(context.namespace, context.name, served, active.version)
    schedule = spec.inference.schedule or schedule_of(served.timeframe)
    timetable = check_schedule("inference", schedule, spec.inference.time_zone, context.now)
    runs = read_runs(seen.runs, configuration, context.before, context.now)
    if isinstance(timetable, str):
        return Inference(timetable, runs, served.symbols)
    serving = Serving(
        configuration=configuration,
        image=context.images.inference,
        schedule=schedule,
        period_seconds=timetable.least_period(context.now),
        suspend=stopped,
    )
    manifest = build_configuration(context.owner, configuration)
    return Inference(
        timetable,
        runs,
        served.symbols,
        manifest,
        build_cron_job(context.owner, spec, serving),
        _old_configurations(context, name_of(manifest)),
    )


def _old_configurations(context: Context, current: str) -> tuple[Ref, ...]:
    """Return the run configurations beyond the last three, the current one among them."""
    others = sorted(
        (c for c in context.seen.configurations if name_of(c) != current),
        key=lambda c: (str(c["metadata"].get("creationTimestamp", "")), name_of(c)),
        reverse=True,
    )
    return tuple(ref_of(c) for c in others[KEPT_CONFIGURATIONS - 1 :])
