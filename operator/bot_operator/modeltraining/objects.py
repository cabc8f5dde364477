"""The children of a training: its run configuration and its five Jobs."""

from dataclasses import dataclass

from bot_operator.api.resources import CONFIG_MAPS, JOBS, Manifest, name_of
from bot_operator.children.child import build_child, build_labels, build_run_data
from bot_operator.children.pods import PodRequest, build_pod_template, store_label
from bot_operator.children.storage import store_claim
from bot_operator.planning.unread_fields import describe_fields
from bot_runtime.contract import names
from bot_runtime.contract.digests import to_canonical_json
from bot_runtime.contract.exitcodes import FAIL_AT_ONCE
from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.refitting import refit_environment
from bot_runtime.contract.retention import Pruning
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.steps import COMMANDS, Step

COMPONENT = "training"

_RETRIES = 3
_KILLED = 137
"""Exit code of SIGKILL: the memory limit. A disruption is recognised before it."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What the Jobs of one training have in common."""

    owner: Manifest
    spec: ModelTrainingSpec
    image: str
    configuration: RunConfiguration
    reads: tuple[str, ...] = ()
    """Newer fields that the image reads."""
    unread: tuple[str, ...] = ()
    """Fields that it does not read; `spec` has their defaults."""
    pruning: Pruning | None = None
    """What the evaluation may take out of the store."""
    adopt: bool = False
    """Whether a version that the store has promoted may be taken instead of training."""

    @property
    def claim(self) -> str:
        """Name of the claim of the store."""
        return store_claim(name_of(self.owner), self.spec.storage)

    @property
    def configuration_name(self) -> str:
        """Name of the run configuration's ConfigMap."""
        return names.run_configuration_name(name_of(self.owner), self.configuration.digest)

    def labels(self, step: str | None = None) -> dict[str, str]:
        """Return the labels of a child."""
        bot = self.spec.bot_ref.name if self.spec.bot_ref else None
        return build_labels(
            COMPONENT,
            bot=bot,
            training=name_of(self.owner),
            step=step,
            store=store_label(self.claim),
        )


def describe_unread(context: JobContext) -> str | None:
    """Return why no more steps are begun with the training's image; None where it may be."""
    if not context.unread:
        return None
    return (
        f"the training was begun by an earlier release whose image ({context.image}) does not "
        f"read {describe_fields(context.unread)}; create another training, and delete this one"
    )


def build_configuration(context: JobContext) -> Manifest:
    """Return the immutable ConfigMap of the run configuration."""
    content = build_run_data(context.configuration)
    name = context.configuration_name
    return build_child(CONFIG_MAPS, name, context.owner, context.labels(), content)


def build_job(context: JobContext, step: Step) -> Manifest:
    """Return the Job of a step, suspended: nothing of it runs before its uid is recorded."""
    spec = context.spec
    secret = spec.exchange.credentials_secret if step == "Data" else None
    template = build_pod_template(
        PodRequest(
            image=context.image,
            command=COMMANDS[step],
            labels=context.labels(step),
            claim=context.claim,
            one_node=spec.storage.access_mode == "ReadWriteOnce",
            configuration=context.configuration_name,
            resources=spec.resources,
            placement=spec.pod,
            preflight_secret=secret,
            environment=_build_environment(context, step),
        )
    )
    content = {
        "spec": {
            "suspend": True,
            "backoffLimit": _RETRIES,
            "activeDeadlineSeconds": spec.deadline_seconds,
            "podFailurePolicy": _build_failure_policy(),
            "template": template,
        }
    }
    name = names.job_name(name_of(context.owner), step)
    return build_child(JOBS, name, context.owner, context.labels(step), content)


def _build_environment(context: JobContext, step: Step) -> dict[str, str]:
    if step == "Data" and context.adopt:
        return {names.ENV_ADOPT: "true"}
    if step != "Evaluation":
        return {}
    found = refit_environment(context.spec)
    if context.pruning is not None:
        found[names.ENV_PRUNING] = to_canonical_json(context.pruning.to_json())
    return found


def _build_failure_policy() -> Manifest:
    # In this order: a pod that its node pushes out is killed too, and is tried again.
    codes = sorted([*map(int, FAIL_AT_ONCE), _KILLED])
    return {
        "rules": [
            {
                "action": "Ignore",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": codes}},
        ]
    }
