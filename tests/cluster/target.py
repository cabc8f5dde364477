"""The cluster that something is installed into: our own node, or the one that kubectl points at."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from tests.cluster import cluster as clusters
from tests.cluster import images as builds
from tests.cluster import lifecycle, packages, requirements, usercluster
from tests.cluster.binaries import Report
from tests.cluster.cluster import Cluster, Options
from tests.cluster.errors import ClusterError
from tests.cluster.images import Target as ImageTarget
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

    def ensure_images(self, report: Report, targets: Sequence[ImageTarget]) -> Images:
        """Build images of this checkout and bring them to where the cluster finds them."""


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

    def ensure_images(self, report: Report, targets: Sequence[ImageTarget]) -> Images:
        """Build by buildah and import into the node's containerd."""
        return builds.ensure(self._cluster, report, targets=targets)


def start(environment: Mapping[str, str], report: Report, targets: Sequence[ImageTarget]) -> Target:
    """Return the target that CLUSTER names; our own is brought up while its images are built.

    Compiling Kubernetes keeps the cores busy, building images mostly the network.

    Raises:
        RequirementsMissing: this machine cannot run a node.
        ClusterError: the cluster did not start, a build failed, or CLUSTER is not known.
    """
    wanted = environment.get("CLUSTER", "")
    if wanted == "current":
        return usercluster.find(environment, report)
    if wanted:
        raise ClusterError(f"CLUSTER: found `{wanted}`; write current, or leave it out")
    packages.ensure(report)
    if clusters.find() is None:  # before gigabytes are built for it
        requirements.require(control_plane_only=False)
    with ThreadPoolExecutor(1) as beside:
        built = beside.submit(builds.prepare, report, targets)
        cluster = lifecycle.up(Options(), report)
        built.result()
    return OwnNode(cluster)
