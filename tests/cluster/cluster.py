"""The handle of a cluster, which tests and the demo work with."""

import json
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import controlplane, node, processes, storage, stores
from tests.cluster.errors import ClusterError
from tests.cluster.layout import CHECKOUT, Layout, Network, cluster_id, clusters_folder
from tests.cluster.processes import run

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
NODE = ("kube-scheduler", node.INIT, "containerd", "kubelet", "kube-proxy")
RECORD = "cluster.json"


@dataclass(frozen=True, slots=True)
class Options:
    """Which cluster to bring up.

    `audit_bodies` also records what the requests that write carried (never of secrets).
    """

    name: str = ""
    control_plane_only: bool = False
    audit_bodies: bool = False
    checkout: Path = CHECKOUT


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that is up."""

    layout: Layout
    kubectl_program: Path
    store: int | None = None

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.layout.kubeconfig

    @property
    def audit_log(self) -> Path:
        """The audit log: one JSON object per answered request and line."""
        return self.layout.audit_log

    @property
    def state(self) -> Path:
        """The folder of all the cluster's files."""
        return self.layout.state

    @property
    def node_ip(self) -> str:
        """The node's address."""
        return self.layout.network.node

    @property
    def gateway_ip(self) -> str:
        """This machine's address that pods reach: a server listening on it is theirs to use."""
        return self.layout.network.host

    @property
    def store_folder(self) -> Path:
        """The folder of containerd's images, kept for the next cluster.

        Raises:
            ClusterError: the cluster has no node.
        """
        if self.store is None:
            raise ClusterError("the cluster has no node: bring it up without --control-plane-only")
        return stores.folder(self.store)

    @property
    def components(self) -> tuple[str, ...]:
        """The names of the cluster's programs."""
        return CONTROL_PLANE if self.layout.control_plane_only else CONTROL_PLANE + NODE

    def kubectl(self, *args: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl as administrator and return what it printed.

        Raises:
            ClusterError: kubectl failed; with what it said.
        """
        return run(self.kubectl_command(*args), stdin=stdin, timeout=timeout)

    def kubectl_command(self, *args: str) -> list[str]:
        """Return the command line that runs kubectl as administrator."""
        # kubectl remembers for hours what a server's address offered, and another cluster had it.
        ours = (f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.state / 'kubectl'}")
        return [str(self.kubectl_program), *ours, *args]

    def ctr(self, *args: str) -> list[str]:
        """Return the command line that runs containerd's own client in the node.

        Raises:
            ClusterError: the cluster has no running node.
        """
        return self.inside("ctr", "--namespace=k8s.io", *args)

    def inside(self, *argv: str) -> list[str]:
        """Return the command line that runs a program in the node, which reaches the Services.

        Raises:
            ClusterError: the cluster has no running node.
        """
        return node.inside(self._init(), argv)

    def _init(self) -> int:
        init = processes.find(self.layout.identity).get(node.INIT)
        if init is None:
            raise ClusterError("the cluster has no node: bring it up without --control-plane-only")
        return init

    def kill_containerd(self) -> None:
        """Kill the node's containerd; its containers run on, and no new one begins."""
        processes.kill_program(self.layout.identity, "containerd")

    def resume_containerd(self) -> None:
        """Start the node's containerd again, as a service manager does."""
        node.resume_containerd(self.layout, self._init())

    def recycle_volumes(self) -> int:
        """Empty and offer again the volumes whose claims were deleted; return how many."""
        return storage.recycle(self.layout, self.kubectl)


def find(name: str = "", checkout: Path = CHECKOUT) -> Cluster | None:
    """Return the handle of a cluster that was brought up and not taken down, dead or alive."""
    identity = cluster_id(checkout, name)
    record = clusters_folder() / identity / RECORD
    if not record.exists():
        return None
    noted = json.loads(record.read_text())
    layout = Layout(identity, record.parent, Network(noted["slot"]), noted["control_plane_only"])
    return Cluster(layout, Path(noted["kubectl"]), noted["store"])


def is_whole(cluster: Cluster) -> bool:
    """Say whether every component of a cluster runs and the API server serves."""
    running = processes.find(cluster.layout.identity)
    return all(c in running for c in cluster.components) and controlplane.is_ready(cluster.layout)
