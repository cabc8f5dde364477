"""The pods of every step and run: restricted PodSecurity, no API token, read-only root.

One place decides what a pod of ours may do; the spec chooses placement and resources alone.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from bot_runtime.contract import names
from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.podspec import PodSpec, ResourcesSpec
from bot_runtime.contract.postgres_secret import POSTGRES_SECRET, URL
from bot_runtime.contract.secrets import SecretKind
from bot_runtime.contract.steps import COMMANDS
from bot_runtime.contract.telegram_secret import TELEGRAM_SECRET

_LABEL_VALUE_MAX = 63
_STORE, _CONFIG, _TMP, _CREDENTIALS, _CA = "store", "config", "tmp", "credentials", "ca"
_POSTGRES, _TELEGRAM = "postgres", "telegram"
_TMP_LIMIT = "1Gi"
_DISK = {"requests": {"ephemeral-storage": "64Mi"}, "limits": {"ephemeral-storage": "1280Mi"}}
"""The temporary directory and what the node keeps of the log; spec.resources may say otherwise."""


@dataclass(frozen=True, slots=True)
class PodRequest:
    """What differs between the pods."""

    image: str
    command: tuple[str, ...]
    """Arguments of `python -m bot_runtime`."""
    labels: dict[str, str]
    claim: str
    one_node: bool
    """Whether all pods of the store are kept on one node (ReadWriteOnce)."""
    configuration: str
    """Name of the run configuration's ConfigMap."""
    resources: ResourcesSpec
    placement: PodSpec
    preflight_secret: str | None = None
    """Secret whose key an init container proves; no other container mounts it."""
    annotations: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    """Beside what every process of ours gets."""
    deadline_seconds: int | None = None
    """After how long its own node ends the pod, whether or not it hears of the API server."""
    trade_resources: ResourcesSpec | None = None
    """Of the second container, which trades; None where there is none."""
    postgres_secret: str | None = None
    """Secret with the url of the journal's PostgreSQL, for the second container alone."""
    telegram_secret: str | None = None
    """Secret of the chat that is told of trades, for the second container alone."""


def store_label(claim: str) -> str:
    """Return the label value by which the pods of one store find each other."""
    return claim if len(claim) <= _LABEL_VALUE_MAX else digest_of(claim)[:32]


def build_pod_template(request: PodRequest) -> dict[str, Any]:
    """Return the pod template that `request` asks for."""
    metadata: dict[str, Any] = {"labels": {**request.placement.labels, **request.labels}}
    if request.annotations:
        metadata["annotations"] = request.annotations
    return {"metadata": metadata, "spec": _build_spec(request)}


def _build_spec(request: PodRequest) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": names.RUN_AS_USER,
            "runAsGroup": names.RUN_AS_USER,
            "fsGroup": names.RUN_AS_USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": _build_containers(request),
        "volumes": _build_volumes(request),
    }
    if request.deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = request.deadline_seconds
    if request.preflight_secret is not None:
        spec["initContainers"] = [_build_preflight(request)]
    if request.one_node:
        spec["affinity"] = {"podAffinity": _build_affinity(request)}
    spec.update(_build_placement(request.placement))
    return spec


def _build_affinity(request: PodRequest) -> dict[str, Any]:
    # The scheduler lets the first pod go anywhere because it matches its own term.
    selector = {"matchLabels": {names.LABEL_STORE: store_label(request.claim)}}
    term = {"labelSelector": selector, "topologyKey": "kubernetes.io/hostname"}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def _build_placement(placement: PodSpec) -> dict[str, Any]:
    chosen = {
        "nodeSelector": dict(placement.node_selector),
        "tolerations": [t.to_json() for t in placement.tolerations],
        "priorityClassName": placement.priority_class_name,
        "imagePullSecrets": [{"name": name} for name in placement.image_pull_secrets],
    }
    return {key: value for key, value in chosen.items() if value}


def _build_containers(request: PodRequest) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [
        _read_only(_CONFIG, names.CONFIG_DIR),
        {"name": _STORE, "mountPath": names.STORE_PATH},
        {"name": _TMP, "mountPath": names.TMP_PATH},
    ]
    first = _build_process(names.CONTAINER_NAME, request, request.command, mounts)
    if request.trade_resources is None:
        return [first]
    second = _build_trade(request, request.trade_resources, mounts)
    uid = {"name": names.ENV_POD_UID, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}}
    return [{**process, "env": [*process["env"], uid]} for process in (first, second)]


def _build_trade(
    request: PodRequest, resources: ResourcesSpec, mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    environment = dict(request.environment)
    if request.postgres_secret is not None:
        mounts = [*mounts, _read_only(_POSTGRES, names.POSTGRES_PATH)]
        environment[names.ENV_POSTGRES_URL] = f"{names.POSTGRES_PATH}/{URL}"
        if request.placement.ca_config_map is not None:
            environment[names.ENV_POSTGRES_CA] = f"{names.CA_PATH}/{names.CA_FILE}"
    if request.telegram_secret is not None:
        mounts = [*mounts, _read_only(_TELEGRAM, names.TELEGRAM_PATH)]
        environment[names.ENV_TELEGRAM] = names.TELEGRAM_PATH
    own = replace(request, resources=resources, environment=environment)
    return _build_process(names.TRADE_CONTAINER_NAME, own, COMMANDS["Trade"], mounts)


def _read_only(volume: str, path: str) -> dict[str, Any]:
    return {"name": volume, "mountPath": path, "readOnly": True}


def _build_preflight(request: PodRequest) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        _read_only(_CONFIG, names.CONFIG_DIR),
        _read_only(_CREDENTIALS, names.CREDENTIALS_PATH),
        {"name": _TMP, "mountPath": names.TMP_PATH},
    ]
    return _build_process(names.PREFLIGHT_CONTAINER_NAME, request, COMMANDS["Preflight"], mounts)


def _build_process(
    name: str, request: PodRequest, command: tuple[str, ...], mounts: list[dict[str, Any]]
) -> dict[str, Any]:
    environment = {
        names.ENV_CONFIG: f"{names.CONFIG_DIR}/{names.CONFIG_FILE}",
        names.ENV_STORE: names.STORE_PATH,
        names.ENV_TERMINATION: names.TERMINATION_PATH,
        names.ENV_CREDENTIALS: names.CREDENTIALS_PATH,
        # Nothing but the temporary directory and the store can be written.
        "HOME": names.TMP_PATH,
        **_build_way_out(request.placement),
        **request.environment,
    }
    if request.placement.ca_config_map is not None:
        mounts = [*mounts, _read_only(_CA, names.CA_PATH)]
    return {
        "name": name,
        "image": request.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "bot_runtime", *command],
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "resources": _build_resources(request.resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePath": names.TERMINATION_PATH,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }


def _build_way_out(placement: PodSpec) -> dict[str, str]:
    """Return the environment by which the exchange is reached through a proxy or a private CA."""
    found = {}
    if placement.proxy is not None:
        found = {"HTTP_PROXY": placement.proxy, "HTTPS_PROXY": placement.proxy}
        found |= {"NO_PROXY": ",".join(placement.no_proxy)} if placement.no_proxy else {}
    if placement.ca_config_map is not None:
        found["REQUESTS_CA_BUNDLE"] = f"{names.CA_PATH}/{names.CA_FILE}"
    return {**found, names.ENV_TRUST: "1"} if found else {}


def _build_resources(chosen: ResourcesSpec) -> dict[str, Any]:
    amounts = chosen.to_json()
    return {kind: {**_DISK[kind], **amounts.get(kind, {})} for kind in _DISK}


def _build_volumes(request: PodRequest) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": _CONFIG, "configMap": {"name": request.configuration}},
        {"name": _STORE, "persistentVolumeClaim": {"claimName": request.claim}},
        {"name": _TMP, "emptyDir": {"sizeLimit": _TMP_LIMIT}},
    ]
    if request.placement.ca_config_map is not None:
        item = {"key": names.CA_FILE, "path": names.CA_FILE}
        source = {"name": request.placement.ca_config_map, "items": [item]}
        volumes.append({"name": _CA, "configMap": source})
    if request.preflight_secret is not None:
        volumes.append({"name": _CREDENTIALS, "secret": {"secretName": request.preflight_secret}})
    # Where one is gone meanwhile, the container that trades says so, and the other one decides.
    if request.postgres_secret is not None:
        volumes.append(_build_optional(_POSTGRES, request.postgres_secret, POSTGRES_SECRET))
    if request.telegram_secret is not None:
        volumes.append(_build_optional(_TELEGRAM, request.telegram_secret, TELEGRAM_SECRET))
    return volumes


def _build_optional(volume: str, secret: str, kind: SecretKind) -> dict[str, Any]:
    """Return a volume with the keys of a kind of secret, as far as the secret is there."""
    items = [{"key": key, "path": key} for key in (*kind.required, *kind.optional)]
    named = {"secretName": secret, "items": items, "optional": True}
    return {"name": volume, "secret": named}
