"""What a cluster could leave on this machine, read straight from the kernel."""

import json
import subprocess
from pathlib import Path

from tests.cluster import cgroups, processes

# They change by themselves: counters, random numbers, the last process number.
VOLATILE = (
    "kernel/ns_last_pid",
    "kernel/random/",
    "kernel/pty/nr",
    "kernel/tainted",
    "net/netfilter/nf_conntrack_count",
    "net/ipv4/conf/bc-",
    "net/ipv4/neigh/bc-",
    "net/ipv6/",
    "vm/stat_refresh",
    "vm/compact_memory",
)
# Where programs of a node write when nobody tells them otherwise.
FOLDERS = ("/etc", "/opt", "/run", "/run/netns", "/tmp", "/var/lib", "/var/log", "/var/run", "/")
TELLING = ("botcripto", "kube", "containerd", "cni", "runc", "etcd", "pods")


def _output(*argv: str) -> str:
    if processes.which(argv[0]) is None:
        return ""
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def snapshot() -> dict[str, object]:
    """Return everything that must be the same before a cluster and after it."""
    links = json.loads(_output("ip", "-json", "link") or "[]")
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return {
        "mounts": sorted(line.split(" - ")[0].split()[4] for line in mounts),
        "links": sorted(link["ifname"] for link in links),
        "routes": sorted(_output("ip", "route").splitlines()),
        "packet filter": _output("nft", "list", "tables"),
        "iptables": _without_comments(_output("iptables-save")),
        "control groups": sorted(str(g) for root in cgroups.hierarchies() for g in _groups(root)),
        "kernel parameters": _kernel_parameters(),
        "files": _telling_files(),
    }


def _without_comments(rules: str) -> list[str]:
    return [line.split("[")[0] for line in rules.splitlines() if not line.startswith("#")]


def _groups(root: Path) -> list[Path]:
    return [child for child in root.iterdir() if child.is_dir()]


def _kernel_parameters() -> dict[str, str]:
    found = {}
    for area in ("vm", "kernel", "net"):
        for path in Path("/proc/sys", area).rglob("*"):
            name = str(path.relative_to("/proc/sys"))
            if path.is_file() and not name.startswith(VOLATILE):
                try:
                    found[name] = path.read_text()
                except OSError:
                    continue  # write-only, or of hardware that is not here
    return found


def _telling_files() -> list[str]:
    found = []
    for folder in map(Path, FOLDERS):
        if folder.is_dir():
            found += [str(p) for p in folder.iterdir() if any(w in p.name for w in TELLING)]
    return sorted(found)


def births(identity: str) -> dict[int, str]:
    """Return number → start time of every process of a cluster, those inside its pods included."""
    marked = processes.find(identity)
    namespace = _namespace(marked["pause"]) if "pause" in marked else None
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            pid = int(entry.name)
            inside = namespace is not None and _namespace(pid) == namespace
            if (inside or pid in marked.values()) and (start := start_time(pid)):
                found[pid] = start
    return found


def _namespace(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/pid_for_children").readlink())
    except OSError:
        return None


def start_time(pid: int) -> str | None:
    """Return when a process started, in the kernel's own unit; None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
