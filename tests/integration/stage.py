"""What integration tests act on: a control plane, and a namespace with the operator in it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from tests import resources
from tests.cluster import cluster
from tests.eventually import eventually
from tests.integration.api import MERGE, Api
from tests.integration.fake_kubelet import FakeKubelet
from tests.integration.operator_process import Calls, OperatorProcess

Object = dict[str, Any]
STORAGE_CLASS = "test-immediate"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A control plane with our CRDs in it."""

    cluster: cluster.Cluster
    api: Api

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.cluster.kubeconfig

    @property
    def audit_log(self) -> Path:
        """One JSON line per answered request, written before the answer."""
        return self.cluster.audit_log

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as administrator; raises ClusterError with what it said."""
        return self.cluster.kubectl(*arguments, stdin=stdin)


@dataclass(frozen=True, slots=True)
class Stage:
    """A namespace with the operator's account in it, and what a test does there."""

    plane: ControlPlane
    namespace: str
    operator: OperatorProcess
    kubelet: FakeKubelet
    calls: Calls

    @property
    def api(self) -> Api:
        """The administrator's client."""
        return self.plane.api

    def add_bot(self, name: str = "btc-paper", **spec: Any) -> Object:
        """Create a bot and a volume for it."""
        self.add_volume(name, reserved="storage" not in spec)
        spec = {"timeframe": "1m", "storage": {"storageClassName": STORAGE_CLASS}, **spec}
        return self.api.create(resources.bot(name, **spec), self.namespace)

    def add_volume(self, name: str, *, reserved: bool) -> None:
        """Create a volume; a reserved one is bound to the bot's claim whatever its class."""
        volume: Object = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"{self.namespace}-{name}"},
            "spec": {
                "capacity": {"storage": "2Gi"},
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/nowhere"},
                "storageClassName": STORAGE_CLASS,
            },
        }
        if reserved:
            claim = {"namespace": self.namespace, "name": f"{name}-store"}
            volume["spec"]["claimRef"] = claim
        self.api.request("POST", "/api/v1/persistentvolumes", volume)

    def change_bot(self, name: str, spec: Object) -> None:
        """Merge `spec` into the bot's."""
        path = f"/apis/botcripto.io/v1alpha1/namespaces/{self.namespace}/tradingbots/{name}"
        self.api.request("PATCH", path, {"spec": spec}, MERGE)

    def add_secret(
        self, name: str, values: dict[str, str], kind: str = EXCHANGE_SECRET.type
    ) -> None:
        """Create credentials, or a secret of another type."""
        secret = {"metadata": {"name": name}, "type": kind, "stringData": values}
        self.api.request("POST", f"/api/v1/namespaces/{self.namespace}/secrets", secret)

    def status(self, name: str = "btc-paper") -> Object:
        """Return the bot's status."""
        found: Object = self.api.get("TradingBot", name, self.namespace).get("status", {})
        return found

    def condition(self, kind: str, name: str = "btc-paper") -> tuple[str, str]:
        """Return status and reason of a condition."""
        found = next(c for c in self.status(name)["conditions"] if c["type"] == kind)
        return found["status"], found["reason"]

    def wait_for(
        self, kind: str, expected: tuple[str, str], name: str = "btc-paper", timeout: float = 40
    ) -> None:
        """Wait until a condition stands as expected."""

        def look() -> bool:
            found = self.condition(kind, name)
            assert found == expected, found
            return True

        eventually(look, timeout=timeout)

    def list(self, path: str) -> "list[Object]":
        """Return the objects of the namespace under an API path such as `/apis/batch/v1:jobs`."""
        root, plural = path.split(":")
        found = self.api.request("GET", f"{root}/namespaces/{self.namespace}/{plural}")
        items: list[Object] = found["items"]
        return items

    def fire(self, bot: str = "btc-paper") -> None:
        """Let the CronJob's Job be created now, as its controller does every minute."""
        job = f"{bot}-by-hand-{time.monotonic_ns()}"
        self.plane.kubectl(
            "create", "job", f"--namespace={self.namespace}", job, f"--from=cronjob/{bot}-infer"
        )

    def wake(self) -> None:
        """Touch every bot and training, so that each is reconciled."""
        for plural in ("tradingbots", "modeltrainings"):
            root = "/apis/botcripto.io/v1alpha1"
            for item in self.list(f"{root}:{plural}"):
                path = f"{root}/namespaces/{self.namespace}/{plural}/{item['metadata']['name']}"
                touched = {"metadata": {"annotations": {"test/touched": str(time.monotonic_ns())}}}
                self.api.request("PATCH", path, touched, MERGE)
