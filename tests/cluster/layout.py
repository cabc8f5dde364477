"""Names, addresses, ports and paths of one cluster, all from its checkout, its name and its slot.

The id follows from the checkout's path and the cluster's name, so that two checkouts, or a cluster
and an integration control plane of one checkout, never share a name. Addresses and ports follow
from the slot, a small number that starts as a function of the id and moves on when another cluster
holds it (see claims.py).
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from tools.environment import cache_folder

CHECKOUT = Path(__file__).resolve().parents[2]
SLOTS = 128
FIRST_PORT = 21000  # below the range that Linux gives to outgoing connections
PORTS_PER_SLOT = 8
NODE_NAME = "botcripto-node"


def cluster_id(checkout: Path, name: str) -> str:
    """Return the id of the cluster `name` of a checkout: eight hexadecimal digits."""
    return hashlib.sha256(f"{checkout}\0{name}".encode()).hexdigest()[:8]


def preferred_slot(identity: str) -> int:
    """Return the slot that a cluster asks for first."""
    return int(identity, 16) % SLOTS


def clusters_folder() -> Path:
    """Return the folder of all clusters' states: under XDG_STATE_HOME where set, else the cache."""
    configured = Path(os.environ.get("XDG_STATE_HOME", ""))
    root = configured / "botcripto" if configured.is_absolute() else cache_folder()
    return root / "clusters"


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses and ports of one slot.

    The node is a network namespace of its own, joined to this machine by one pair of interfaces:
    `host` is this machine's end, `node` the node's. The control plane listens on this machine.
    """

    slot: int

    @property
    def host(self) -> str:
        """This machine's address, as the node and its pods see it."""
        return f"10.201.{self.slot}.1"

    @property
    def node(self) -> str:
        """The node's address."""
        return f"10.201.{self.slot}.2"

    @property
    def link_cidr(self) -> str:
        """The network of the pair of interfaces."""
        return f"10.201.{self.slot}.0/24"

    @property
    def pod_cidr(self) -> str:
        """The pods' network."""
        return f"10.202.{self.slot}.0/24"

    @property
    def service_cidr(self) -> str:
        """The network of the Services' virtual addresses."""
        return f"10.203.{self.slot}.0/24"

    @property
    def api_service(self) -> str:
        """The virtual address of the Service `kubernetes`."""
        return f"10.203.{self.slot}.1"

    def _port(self, number: int) -> int:
        return FIRST_PORT + PORTS_PER_SLOT * self.slot + number

    @property
    def api_port(self) -> int:
        """The port of kube-apiserver."""
        return self._port(0)

    @property
    def etcd_port(self) -> int:
        """The port of etcd for its clients."""
        return self._port(1)

    @property
    def etcd_peer_port(self) -> int:
        """The port of etcd for its peers, of which there are none."""
        return self._port(2)

    @property
    def controller_manager_port(self) -> int:
        """The port of kube-controller-manager's health."""
        return self._port(3)

    @property
    def scheduler_port(self) -> int:
        """The port of kube-scheduler's health."""
        return self._port(4)

    @property
    def ports(self) -> range:
        """Every port of the slot."""
        return range(self.api_port, self.api_port + PORTS_PER_SLOT)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything of one cluster is: `state` holds all its files, `network` its addresses."""

    identity: str
    state: Path
    network: Network
    control_plane_only: bool

    @property
    def interface(self) -> str:
        """This machine's end of the pair of interfaces (at most 15 characters)."""
        return f"bc-{self.identity}"

    @property
    def cgroup(self) -> str:
        """The control group, in every hierarchy, under which all pods run."""
        return f"botcripto-{self.identity}"

    @property
    def packet_filter(self) -> str:
        """The nftables table on this machine that lets pods reach the outside."""
        return f"botcripto-{self.identity}"

    @property
    def api_address(self) -> str:
        """The address that kube-apiserver listens on."""
        return "127.0.0.1" if self.control_plane_only else self.network.host

    @property
    def api_url(self) -> str:
        """The address of the API."""
        return f"https://{self.api_address}:{self.network.api_port}"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the cluster's administrator."""
        return self.state / "kubeconfig"

    @property
    def audit_log(self) -> Path:
        """One JSON line per request to the API, in the order of their ends."""
        return self.state / "audit.log"

    @property
    def pki(self) -> Path:
        """Certificates, keys and tokens."""
        return self.state / "pki"

    @property
    def logs(self) -> Path:
        """One log per component."""
        return self.state / "logs"

    @property
    def node(self) -> Path:
        """Files of containerd, kubelet and the pods."""
        return self.state / "node"

    @property
    def volumes(self) -> Path:
        """The folders behind the PersistentVolumes."""
        return self.state / "volumes"

    def kubeconfig_of(self, user: str) -> Path:
        """Return the path of a component's kubeconfig."""
        return self.pki / f"{user}.kubeconfig"
