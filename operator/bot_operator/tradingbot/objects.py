"""The children of a bot: its training, its run configuration and its inference CronJob."""

from dataclasses import dataclass

from bot_operator.api.resources import CONFIG_MAPS, CRON_JOBS, MODEL_TRAININGS, Manifest, name_of
from bot_operator.children.child import build_child, build_labels, build_run_data
from bot_operator.children.pods import PodRequest, build_pod_template, store_label
from bot_operator.children.storage import store_claim
from bot_runtime.contract import names
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.steps import COMMANDS
from bot_runtime.contract.tradingbot import TradingBotSpec

COMPONENT = "inference"

_LONGEST_START_SECONDS = 300
_SHORTEST_START_SECONDS = 10
_SPARE_SECONDS = 60
"""How much longer a Job may take than its pod, which a node has to take first and which has 30 s to
end. It ends the run that no node takes or whose node is cut off: the next one waits for it."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How a bot's active version is served."""

    configuration: RunConfiguration
    image: str
    schedule: str
    time_zone: str
    period_seconds: float
    """Least time between two firings."""
    suspend: bool
    trades: bool
    """Whether its pods have the container that trades."""
    telegram_secret: str | None = None
    """Secret of the chat that this container tells of trades."""


def bot_labels(bot: str, component: str, claim: str | None = None) -> dict[str, str]:
    """Return the labels of a bot's child."""
    return build_labels(component, bot=bot, store=store_label(claim) if claim else None)


def build_training(
    owner: Manifest, name: str, spec: ModelTrainingSpec, scheduled_time: str | None
) -> Manifest:
    """Return the ModelTraining of a bot, and the time of the schedule that it is begun for."""
    labels = bot_labels(name_of(owner), "training")
    training = build_child(MODEL_TRAININGS, name, owner, labels, {"spec": spec.to_json()})
    if scheduled_time is not None:
        training["metadata"]["annotations"][names.ANNOTATION_SCHEDULED_TIME] = scheduled_time
    return training


def build_configuration(owner: Manifest, configuration: RunConfiguration) -> Manifest:
    """Return the immutable ConfigMap of a run configuration."""
    name = names.run_configuration_name(name_of(owner), configuration.digest)
    labels = bot_labels(name_of(owner), COMPONENT)
    return build_child(CONFIG_MAPS, name, owner, labels, build_run_data(configuration))


def build_cron_job(owner: Manifest, bot: TradingBotSpec, serving: Serving) -> Manifest:
    """Return the CronJob that serves the active version on schedule."""
    name = name_of(owner)
    pod = _pod_of(name, bot, serving)
    job = {
        "backoffLimit": 0,  # the next firing tries again, on newer candles
        "activeDeadlineSeconds": _deadline(bot, trades=serving.trades) + _SPARE_SECONDS,
        "template": build_pod_template(pod),
    }
    content = {
        "spec": {
            "schedule": serving.schedule,
            "timeZone": serving.time_zone,
            "concurrencyPolicy": "Forbid",
            "suspend": serving.suspend,
            "startingDeadlineSeconds": starting_deadline(serving.period_seconds),
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {"labels": pod.labels}, "spec": job},
        }
    }
    return build_child(CRON_JOBS, names.cron_job_name(name), owner, pod.labels, content)


def _pod_of(name: str, bot: TradingBotSpec, serving: Serving) -> PodRequest:
    """Return what is asked of the pod of a candle."""
    claim = store_claim(name, bot.storage)
    digest = serving.configuration.digest
    return PodRequest(
        image=serving.image,
        command=COMMANDS["Inference"],
        labels=bot_labels(name, COMPONENT, claim),
        claim=claim,
        one_node=bot.storage.access_mode == "ReadWriteOnce",
        configuration=names.run_configuration_name(name, digest),
        resources=bot.inference.resources,
        placement=bot.pod,
        annotations={names.ANNOTATION_RUN_DIGEST: digest},
        deadline_seconds=_deadline(bot, trades=serving.trades),
        trade_resources=bot.execution.resources if serving.trades else None,
        postgres_secret=bot.journal.postgres_secret if serving.trades else None,
        telegram_secret=serving.telegram_secret if serving.trades else None,
    )


def _deadline(bot: TradingBotSpec, *, trades: bool) -> int:
    """Return the seconds that a pod may take: as long as its slower container may."""
    seconds = bot.inference.deadline_seconds
    return max(seconds, bot.execution.deadline_seconds) if trades else seconds


def starting_deadline(period_seconds: float) -> int:
    """Return how late a firing may start: at least 10 s, and less than the period."""
    most = min(_LONGEST_START_SECONDS, int(period_seconds * 3 / 4))
    return max(_SHORTEST_START_SECONDS, most)
