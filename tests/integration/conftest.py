"""Integration tests run against a real kube-apiserver and kube-controller-manager."""

import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cluster import binaries, lifecycle
from tests.cluster.cluster import Options
from tests.cluster.errors import ClusterError, RequirementsMissing
from tests.cluster.layout import CHECKOUT, cluster_id
from tests.eventually import eventually
from tests.integration.api import Api, Refused
from tests.integration.fake_kubelet import FakeKubelet
from tests.integration.operator_process import (
    Calls,
    OperatorProcess,
    account_kubeconfig,
    install_account,
)
from tests.integration.stage import STORAGE_CLASS, ControlPlane, Stage
from tools.environment import cache_folder

CRDS = CHECKOUT / "crds"
SESSIONS_AT_ONCE = 8


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build missing programs before the first test, whose time is limited."""
    here = Path(__file__).parent
    wanted = any(here in item.path.parents for item in session.items)
    if wanted and not session.config.option.collectonly:
        try:
            binaries.ensure(binaries.CONTROL_PLANE, print)
        except ClusterError as e:
            print(e)  # the fixture says it again, as a failure


@pytest.fixture(scope="session")
def cluster_name() -> Iterator[str]:
    """Return a name for this session's control plane that no other session of now has.

    The names are few and used again, so that what a crash left is found and removed.
    """
    folder = cache_folder() / "claims"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(SESSIONS_AT_ONCE):
        name = f"integration-{number}"
        with (folder / f"{cluster_id(CHECKOUT, name)}.session").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield name
            return
    pytest.fail(f"{SESSIONS_AT_ONCE} sessions of this checkout's integration tests run already")


@pytest.fixture(scope="session")
def control_plane(cluster_name: str) -> Iterator[ControlPlane]:
    """Return a running control plane; where none can run the test is skipped, in CI it fails."""
    options = Options(cluster_name, control_plane_only=True)
    try:
        running = lifecycle.up(options, print)
    except RequirementsMissing as e:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no control plane: {e}")
    try:
        running.kubectl("apply", "--server-side", f"--filename={CRDS}")
        running.kubectl("wait", "--for=condition=Established", f"--filename={CRDS}")
        plane = ControlPlane(running, Api.of(running.kubeconfig))
        eventually(lambda: plane.api.request("GET", "/openapi/v3/apis/botcripto.io/v1alpha1"))
        yield plane
    finally:
        lifecycle.down(print, cluster_name)


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """Return a namespace of the test's own, with its default ServiceAccount."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    api = control_plane.api
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.request("POST", "/api/v1/namespaces", body)
    eventually(lambda: api.request("GET", f"/api/v1/namespaces/{name}/serviceaccounts/default"))
    yield name
    with suppress(Refused):  # the test may have deleted it
        api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def stage(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[Stage]:
    """Return a namespace with the operator's account, and the operator not yet running."""
    kubectl = control_plane.kubectl
    with suppress(Refused):  # it is there from the second test on
        control_plane.api.request(
            "POST",
            "/apis/storage.k8s.io/v1/storageclasses",
            {
                "metadata": {"name": STORAGE_CLASS},
                "provisioner": "kubernetes.io/no-provisioner",
                "volumeBindingMode": "Immediate",
            },
        )
    install_account(kubectl, namespace)
    config = account_kubeconfig(kubectl, control_plane.kubeconfig, namespace, tmp_path)
    operator = OperatorProcess(config, namespace, tmp_path / "operator.log")
    kubelet = FakeKubelet(control_plane.api, namespace)
    yield Stage(
        control_plane, namespace, operator, kubelet, Calls(control_plane.audit_log, namespace)
    )
    operator.kill()
    if operator.log.exists():
        print(operator.log.read_text(encoding="utf-8")[-4000:])
