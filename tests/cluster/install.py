"""Installs the product into a cluster: CRDs, operator, test exchange.

The demo and the e2e tests share it. It works through `kubectl` alone, on our own cluster or on a
user's, and writes to one namespace and the CRDs.
"""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CRDS = REPOSITORY / "crds"
MANIFESTS = REPOSITORY / "manifests"
FIELD_MANAGER = "botcripto-install"
RESTRICTED_LABELS = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
}
EXCHANGE_PORT = 8080


class Kubectl(Protocol):
    """Runs kubectl against one cluster and returns what it printed."""

    def __call__(self, *args: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run `kubectl <args>` with `stdin` as its standard input.

        Raises:
            ClusterError: kubectl failed; with what it said.
        """
        ...


@dataclass(frozen=True, slots=True)
class Images:
    """The images of one build, all with content tags."""

    operator: str
    training: str
    trees_training: str
    inference: str
    exchange: str


def apply_objects(kubectl: Kubectl, objects: Iterable[Mapping[str, Any]]) -> None:
    """Apply objects by server-side apply, strictly validated."""
    text = yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True)
    kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        f"--field-manager={FIELD_MANAGER}",
        "--validate=strict",
        "-f",
        "-",
        stdin=text,
    )


def install_crds(kubectl: Kubectl, folder: Path = CRDS) -> None:
    """Apply our CRDs and wait until the API server serves them."""
    files = sorted(folder.glob("*.yaml"))
    apply_objects(kubectl, [o for f in files for o in yaml.safe_load_all(f.read_text()) if o])
    names = [f"crd/{f.stem}" for f in files]
    kubectl("wait", "--for=condition=Established", "--timeout=60s", *names, timeout=70)


def create_namespace(kubectl: Kubectl, namespace: str) -> None:
    """Create a namespace that enforces the restricted PodSecurity level."""
    labels = {**RESTRICTED_LABELS, "app.kubernetes.io/part-of": "botcripto"}
    metadata = {"name": namespace, "labels": labels}
    apply_objects(kubectl, [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])


def operator_objects(
    kubectl: Kubectl, namespace: str, images: Images, pull_policy: str, manifests: Path
) -> list[dict[str, Any]]:
    """Return a folder of manifests with the namespace and the images of this build put in."""
    rendered = kubectl("kustomize", str(manifests))
    objects = [o for o in yaml.safe_load_all(rendered) if o]
    kept = [o for o in objects if o["kind"] not in {"CustomResourceDefinition", "Namespace"}]
    for item in kept:
        item["metadata"]["namespace"] = namespace
        for subject in item.get("subjects", []):
            subject["namespace"] = namespace
        if item["kind"] == "Deployment":
            _set_images(item, images, pull_policy)
    return kept


def _set_images(deployment: dict[str, Any], images: Images, pull_policy: str) -> None:
    values = {
        "BOTCRIPTO_TRAINING_IMAGE": images.training,
        "BOTCRIPTO_TREES_TRAINING_IMAGE": images.trees_training,
        "BOTCRIPTO_INFERENCE_IMAGE": images.inference,
    }
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        container["image"] = images.operator
        container["imagePullPolicy"] = pull_policy
        for variable in container["env"]:
            if variable["name"] in values:
                variable.pop("valueFrom", None)
                variable["value"] = values[variable["name"]]


def install_operator(
    kubectl: Kubectl,
    namespace: str,
    images: Images,
    pull_policy: str = "IfNotPresent",
    manifests: Path = MANIFESTS / "base",
) -> None:
    """Apply the operator as a folder of manifests has it, and wait until it is ready."""
    apply_objects(kubectl, operator_objects(kubectl, namespace, images, pull_policy, manifests))
    kubectl(
        "rollout",
        "status",
        "deployment/botcripto-operator",
        f"--namespace={namespace}",
        "--timeout=120s",
        timeout=130,
    )


@dataclass(frozen=True, slots=True)
class ExchangeKeys:
    """Credentials that the test exchange accepts; made up anew for every installation."""

    api_key: str
    api_secret: str

    @classmethod
    def generate(cls) -> "ExchangeKeys":
        """Return fresh random credentials."""
        return cls(secrets.token_hex(32), secrets.token_hex(32))

    def to_document(self) -> str:
        """Return the keys as the document that the test exchange reads."""
        return json.dumps({"keys": [{"api_key": self.api_key, "secret": self.api_secret}]})


def exchange_keys(kubectl: Kubectl, namespace: str, name: str) -> ExchangeKeys:
    """Return the credentials of an exchange installed earlier, or make new ones."""
    found = kubectl(
        "get", "secret", f"{name}-keys", f"--namespace={namespace}", "--ignore-not-found",
        "-o", "jsonpath={.data.keys\\.json}",
    )  # fmt: skip
    if not found:
        return ExchangeKeys.generate()
    entry = json.loads(base64.b64decode(found))["keys"][0]
    return ExchangeKeys(entry["api_key"], entry["secret"])


@dataclass(frozen=True, slots=True)
class ExchangeSetup:
    """A test exchange to deploy: its name, its image, its market and its keys."""

    name: str
    image: str
    arguments: tuple[str, ...]
    keys: ExchangeKeys
    candle_file: bytes | None = None


def install_exchange(kubectl: Kubectl, namespace: str, setup: ExchangeSetup) -> str:
    """Deploy a test exchange behind a Service and return its address: http://<cluster ip>:8080."""
    apply_objects(kubectl, _exchange_objects(namespace, setup))
    kubectl(
        "rollout", "status", f"deployment/{setup.name}", f"--namespace={namespace}",
        "--timeout=120s", timeout=130,
    )  # fmt: skip
    address = kubectl(
        "get", "service", setup.name, f"--namespace={namespace}", "-o", "jsonpath={.spec.clusterIP}"
    )
    return f"http://{address.strip()}:{EXCHANGE_PORT}"


def _exchange_objects(namespace: str, setup: ExchangeSetup) -> list[dict[str, Any]]:
    labels = {"app.kubernetes.io/name": setup.name, "app.kubernetes.io/part-of": "test-exchange"}
    metadata = {"name": setup.name, "namespace": namespace, "labels": labels}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "name": f"{setup.name}-keys"},
        "stringData": {"keys.json": setup.keys.to_document()},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _exchange_pod(setup)},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": labels, "ports": [{"port": EXCHANGE_PORT, "targetPort": "http"}]},
    }
    objects: list[dict[str, Any]] = [secret, deployment, service]
    if setup.candle_file is not None:
        candles = base64.b64encode(setup.candle_file).decode()
        config_map = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {**metadata, "name": f"{setup.name}-candles"},
            "binaryData": {"candles.parquet": candles},
        }
        objects.insert(0, config_map)
    return objects


def _exchange_pod(setup: ExchangeSetup) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [
        {"name": "keys", "secret": {"secretName": f"{setup.name}-keys"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if setup.candle_file is not None:
        volumes.append({"name": "candles", "configMap": {"name": f"{setup.name}-candles"}})
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 2,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_exchange_container(setup)],
        "volumes": volumes,
    }


def _exchange_container(setup: ExchangeSetup) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        {"name": "keys", "mountPath": "/etc/exchange/keys", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    if setup.candle_file is not None:
        mounts.append({"name": "candles", "mountPath": "/etc/exchange/candles"})
    return {
        "name": "exchange",
        "image": setup.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "bot_exchange", "serve"],
        "args": [
            "--host=0.0.0.0",
            f"--port={EXCHANGE_PORT}",
            "--credentials-file=/etc/exchange/keys/keys.json",
            *setup.arguments,
        ],
        "ports": [{"name": "http", "containerPort": EXCHANGE_PORT}],
        "readinessProbe": {
            "httpGet": {"path": "/healthz", "port": "http"},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
        },
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }
