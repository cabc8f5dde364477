"""Names: the API group, kinds, labels, mount paths, file names and the names of children.

Every child name is a pure function of its owner's name and content, so that a restart at any point
finds what an earlier run created.
"""

import re
from typing import Final

from bot_runtime.contract.digests import digest_of

GROUP: Final = "botcripto.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

TRADING_BOT_KIND: Final = "TradingBot"
TRADING_BOT_PLURAL: Final = "tradingbots"
MODEL_TRAINING_KIND: Final = "ModelTraining"
MODEL_TRAINING_PLURAL: Final = "modeltrainings"

FIELD_MANAGER: Final = "botcripto-operator"

# Labels on every child (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
# `app.kubernetes.io/instance` is left out on purpose: Argo CD tracks objects by it.
LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_BOT: Final = f"{GROUP}/bot"
LABEL_TRAINING: Final = f"{GROUP}/training"
LABEL_STEP: Final = f"{GROUP}/step"
LABEL_STORE: Final = f"{GROUP}/store"
LABEL_ADOPT: Final = f"{GROUP}/adopt"
ADOPT_ALLOWED: Final = "allowed"
"""Value of LABEL_ADOPT on a claim that its owner lets bots of the namespace use."""
LABEL_STOP: Final = f"{GROUP}/stop"
"""On a namespace, with the value `true`: no bot in it decides or trains."""
ANNOTATION_OWNER_UID: Final = f"{GROUP}/owner-uid"
ANNOTATION_RUN_DIGEST: Final = f"{GROUP}/run-digest"
ANNOTATION_SCHEDULED_TIME: Final = f"{GROUP}/scheduled-time"
"""On a ModelTraining that a schedule began: the time (RFC 3339) that it was begun for."""
APP_NAME: Final = "botcripto"
MANAGED_BY: Final = FIELD_MANAGER
ANNOTATION_SPEC_DIGEST: Final = f"{GROUP}/spec-digest"

# Where the operator mounts things and where the runtime looks for them.
STORE_PATH: Final = "/var/lib/botcripto"
CONFIG_DIR: Final = "/etc/botcripto"
CONFIG_FILE: Final = "run.json"
CA_PATH: Final = "/etc/botcripto-ca"
CA_FILE: Final = "ca.crt"
CREDENTIALS_PATH: Final = "/var/run/secrets/botcripto.io/exchange"
POSTGRES_PATH: Final = "/var/run/secrets/botcripto.io/postgres"
TELEGRAM_PATH: Final = "/var/run/secrets/botcripto.io/telegram"
TERMINATION_PATH: Final = "/dev/termination-log"
TMP_PATH: Final = "/tmp"  # noqa: S108 - a mount path inside our pods, an emptyDir of their own

# Environment of the runtime.
ENV_GIT_COMMIT: Final = "BOTCRIPTO_GIT_COMMIT"
ENV_STORE: Final = "BOTCRIPTO_STORE"
ENV_CONFIG: Final = "BOTCRIPTO_CONFIG"
ENV_CREDENTIALS: Final = "BOTCRIPTO_CREDENTIALS"
ENV_POSTGRES_URL: Final = "BOTCRIPTO_POSTGRES_URL_FILE"
"""Set on the container that trades where its journal is in PostgreSQL: the file with the url."""
ENV_POSTGRES_CA: Final = "PGSSLROOTCERT"
"""Where PostgreSQL's own client looks for authorities, unless the url names a file with them."""
ENV_TELEGRAM: Final = "BOTCRIPTO_TELEGRAM"
"""Set where a run that trades sends messages: the folder with the token and the chat."""
ENV_TERMINATION: Final = "BOTCRIPTO_TERMINATION"
ENV_ADOPT: Final = "BOTCRIPTO_ADOPT"
"""Set on the data step of a bot that has no version: what the store has promoted may be taken."""
ENV_TRUST: Final = "BOTCRIPTO_TRUST_ENVIRONMENT"
"""Set where HTTP_PROXY, HTTPS_PROXY, NO_PROXY and REQUESTS_CA_BUNDLE are to be followed."""
ENV_POD_UID: Final = "BOTCRIPTO_POD_UID"
"""UID of the pod of a candle, by which its two containers know each other's files."""
ENV_PRUNING: Final = "BOTCRIPTO_PRUNING"
"""What the evaluation may take out of the store (`contract.retention`); unset: nothing."""
ENV_REFIT: Final = "BOTCRIPTO_REFIT"
"""How a promoted version is fitted once more (`contract.refitting`); unset: it is not."""

# Environment of a bot outside Kubernetes.
THRESHOLD_VARIABLES: Final = {
    "risk_max": "RISK_MAX",
    "prob_min": "PROB_MIN",
    "min_expected_return": "MIN_EXPECTED_RETURN",
    "fees_bps": "FEES_BPS",
}
"""Variables that replace fields of `decision`, by field; these names and no others."""

CONTAINER_NAME: Final = "runtime"
TRADE_CONTAINER_NAME: Final = "trade"
"""Beside the container of the inference, in the pod of a candle."""
PREFLIGHT_CONTAINER_NAME: Final = "preflight"

RUN_AS_USER: Final = 10001

OWNER_NAME_PATTERN: Final = "[a-z]([-a-z0-9]*[a-z0-9])?"
"""Names of bots and trainings: they become values of labels and begin their children's names."""
BOT_NAME_MAX: Final = 40
TRAINING_NAME_MAX: Final = 52


def training_name(bot: str, digest: str, attempt: int) -> str:
    """Return the name of a bot's training: `<bot>-<8 digits of the training digest>[-attempt]`."""
    return f"{bot}-{digest[:8]}" + (f"-{attempt}" if attempt > 1 else "")


_OF_A_BOT: Final = "(.+)-[0-9a-f]{8}(-[0-9]{1,7})?"


def bot_of_training(name: str) -> str | None:
    """Return the bot to whose training `training_name` gives this name; None where it is none's."""
    found = re.fullmatch(_OF_A_BOT, name)
    return None if found is None else found[1]


def bot_of_version(name: str) -> str | None:
    """Return the bot whose training left a version of this name; None where it is none's."""
    found = re.fullmatch(f"{_OF_A_BOT}-[0-9a-f]{{8}}", name)
    return None if found is None else found[1]


def job_name(training: str, step: str) -> str:
    """Return the name of the Job that runs `step` of `training` (at most 63 characters)."""
    return f"{training}-{step.lower()}"


def run_configuration_name(owner: str, digest: str) -> str:
    """Return the name of the immutable ConfigMap that holds a run configuration."""
    return f"{owner}-run-{digest[:10]}"


def claim_name(owner: str) -> str:
    """Return the name of the volume claim that an owner's store lives on."""
    return f"{owner}-store"


def cron_job_name(bot: str) -> str:
    """Return the name of a bot's inference CronJob (at most 52 characters)."""
    return f"{bot}-infer"


_SCHEMA_MAX: Final = 63
_SCHEMA_DIGITS: Final = 16


def journal_schema(namespace: str, bot: str) -> str:
    """Return the schema of a bot's journal in PostgreSQL (at most 63 characters).

    >>> journal_schema("bots", "btc-paper")
    'bot_bots_btc-paper'
    """
    whole = f"bot_{namespace}_{bot}"  # neither name has an underscore
    if len(whole) <= _SCHEMA_MAX:
        return whole
    return f"{whole[: _SCHEMA_MAX - _SCHEMA_DIGITS - 1]}_{digest_of(whole)[:_SCHEMA_DIGITS]}"
