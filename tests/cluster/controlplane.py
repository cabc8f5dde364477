"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler: files and command lines."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from ssl import create_default_context
from typing import Any

from tests.cluster import certificates, processes
from tests.cluster.errors import ClusterError
from tests.cluster.layout import NODE_NAME, Layout

NODE_USER = f"system:node:{NODE_NAME}"
READY_SECONDS = 90.0
UNSEEN_SECONDS = 3.0  # a program takes a moment to appear
# What the operator writes; with bodies on, these requests can be replayed from the audit log.
BODY_GROUPS = ("botcripto.io", "batch", "apps", "rbac.authorization.k8s.io", "events.k8s.io")
BODY_CORE = (
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "serviceaccounts",
    "services",
    "events",
)


def audit_policy(*, bodies: bool) -> dict[str, Any]:
    """Return the audit policy: who did what to which object with which result, for every request.

    With `bodies`, the requests that write objects of our own, of batch and of the core group are
    recorded whole; never those of secrets and tokens.
    """
    silent_users = ["system:apiserver", "system:kube-scheduler", "system:kube-proxy", NODE_USER]
    rules: list[dict[str, Any]] = [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/metrics"]},
        {
            "level": "None",
            "users": silent_users,
            "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
        },
    ]
    if bodies:
        groups = [{"group": group} for group in BODY_GROUPS]
        rules.append(
            {
                "level": "Request",
                "verbs": ["create", "update", "patch", "delete", "deletecollection"],
                "resources": [*groups, {"group": "", "resources": list(BODY_CORE)}],
            }
        )
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": True,
        "rules": [*rules, {"level": "Metadata"}],
    }


def write_files(layout: Layout, *, audit_bodies: bool) -> None:
    """Write certificates, tokens, kubeconfigs and the audit policy."""
    network = layout.network
    authority = certificates.Authority(layout.pki)
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"]
    addresses = ["127.0.0.1", network.host, network.api_service]
    authority.issue_server("apiserver", names, addresses)
    authority.issue_client("kubelet-client", "kube-apiserver", "system:masters")
    certificates.write_signing_key(layout.pki)
    users = {**certificates.USERS, NODE_USER: ("system:nodes",)}
    tokens = certificates.write_tokens(layout.pki, users)
    for user, token in tokens.items():
        path = layout.kubeconfig if user == "admin" else layout.kubeconfig_of(user)
        certificates.write_kubeconfig(path, layout.api_url, layout.pki / "ca.crt", token)
    policy = json.dumps(audit_policy(bodies=audit_bodies), indent=2)
    (layout.state / "audit-policy.json").write_text(policy)


def etcd_command(binary: Path, layout: Layout) -> list[str]:
    """Return the command line of etcd; its data is throw-away, so it does not wait for the disk."""
    client = f"http://127.0.0.1:{layout.network.etcd_port}"
    peer = f"http://127.0.0.1:{layout.network.etcd_peer_port}"
    return [
        str(binary),
        "--name=default",
        f"--data-dir={layout.state / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        "--logger=zap",
    ]


def apiserver_command(binary: Path, layout: Layout) -> list[str]:
    """Return the command line of kube-apiserver."""
    pki = layout.pki
    return [
        str(binary),
        f"--etcd-servers=http://127.0.0.1:{layout.network.etcd_port}",
        f"--bind-address={layout.api_address}",
        f"--advertise-address={layout.network.host}",
        f"--secure-port={layout.network.api_port}",
        f"--service-cluster-ip-range={layout.network.service_cidr}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--token-auth-file={pki / 'tokens.csv'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
        f"--service-account-key-file={pki / 'service-accounts.key'}",
        "--authorization-mode=Node,RBAC",
        # The last one is off by default and on in some distributions (OpenShift).
        "--enable-admission-plugins=NodeRestriction,PodSecurity,OwnerReferencesPermissionEnforcement",
        "--allow-privileged=true",
        f"--kubelet-client-certificate={pki / 'kubelet-client.crt'}",
        f"--kubelet-client-key={pki / 'kubelet-client.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--audit-policy-file={layout.state / 'audit-policy.json'}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking-strict",  # a request that was answered is in the log
        "--endpoint-reconciler-type=master-count",
        "--v=1",
    ]


def controller_manager_command(binary: Path, layout: Layout) -> list[str]:
    """Return the command line of kube-controller-manager."""
    kubeconfig = layout.kubeconfig_of("system:kube-controller-manager")
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={layout.pki / 'service-accounts.key'}",
        f"--root-ca-file={layout.pki / 'ca.crt'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.network.controller_manager_port}",
        f"--cert-dir={layout.pki / 'controller-manager'}",
        "--v=1",
    ]


def scheduler_command(binary: Path, layout: Layout) -> list[str]:
    """Return the command line of kube-scheduler."""
    kubeconfig = layout.kubeconfig_of("system:kube-scheduler")
    return [
        str(binary),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.network.scheduler_port}",
        f"--cert-dir={layout.pki / 'scheduler'}",
        "--v=1",
    ]


def start(layout: Layout, component: str, argv: Sequence[str]) -> None:
    """Start one component of the control plane."""
    processes.start(f"{layout.identity}/{component}", argv, layout.logs / f"{component}.log")


def is_ready(layout: Layout) -> bool:
    """Say whether the API server serves and all its start-up hooks are done."""
    context = create_default_context(cafile=str(layout.pki / "ca.crt"))
    request = urllib.request.Request(f"{layout.api_url}/readyz")
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until(
    ready: Callable[[], bool], layout: Layout, component: str, seconds: float = READY_SECONDS
) -> None:
    """Wait until `ready` says so, as long as `component` lives.

    Raises:
        ClusterError: the component died or was not ready in time; with the end of its log.
    """
    started = last_seen = time.monotonic()
    while not ready():
        now = time.monotonic()
        if component in processes.find(layout.identity):
            last_seen = now
        if now - last_seen > UNSEEN_SECONDS:
            raise ClusterError(f"{component} ended by itself\n{log_tail(layout, component)}")
        if now - started > seconds:
            tail = log_tail(layout, component)
            raise ClusterError(f"{component} is not ready after {seconds:g} s\n{tail}")
        time.sleep(0.1)


def log_tail(layout: Layout, component: str, lines: int = 12) -> str:
    """Return the end of a component's log."""
    path = layout.logs / f"{component}.log"
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(["  " + line[:400] for line in text.splitlines()[-lines:]])
