"""The node: one set of namespaces that holds containerd, kubelet, kube-proxy and every pod.

Its first process reaps orphans and does nothing else. Killing it makes the kernel kill every
process inside, and with the last one go all mounts, interfaces and packet-filter rules of the node:
nothing can be left over, whatever was killed before in whatever order.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import cgroups, processes
from tests.cluster.controlplane import wait_until
from tests.cluster.errors import ClusterError
from tests.cluster.layout import NODE_NAME, Layout
from tests.cluster.processes import run

INIT = "pause"
PAUSE_IMAGE = "localhost/pause:1.0"
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
CNI_PLUGINS = ("bridge", "host-local", "loopback")
# kubelet insists on these kernel parameters, which belong to the whole machine; inside the node it
# finds files that already say what it wants, so that it changes nothing.
KERNEL_PARAMETERS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
# Folders where programs inside write at fixed paths: the node has its own.
PRIVATE_FOLDERS = ("/var/log", "/var/lib/cni")


def cni_folder() -> Path | None:
    """Return the folder with the network plugins, None if they are not installed."""
    for folder in CNI_FOLDERS:
        if all((folder / plugin).exists() for plugin in CNI_PLUGINS):
            return folder
    return None


def start_init(layout: Layout, pause: Path) -> int:
    """Make the namespaces and return the number of their first process."""
    argv = ["unshare", "--fork", "--pid", "--mount", "--net", "--ipc", "--mount-proc", str(pause)]
    processes.start(f"{layout.identity}/{INIT}", argv, layout.logs / f"{INIT}.log")
    wait_until(lambda: INIT in processes.find(layout.identity), layout, INIT)
    init = processes.find(layout.identity)[INIT]
    _make_private(layout, init)
    return init


def _make_private(layout: Layout, init: int) -> None:
    """Give the node its own /run and its own folders where fixed paths are written to."""
    resolver = _resolver()
    parameters = layout.node / "kernel-parameters"
    script = ["set -e", "mount -t tmpfs -o mode=755 tmpfs /run"]
    for folder in PRIVATE_FOLDERS:
        own = layout.node / folder.strip("/").replace("/", "-")
        shutil.rmtree(own, ignore_errors=True)  # an earlier start's, where it was switched off
        own.mkdir(parents=True)
        Path(folder).mkdir(parents=True, exist_ok=True)
        script.append(f"mount --bind '{own}' {folder}")
    parameters.mkdir(exist_ok=True)
    for name, value in KERNEL_PARAMETERS.items():
        fake = parameters / name.replace("/", ".")
        fake.write_text(value + "\n")
        script.append(f"mount --bind '{fake}' /proc/sys/{name}")
    (layout.node / "resolv.conf").write_text(resolver)
    enter = ["nsenter", f"--target={init}", "--mount", "--pid"]
    run([*enter, "sh", "-c", "\n".join(script)])


def _resolver() -> str:
    """Return a resolv.conf that is of use inside a pod: no stub on a loopback address."""
    for path in ("/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"):
        if Path(path).exists():
            lines = Path(path).read_text().splitlines()
            return "\n".join(line for line in lines if "nameserver 127." not in line) + "\n"
    return ""


def _nameservers() -> list[str]:
    lines = [line.split() for line in _resolver().splitlines()]
    return [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]


def inside(init: int, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs a program in the node's namespaces."""
    return ["nsenter", f"--target={init}", "--mount", "--pid", "--net", "--ipc", *argv]


def start(layout: Layout, init: int, component: str, argv: Sequence[str]) -> None:
    """Start a program in the node."""
    mark = f"{layout.identity}/{component}"
    processes.start(mark, inside(init, argv), layout.logs / f"{component}.log")


def containerd_config(layout: Layout, store: Path) -> str:
    """Return containerd's configuration: images in `store`, sockets in the node's own /run."""
    plugins = json.dumps(str(cni_folder()))
    # Without CAP_SYS_RESOURCE no sandbox starts unless the OOM score is left alone.
    return f"""\
version = 2
root = {json.dumps(str(store))}
state = "/run/containerd"
oom_score = 0

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = {json.dumps(str(layout.node / "opt"))}

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = {plugins}
    conf_dir = {json.dumps(str(layout.node / "cni"))}
"""


def cni_config(layout: Layout) -> dict[str, object]:
    """Return the pods' network: a bridge with addresses from the node's range."""
    return {
        "cniVersion": "0.4.0",
        "name": "pods",
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": layout.network.pod_cidr}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }


def kubelet_config(layout: Layout) -> dict[str, object]:
    """Return kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": layout.network.node,
        "healthzBindAddress": "127.0.0.1",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        # There is no DNS in the cluster: pods ask whom this machine asks.
        "resolvConf": str(layout.node / "resolv.conf"),
        "clusterDNS": _nameservers(),
        "podLogsDir": str(layout.node / "pod-logs"),
        "volumePluginDir": str(layout.node / "volume-plugins"),
        "makeIPTablesUtilChains": False,
        "enforceNodeAllocatable": [],
        "maxPods": 200,
        "serializeImagePulls": False,
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
        # A disk that is nearly full would make kubelet delete our images and evict our pods.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%"},
    }


def proxy_config(layout: Layout) -> dict[str, object]:
    """Return kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "bindAddress": layout.network.node,
        "clusterCIDR": layout.network.pod_cidr,
        "hostnameOverride": NODE_NAME,
        "clientConnection": {"kubeconfig": str(layout.kubeconfig_of("system:kube-proxy"))},
        "conntrack": {"maxPerCore": 0, "min": 0},
        # Answers of a pod on the same bridge must come back through the node.
        "nftables": {"masqueradeAll": True},
    }


def write_files(layout: Layout, store: Path) -> None:
    """Write the configurations of the node's programs."""
    for folder in ("cni", "kubelet", "pod-logs", "opt", "volume-plugins"):
        (layout.node / folder).mkdir(parents=True)
    (layout.node / "containerd.toml").write_text(containerd_config(layout, store))
    (layout.node / "cni" / "10-pods.conf").write_text(json.dumps(cni_config(layout)))
    (layout.node / "kubelet.json").write_text(json.dumps(kubelet_config(layout)))
    (layout.node / "kube-proxy.json").write_text(json.dumps(proxy_config(layout)))


def start_containerd(layout: Layout, init: int) -> None:
    """Start containerd and wait until it answers; what an earlier node left in its store goes."""
    resume_containerd(layout, init)
    ctr = inside(init, ["ctr", "--namespace=k8s.io"])
    leftover = run([*ctr, "containers", "list", "--quiet"]).split()
    if leftover:
        run([*ctr, "containers", "delete", *leftover], timeout=120)
        processes.kill(layout.identity, "containerd")
        resume_containerd(layout, init)


def resume_containerd(layout: Layout, init: int) -> None:
    """Start containerd, which finds its containers again, and wait until it answers."""
    command = ["containerd", "--config", str(layout.node / "containerd.toml")]
    start(layout, init, "containerd", command)
    wait_until(lambda: _answers(init), layout, "containerd")


def _answers(init: int) -> bool:
    try:
        run(
            inside(init, ["ctr", "--namespace=k8s.io", "containers", "list", "--quiet"]), timeout=10
        )
    except ClusterError:
        return False
    return True


def start_kubelet(layout: Layout, init: int, kubelet: Path) -> None:
    """Start kubelet in a control group of its own."""
    cgroups.create(layout.cgroup)
    argv = [
        str(kubelet),
        f"--kubeconfig={layout.kubeconfig_of(f'system:node:{NODE_NAME}')}",
        f"--config={layout.node / 'kubelet.json'}",
        f"--hostname-override={NODE_NAME}",
        f"--root-dir={layout.node / 'kubelet'}",
        f"--cert-dir={layout.pki / 'kubelet'}",
        f"--node-ip={layout.network.node}",
        "--v=1",
    ]
    start(layout, init, "kubelet", argv)


def start_proxy(layout: Layout, init: int, proxy: Path) -> None:
    """Start kube-proxy."""
    start(layout, init, "kube-proxy", [str(proxy), f"--config={layout.node / 'kube-proxy.json'}"])


def remove_fixed_folders() -> None:
    """Remove the mount points that `start_init` may have made, if nothing is in them."""
    folder = Path("/var/lib/cni")
    if folder.is_dir() and not any(folder.iterdir()):
        shutil.rmtree(folder)
