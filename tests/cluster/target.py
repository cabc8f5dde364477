"""The cluster that something is installed into: our own node, or the one that kubectl points at."""

from collections.abc import Mapping
from typing import Protocol

from tests.cluster import cluster as clusters
from tests.cluster import images as builds
from tests.cluster import packages, usercluster
from tests.cluster.binaries import Report
from tests.cluster.cluster import Cluster, Options
from tests.cluster.errors import ClusterError
from tests.cluster.install import Images, Kubectl


class Target(Protocol):
    """What an installation needs of a cluster."""

    @property
    def kubectl(self) -> Kubectl:
        """Runs kubectl against the cluster."""

    @property
    def environment(self) -> str:
        """A shell line after which kubectl speaks to the cluster."""

    @property
    def removal(self) -> str:
        """The command that removes what was installed."""

    def ensure_images(self, report: Report) -> Images:
        """Build the images of this checkout and bring them to where the cluster finds them."""


class OwnNode:
    """The one-node Kubernetes of `make cluster-up`."""

    def __init__(self, cluster: Cluster) -> None:
        """Wrap a cluster that is up."""
        self._cluster = cluster

    @property
    def kubectl(self) -> Kubectl:
        """Runs kubectl as administrator."""
        return self._cluster.kubectl

    @property
    def environment(self) -> str:
        """Two exports: kubectl's configuration, and the folder of a kubectl that fits."""
        folder = self._cluster.kubectl_program.parent
        return f'export KUBECONFIG={self._cluster.kubeconfig} PATH="{folder}:$PATH"'

    @property
    def removal(self) -> str:
        """The command that removes the cluster with all that is in it."""
        return "make cluster-down"

    def ensure_images(self, report: Report) -> Images:
        """Build by buildah and import into the node's containerd."""
        return builds.ensure(self._cluster, report)


def start(environment: Mapping[str, str], report: Report) -> Target:
    """Return the target that CLUSTER names, brought up where it is our own.

    Raises:
        RequirementsMissing: this machine cannot run a node.
        ClusterError: the cluster did not start, or CLUSTER is not known.
    """
    wanted = environment.get("CLUSTER", "")
    if wanted == "current":
        return usercluster.find(environment, report)
    if wanted:
        raise ClusterError(f"CLUSTER is `{wanted}`: leave it unset, or set it to `current`")
    choice = environment.get("CLUSTER", "")
    if choice == "current":
        return usercluster.find(environment, report)
    if choice:
        raise ClusterError(f"CLUSTER: found `{choice}`; write current, or leave it out")
    packages.ensure(report)
    return OwnNode(clusters.up(Options(), report))
