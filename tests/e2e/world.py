"""The world of an end-to-end test: one namespace of a real cluster with our operator in it."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot_runtime.contract.names import LABEL_BOT, job_name
from tests.cluster.audit import read_calls
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.install import (
    ExchangeKeys,
    ExchangeSetup,
    Images,
    Kubectl,
    apply_objects,
    create_namespace,
    install_crds,
    install_exchange,
    install_operator,
)

OPERATOR = "deployment/botcripto-operator"
SECRET = "exchange-keys"
Object = dict[str, Any]

MARKETS = {
    "trees": ("--flavour=threshold", "--strength=1"),
    "sequence": ("--flavour=oscillation", "--strength=1"),
    "noise": ("--flavour=momentum", "--strength=0"),
}
COMMON = ("--timeframe=1m", "--symbols=BTC/USDT", "--seed=7")

SMALL_POD = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "4Gi"}}


@dataclass(frozen=True, slots=True)
class Release:
    """A commit of the product: its files and the images that were built from them."""

    commit: str
    files: Path
    images: Images


@dataclass(frozen=True, slots=True)
class World:
    """Everything a story needs; all of it is real."""

    kubectl: Kubectl
    namespace: str
    images: Images
    keys: ExchangeKeys
    endpoints: Mapping[str, str]
    """Address of each test exchange, by the name of its market: trees, sequence, noise."""
    audit_log: Path

    def bot(self, name: str, market: str = "trees", **spec: Any) -> Object:
        """Return a small GradientBoosting bot; `spec` is merged over it, dictionaries deeply."""
        base: Object = {
            "exchange": {"id": "binance", "endpoint": self.endpoints[market]},
            "symbols": ["BTC/USDT"],
            "timeframe": "1m",
            "mode": "Paper",
            "model": {
                "candidates": ["GradientBoosting"],
                "gradientBoosting": {"maxIterations": 80},
            },
            "training": {"lookback": "7d", "resources": SMALL_POD},
        }
        return {
            "apiVersion": "botcripto.io/v1alpha1",
            "kind": "TradingBot",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": _merged(base, spec),
        }

    def apply(self, *objects: Object) -> None:
        """Apply objects as a user would."""
        apply_objects(self.kubectl, objects)

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None where there is none."""
        text = self.kubectl(
            "get", kind, name, f"--namespace={self.namespace}", "--ignore-not-found", "-o", "json"
        )
        found: Object | None = json.loads(text) if text.strip() else None
        return found

    def all(self, kind: str, selector: str = "") -> list[Object]:
        """Return all objects of a kind, or those that a label selector picks."""
        arguments = ["get", kind, f"--namespace={self.namespace}", "-o", "json"]
        if selector:
            arguments.append(f"--selector={selector}")
        items: list[Object] = json.loads(self.kubectl(*arguments))["items"]
        return items

    def pods_of(self, bot: str) -> list[Object]:
        """Return the pods of a bot."""
        return self.all("pods", f"{LABEL_BOT}={bot}")

    def children(self, bot: str) -> set[str]:
        """Return the kinds of the objects whose names begin with the bot's."""
        everything = self.all("modeltrainings,jobs,cronjobs,pods,pvc,configmaps")
        return {o["kind"] for o in everything if o["metadata"]["name"].startswith(f"{bot}-")}

    def volume_of(self, bot: str) -> Path:
        """Return the folder of this machine that is the bot's volume."""
        claim = self.get("persistentvolumeclaim", f"{bot}-store")
        volume = self.get("persistentvolume", claim["spec"]["volumeName"]) if claim else None
        assert volume is not None
        return Path(volume["spec"]["local"]["path"])

    def status(self, name: str, kind: str = "tradingbot") -> Object:
        """Return the status of a bot (or training), empty where there is none yet."""
        found = self.get(kind, name)
        return dict(found.get("status", {})) if found else {}

    def condition(self, name: str, kind_of: str, kind: str = "tradingbot") -> Object:
        """Return a condition, or one of status Unknown that is not there."""
        conditions = self.status(name, kind).get("conditions", [])
        return next((c for c in conditions if c["type"] == kind_of), {"status": "Unknown"})

    def last_failure(self, name: str) -> Object:
        """Return the last failure that a bot's status tells, empty where it tells none."""
        return dict(self.status(name).get("lastFailure") or {})

    def wait(self, name: str, condition: str, timeout: float, kind: str = "tradingbot") -> None:
        """Wait as a user does: kubectl wait."""
        self.kubectl(
            "wait", f"--for=condition={condition}", f"{kind}/{name}",
            f"--namespace={self.namespace}", f"--timeout={timeout:.0f}s", timeout=timeout + 10,
        )  # fmt: skip

    def create_secret(self, name: str, kind: str = "botcripto.io/exchange", **values: str) -> None:
        """Create or replace a Secret of the exchange type."""
        data = values or {"apiKey": self.keys.api_key, "apiSecret": self.keys.api_secret}
        self.kubectl(
            "delete", "secret", name, f"--namespace={self.namespace}", "--ignore-not-found"
        )
        metadata = {"name": name, "namespace": self.namespace}
        self.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind,
             "stringData": data}
        )  # fmt: skip

    def delete(self, kind: str, name: str) -> None:
        """Delete an object and wait until it is gone."""
        self.kubectl(
            "delete", kind, name, f"--namespace={self.namespace}", "--ignore-not-found", timeout=90
        )

    def stop_operator(self) -> None:
        """Kill the operator's pod at once and keep it from coming back."""
        self._scale(0)
        self.kubectl(
            "delete", "pod", f"--namespace={self.namespace}", "--grace-period=0", "--force",
            "--selector=app.kubernetes.io/component=operator", "--ignore-not-found",
        )  # fmt: skip

    def start_operator(self) -> None:
        """Start the operator again and wait until it works."""
        self._scale(1)
        self.kubectl(
            "rollout", "status", OPERATOR, f"--namespace={self.namespace}", "--timeout=90s",
            timeout=100,
        )  # fmt: skip

    def _scale(self, replicas: int) -> None:
        self.kubectl("scale", OPERATOR, f"--namespace={self.namespace}", f"--replicas={replicas}")

    def events(self, name: str) -> list[Object]:
        """Return the Events about an object."""
        every = self.all("events.v1.events.k8s.io")
        return [e for e in every if e.get("regarding", {}).get("name") == name]

    def operator_calls(self) -> Iterator[Object]:
        """Return every finished API call of the operator's ServiceAccount, from the audit log."""
        user = f"system:serviceaccount:{self.namespace}:botcripto-operator"
        return (call for call in read_calls(self.audit_log, user) if "objectRef" in call)

    def job_creations(self, training: str) -> list[str]:
        """Return the names of the Jobs of a training that the operator created, in order."""
        ours = {
            job_name(training, step) for step in ("data", "trend", "return", "risk", "evaluation")
        }
        return [
            call["objectRef"]["name"]
            for call in self.operator_calls()
            if call["objectRef"].get("resource") == "jobs"
            and call.get("responseStatus", {}).get("code") == 201
            and call["objectRef"].get("name") in ours
        ]

    def diagnose(self) -> str:
        """Return what explains a failure: objects, Events, the logs of all pods."""
        parts = [
            ("get", "tradingbots,modeltrainings,jobs,cronjobs,pods,pvc", "-o", "wide"),
            ("get", "tradingbots,modeltrainings", "-o", "yaml"),
            ("get", "events", "--sort-by=.lastTimestamp"),
            ("logs", OPERATOR, "--tail=200"),
            ("logs", f"--selector={LABEL_BOT}", "--all-containers", "--tail=40", "--prefix"),
        ]
        return "\n".join(self._try(*part) for part in parts)

    def _try(self, *arguments: str) -> str:
        try:
            printed = self.kubectl(*arguments, f"--namespace={self.namespace}")
        except ClusterError as e:
            printed = str(e)
        return f"$ kubectl {' '.join(arguments)}\n{printed}"


def install(
    cluster: Cluster, namespace: str, images: Images, markets: Mapping[str, tuple[str, ...]]
) -> World:
    """Install the operator and a test exchange for each market, in a `restricted` namespace."""
    kubectl = cluster.kubectl
    create_namespace(kubectl, namespace)
    install_crds(kubectl)
    everything = ("tradingbots,modeltrainings", "--all", f"--namespace={namespace}")
    kubectl("delete", *everything, timeout=120)  # what an earlier session kept (KEEP_CLUSTER=1)
    install_operator(kubectl, namespace, images)
    keys = ExchangeKeys.generate()
    endpoints = {
        market: install_exchange(
            kubectl,
            namespace,
            ExchangeSetup(f"exchange-{market}", images.exchange, (*COMMON, *arguments), keys),
        )
        for market, arguments in markets.items()
    }
    return World(kubectl, namespace, images, keys, endpoints, cluster.audit_log)


def _merged(base: Object, over: Mapping[str, Any]) -> Object:
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result
