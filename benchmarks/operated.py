"""A control plane, a namespace, and an operator in it under its own account, watched from outside.

CPU and memory are the kernel's account of the operator's process; when it is idle, its own metrics
say.
"""

import os
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.cluster import lifecycle, processes
from tests.cluster.cluster import Cluster, Options
from tests.cluster.install import create_namespace, install_crds
from tests.eventually import eventually
from tests.integration.operator_process import (
    ACCOUNT,
    OperatorProcess,
    account_kubeconfig,
    install_account,
    running,
)

CLUSTER = "bench"
SHIPPED_LEASE_SECONDS = 15
_PATIENT_LEASE_SECONDS = 120
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def control_plane() -> Iterator[Cluster]:
    """Run a control plane whose audit log holds what is written, with our CRDs in it."""
    cluster = lifecycle.up(Options(CLUSTER, control_plane_only=True, audit_bodies=True), print)
    try:
        install_crds(cluster.kubectl)
        yield cluster
    finally:
        lifecycle.down(print, CLUSTER)


@dataclass(frozen=True, slots=True)
class Operated:
    """A namespace that an operator process serves."""

    cluster: Cluster
    namespace: str
    operator: OperatorProcess

    @property
    def user(self) -> str:
        """The operator as the audit log names it."""
        return f"system:serviceaccount:{self.namespace}:{ACCOUNT}"

    @property
    def pid(self) -> int:
        """The operator's process."""
        assert self.operator.process is not None
        return self.operator.process.pid

    def metrics(self) -> dict[str, float]:
        """Return the operator's own metrics: the sum over all labels of each name."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"http://127.0.0.1:{self.operator.port}/metrics"
        with opener.open(url, timeout=5) as response:
            text = response.read().decode()
        sums: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
        return sums

    def wait_until_leading(self) -> None:
        """Wait until the operator holds its Lease and has listed everything."""
        eventually(lambda: self.metrics()["botcripto_last_relist_timestamp_seconds"], timeout=180)


@contextmanager
def operated(
    cluster: Cluster, namespace: str, *, lease_seconds: int = _PATIENT_LEASE_SECONDS
) -> Iterator[Operated]:
    """Make a namespace with the operator's account and run the operator for it.

    A benchmark starves the machine that it runs on, which must not cost the operator its Lease.
    """
    create_namespace(cluster.kubectl, namespace)
    install_account(cluster.kubectl, namespace)
    with tempfile.TemporaryDirectory() as folder:
        config = account_kubeconfig(cluster.kubectl, cluster.kubeconfig, namespace, Path(folder))
        process = OperatorProcess(
            config,
            namespace,
            Path(folder) / "operator.log",
            port=free_port(),
            environment={
                "BOTCRIPTO_LEASE_SECONDS": str(lease_seconds),
                "BOTCRIPTO_NAMESPACE": namespace,
            },
        )
        with running(process):
            place = Operated(cluster, namespace, process)
            place.wait_until_leading()
            yield place


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mib(pid: int) -> float:
    """Return the resident memory of a process in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def server_cpu_seconds(cluster: Cluster) -> float:
    """Return the CPU time of the whole control plane so far."""
    return sum(cpu_seconds(pid) for pid in processes.find(cluster.layout.identity).values())


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
