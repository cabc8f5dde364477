"""Brings a cluster up and down; the handle that tests and the demo work with."""

import json
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster import (
    binaries,
    cleanup,
    controlplane,
    network,
    node,
    oci,
    processes,
    requirements,
    storage,
    stores,
)
from tests.cluster.binaries import Report
from tests.cluster.claims import Claims, exclusive
from tests.cluster.controlplane import wait_until
from tests.cluster.errors import ClusterError
from tests.cluster.layout import (
    CHECKOUT,
    Layout,
    Network,
    cluster_id,
    clusters_folder,
    preferred_slot,
)
from tests.cluster.processes import run

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
NODE = ("kube-scheduler", node.INIT, "containerd", "kubelet", "kube-proxy")
NODE_READY_SECONDS = 90.0
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


def up(options: Options, report: Report) -> Cluster:
    """Bring a cluster up, or find it up.

    Raises:
        RequirementsMissing: this machine cannot run it.
        ClusterError: it did not start; nothing of it is left then.
    """
    identity = cluster_id(options.checkout, options.name)
    with exclusive(identity):
        cluster = find(options.name, options.checkout)
        if cluster is not None and is_whole(cluster) and _serves(cluster, options):
            recycled = 0 if cluster.layout.control_plane_only else cluster.recycle_volumes()
            report(f"the cluster is up already ({recycled} volumes recycled)")
            return cluster
        requirements.require(control_plane_only=options.control_plane_only)
        if cluster is not None:
            report("the cluster is not whole, or of the other kind: removed, and started anew")
        _remove(identity)
        try:
            return _start(identity, options, report)
        except BaseException:
            _remove(identity)
            raise


def _serves(cluster: Cluster, options: Options) -> bool:
    """A cluster with a node also serves who asked for a control plane alone."""
    return options.control_plane_only or not cluster.layout.control_plane_only


def _start(identity: str, options: Options, report: Report) -> Cluster:
    names = binaries.CONTROL_PLANE + (() if options.control_plane_only else binaries.NODE)
    programs = binaries.ensure(names, report)
    claims = Claims.of_user()
    slots = network.free_slots(preferred_slot(identity), network.routes())
    slot = claims.take("slot", slots, identity)
    state = clusters_folder() / identity
    state.mkdir(parents=True)
    layout = Layout(identity, state, Network(slot), options.control_plane_only)
    store = None
    if not options.control_plane_only:
        store = stores.take(claims, identity)
        stores.prune(claims, identity)
    cluster = Cluster(layout, programs["kubectl"], store)
    _write_record(cluster)
    controlplane.write_files(layout, audit_bodies=options.audit_bodies)
    started = time.monotonic()
    if store is None:
        _start_control_plane(cluster, programs)
    else:
        _start_all(cluster, programs, claims)
    report(f"the cluster is up after {time.monotonic() - started:.0f} s: {layout.api_url}")
    return cluster


def _write_record(cluster: Cluster) -> None:
    record = {
        "slot": cluster.layout.network.slot,
        "control_plane_only": cluster.layout.control_plane_only,
        "kubectl": str(cluster.kubectl_program),
        "store": cluster.store,
    }
    (cluster.state / RECORD).write_text(json.dumps(record))


def _start_control_plane(cluster: Cluster, programs: Mapping[str, Path]) -> None:
    layout = cluster.layout
    controlplane.start(layout, "etcd", controlplane.etcd_command(programs["etcd"], layout))
    command = controlplane.apiserver_command(programs["kube-apiserver"], layout)
    controlplane.start(layout, "kube-apiserver", command)
    wait_until(lambda: controlplane.is_ready(layout), layout, "kube-apiserver")
    name = "kube-controller-manager"
    command = controlplane.controller_manager_command(programs[name], layout)
    controlplane.start(layout, name, command)
    # The first sign of its work, and what every pod and many tests need.
    wait_until(lambda: _exists(cluster, "serviceaccount/default"), layout, name)


def _exists(cluster: Cluster, what: str) -> bool:
    return bool(cluster.kubectl("get", what, "--ignore-not-found", "--output=name"))


def _start_all(cluster: Cluster, programs: Mapping[str, Path], claims: Claims) -> None:
    layout = cluster.layout
    node.write_files(layout, cluster.store_folder)
    storage.make_folders(layout)
    init = node.start_init(layout, programs[binaries.PAUSE])
    network.connect(layout, init)
    network.open_outside(layout, claims)
    with ThreadPoolExecutor() as pool:
        containers = pool.submit(_start_containers, cluster, init, programs[binaries.PAUSE])
        _start_control_plane(cluster, programs)
        name = "kube-scheduler"
        command = controlplane.scheduler_command(programs[name], layout)
        controlplane.start(layout, name, command)
        containers.result()
    node.start_kubelet(layout, init, programs["kubelet"])
    node.start_proxy(layout, init, programs["kube-proxy"])
    volumes = yaml.safe_dump_all(storage.objects(layout))
    cluster.kubectl("create", "--filename=-", stdin=volumes)
    wait_until(lambda: _is_node_ready(cluster), layout, "kubelet", NODE_READY_SECONDS)


def _start_containers(cluster: Cluster, init: int, pause: Path) -> None:
    node.start_containerd(cluster.layout, init)
    archive = oci.program_image(pause, node.PAUSE_IMAGE)
    subprocess.run(
        cluster.ctr("images", "import", "-"), input=archive, check=True, capture_output=True
    )


def _is_node_ready(cluster: Cluster) -> bool:
    query = '{.items[*].status.conditions[?(@.type=="Ready")].status}'
    return cluster.kubectl("get", "nodes", f"--output=jsonpath={query}").strip() == "True"


def down(report: Report, name: str = "", checkout: Path = CHECKOUT) -> None:
    """Remove a cluster and everything it made outside the cache folder."""
    identity = cluster_id(checkout, name)
    with exclusive(identity):
        _remove(identity)
    report("the cluster is down; nothing of it is left but the caches")


def _remove(identity: str) -> None:
    slot = preferred_slot(identity)  # a removal needs no address
    cleanup.remove(Layout(identity, clusters_folder() / identity, Network(slot), False))
