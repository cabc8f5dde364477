"""The operator as a process, under its own ServiceAccount and with nothing but its Role."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.audit import read_calls
from tests.conftest import TESTS

ROOT = TESTS.parent
ACCOUNT = "botcripto-operator"
IMAGES = {
    "BOTCRIPTO_TRAINING_IMAGE": "example.org/train:1.0.0",
    "BOTCRIPTO_INFERENCE_IMAGE": "example.org/infer:1.0.0",
}
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass
class OperatorProcess:
    """Runs `python -m bot_operator`; can be killed and started again."""

    kubeconfig: Path
    namespace: str
    log: Path
    port: int = 0
    environment: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    """Of the command line, in place of the namespace."""
    module: str = "bot_operator"
    within: tuple[str, ...] = ()
    """A command that runs the operator's, such as `unshare --mount`."""
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it; it leads as soon as it has the Lease."""
        variables = {
            **os.environ,
            **IMAGES,
            "KUBECONFIG": str(self.kubeconfig),
            "BOTCRIPTO_PORT": str(self.port),
            "BOTCRIPTO_IDENTITY": "test",
            "BOTCRIPTO_LEASE_SECONDS": "5",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
            "PYTHONSAFEPATH": "1",  # not what lies in the folder that the tests run in
            **self.environment,
        }
        served = self.arguments or ("--namespace", self.namespace)
        command = [*self.within, sys.executable, "-m", self.module, "run", *served]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=variables, stderr=log, stdout=log)

    def kill(self) -> None:
        """End it without a word, as a node that loses power does."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as Kubernetes does; return its exit code."""
        return self._end(signal.SIGTERM)

    def lines(self) -> list[dict[str, Any]]:
        """Return its log; a line that is no JSON fails."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def _end(self, number: signal.Signals) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.process = None
        return code


def install_account(kubectl: Any, namespace: str) -> None:
    """Apply the ServiceAccount, Role and RoleBinding of manifests/base."""
    rendered = kubectl("kustomize", str(ROOT / "manifests" / "base"))
    for item in yaml.safe_load_all(rendered):
        if item["kind"] in {"ServiceAccount", "Role", "RoleBinding"}:
            item["metadata"]["namespace"] = namespace
            for subject in item.get("subjects", []):
                subject["namespace"] = namespace
            kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(item))


def account_kubeconfig(kubectl: Any, admin: Path, namespace: str, folder: Path) -> Path:
    """Write a kubeconfig with a token of the operator's ServiceAccount, and return its path."""
    token = create_token(kubectl, namespace)
    return write_kubeconfig(admin, token, folder / "operator.kubeconfig")


def create_token(kubectl: Any, namespace: str, *arguments: str) -> str:
    """Return a token of the operator's ServiceAccount that outlives the longest soak."""
    space = f"--namespace={namespace}"
    created: str = kubectl("create", "token", ACCOUNT, space, "--duration=24h", *arguments)
    return created.strip()


def write_kubeconfig(admin: Path, token: str, path: Path) -> Path:
    """Write the administrator's kubeconfig with another token to `path`, and return it."""
    config = yaml.safe_load(admin.read_text(encoding="utf-8"))
    config["users"][0]["user"] = {"token": token}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


@dataclass(frozen=True, slots=True)
class Calls:
    """What the operator of one namespace has asked of the API server, from the audit log."""

    audit_log: Path
    namespace: str

    def all(self) -> Iterator[dict[str, Any]]:
        """Return every answered call."""
        user = f"system:serviceaccount:{self.namespace}:{ACCOUNT}"
        calls = read_calls(self.audit_log, user)
        return (call for call in calls if call["stage"] == "ResponseComplete")

    def writes(self) -> list[str]:
        """Return every write but those of the Lease, as `verb resource[/subresource] name`."""
        return [
            f"{call['verb']} {resource_of_call(call)} {call['objectRef'].get('name', '')}"
            for call in self.all()
            if call["verb"] in WRITES and call["objectRef"]["resource"] != "leases"
        ]

    def created_jobs(self) -> list[str]:
        """Return the names of the Jobs that were created, in order."""
        return [
            call["objectRef"]["name"]
            for call in self.all()
            if call["verb"] == "create"
            and call["objectRef"]["resource"] == "jobs"
            and call["responseStatus"]["code"] == 201
        ]


def resource_of_call(call: dict[str, Any]) -> str:
    """Return the resource of an audited call as a Role spells it."""
    reference = call["objectRef"]
    subresource = reference.get("subresource")
    return f"{reference['resource']}/{subresource}" if subresource else str(reference["resource"])


def is_denied(call: dict[str, Any]) -> bool:
    """Tell whether a call was refused for want of a right: a quota's or a policy's no is not."""
    decision = (call.get("annotations") or {}).get("authorization.k8s.io/decision")
    return bool(decision == "forbid")


@contextmanager
def running(operator: OperatorProcess) -> Iterator[OperatorProcess]:
    """Run the operator for a while; it is gone at the end in any case."""
    operator.start()
    try:
        yield operator
    finally:
        operator.kill()
