"""Brings a cluster up, switches it on again after a loss of power, and takes it down."""

import json
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.cluster import (
    binaries,
    cleanup,
    controlplane,
    network,
    node,
    oci,
    requirements,
    storage,
    stores,
)
from tests.cluster.binaries import Report
from tests.cluster.claims import Claims, exclusive
from tests.cluster.cluster import RECORD, Cluster, Options, find, is_whole
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

NODE_READY_SECONDS = 90.0


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


def resume(report: Report, name: str = "", checkout: Path = CHECKOUT) -> Cluster:
    """Switch a cluster on again that lost its power, as it stood: objects, volumes and images.

    Its containers are gone, as on any machine that was switched off. A whole cluster is left alone.

    Raises:
        ClusterError: there is none, its addresses or image store are another's by now, or it did
            not start; its files are kept.
    """
    identity = cluster_id(checkout, name)
    with exclusive(identity):
        cluster = find(name, checkout)
        if cluster is None:
            raise ClusterError(f"no cluster {name or 'of this checkout'} to switch on again")
        if is_whole(cluster):
            return cluster
        layout, claims = cluster.layout, Claims.of_user()
        requirements.require(control_plane_only=layout.control_plane_only)
        programs = binaries.ensure(_programs(layout), report)
        cleanup.stop(layout)
        claims.take("slot", iter([layout.network.slot]), identity)
        if cluster.store is not None:
            claims.take("store", iter([cluster.store]), identity)
        started = time.monotonic()
        _start_programs(cluster, programs, claims)
        report(f"the cluster is up again after {time.monotonic() - started:.0f} s")
        return cluster


def _programs(layout: Layout) -> tuple[str, ...]:
    return binaries.CONTROL_PLANE + (() if layout.control_plane_only else binaries.NODE)


def _serves(cluster: Cluster, options: Options) -> bool:
    """A cluster with a node also serves who asked for a control plane alone."""
    return options.control_plane_only or not cluster.layout.control_plane_only


def _start(identity: str, options: Options, report: Report) -> Cluster:
    claims = Claims.of_user()
    slots = network.free_slots(preferred_slot(identity), network.routes())
    slot = claims.take("slot", slots, identity)
    state = clusters_folder() / identity
    layout = Layout(identity, state, Network(slot), options.control_plane_only)
    programs = binaries.ensure(_programs(layout), report)
    state.mkdir(parents=True)
    store = None
    if not options.control_plane_only:
        store = stores.take(claims, identity)
        stores.prune(claims, identity)
    cluster = Cluster(layout, programs["kubectl"], store)
    _write_record(cluster)
    controlplane.write_files(layout, audit_bodies=options.audit_bodies)
    started = time.monotonic()
    if store is not None:
        node.write_files(layout, stores.folder(store))
        storage.make_folders(layout)
    _start_programs(cluster, programs, claims)
    if store is not None:
        volumes = yaml.safe_dump_all(storage.objects(layout))
        cluster.kubectl("create", "--filename=-", stdin=volumes)
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


def _start_programs(cluster: Cluster, programs: Mapping[str, Path], claims: Claims) -> None:
    if cluster.layout.control_plane_only:
        _start_control_plane(cluster, programs)
    else:
        _start_all(cluster, programs, claims)


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
