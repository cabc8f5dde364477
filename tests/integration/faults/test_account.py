"""The operator's account as in a pod: a token in a file that Kubernetes replaces before it ends."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path
from shlex import quote

import pytest

from tests.eventually import eventually
from tests.integration.api import Refused
from tests.integration.faults.proxy import Proxy
from tests.integration.faults.supervisor import supervised
from tests.integration.operator_process import create_token
from tests.integration.stage import Stage

LAUNCHER = "tests.integration.faults.launcher"
OWN_MOUNTS = ("unshare", "--mount", "--map-root-user")
REMEMBERED_SECONDS = 2
TRAINED = ("ModelAvailable", ("True", "ModelPromoted"))


@pytest.mark.timeout(300)
def test_a_token_that_is_replaced_and_then_refused_costs_nothing(
    stage: Stage, proxy: Proxy, tmp_path: Path
) -> None:
    """Watches that begin anew are refused once and log in again; all other calls have done so."""
    if subprocess.run([*OWN_MOUNTS, "true"], check=False).returncode:
        pytest.skip("no mount namespace can be made here")
    account = Account(stage, proxy, tmp_path / "account")
    first = account.replace_token("first")
    operator = stage.operator
    operator.module = LAUNCHER
    operator.within = account.mounted
    operator.kubeconfig = tmp_path / "none"
    operator.environment |= {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(proxy.port),
        "FAULT_TOKEN": str(REMEMBERED_SECONDS),
        "FAULT_PATIENCE": "5",
    }
    with stage.kubelet, supervised(operator) as supervisor:
        stage.add_bot("before", inference={"schedule": "0 0 1 1 *"})
        stage.wait_for(*TRAINED, "before", 60)

        second = account.replace_token("second")
        time.sleep(REMEMBERED_SECONDS + 1)
        account.revoke("first", first)
        proxy.silence_watches()

        stage.add_bot("after", inference={"schedule": "0 0 1 1 *"})
        stage.wait_for(*TRAINED, "after", 90)
        assert supervisor.ends == []
    said = operator.log.read_text(encoding="utf-8")
    assert "Traceback" not in said
    assert first not in said
    assert second not in said


class Account:
    """What the kubelet mounts into a pod: the ServiceAccount's token and the authority."""

    def __init__(self, stage: Stage, proxy: Proxy, folder: Path) -> None:
        self._stage = stage
        self._folder = folder
        folder.mkdir()
        (folder / "ca.crt").write_bytes(proxy.authority.read_bytes())
        (folder / "namespace").write_text(stage.namespace, encoding="utf-8")
        mount = (
            "mount -t tmpfs run /run && mkdir -p /run/secrets/kubernetes.io"
            f" && ln -s {quote(str(folder))} /run/secrets/kubernetes.io/serviceaccount"
            ' && exec "$@"'
        )
        self.mounted = (*OWN_MOUNTS, "sh", "-c", mount, "sh")
        """Runs a command that finds the account where a pod does."""

    def replace_token(self, name: str) -> str:
        """Replace the token at once, as the kubelet does, by one that can be revoked by name."""
        api, kubectl = self._stage.api, self._stage.plane.kubectl
        api.request("POST", self._secrets, {"metadata": {"name": name}, "type": "Opaque"})
        bound = ("--bound-object-kind=Secret", f"--bound-object-name={name}")
        token = create_token(kubectl, self._stage.namespace, *bound)
        ahead = self._folder / "..token"
        ahead.write_text(token, encoding="utf-8")
        ahead.replace(self._folder / "token")
        return token

    def revoke(self, name: str, token: str) -> None:
        """Have a token refused from now on; the API server believes it for some seconds more."""
        holder = replace(self._stage.api, token=token)
        self._stage.api.request("DELETE", f"{self._secrets}/{name}")

        def is_refused() -> bool:
            try:
                holder.request("GET", "/api")
            except Refused as e:
                return e.code == 401
            return False

        eventually(is_refused, timeout=30)

    @property
    def _secrets(self) -> str:
        return f"/api/v1/namespaces/{self._stage.namespace}/secrets"
