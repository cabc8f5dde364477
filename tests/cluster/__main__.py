"""`python -m tests.cluster`: the cluster's command line."""

import argparse
import dataclasses
import os
import shlex
import sys

from tests.cluster import (
    binaries,
    cluster,
    controlplane,
    images,
    lifecycle,
    packages,
    processes,
    requirements,
    usercluster,
)
from tests.cluster.errors import ClusterError, RequirementsMissing

EXIT_FAILED = 1
EXIT_REQUIREMENTS = 3
BODIES = "BOTCRIPTO_AUDIT_BODIES"


def report(message: str) -> None:
    """Print progress at once, also into a pipe."""
    print(message, flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    texts = {
        "up": "bring the cluster up, or find it up",
        "resume": "switch the cluster on again, as it stood when this machine went off",
        "down": "remove the cluster and all it made outside the cache folder",
        "status": "show the components, the addresses and how to use kubectl",
        "images": "build the images and bring them to the cluster",
        "check": "say what this machine lacks to run a cluster (exit code 3)",
        "env": "print KUBECONFIG and paths as shell exports",
    }
    for name, text in texts.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--name", default="", help="a cluster beside the checkout's own")
        if name in {"up", "check"}:
            command.add_argument(
                "--control-plane-only",
                action="store_true",
                help="etcd, kube-apiserver and kube-controller-manager; needs no root",
            )
        if name == "up":
            command.add_argument(
                "--audit-bodies",
                action="store_true",
                default=os.environ.get(BODIES, "") not in {"", "0"},
                help=f"record the bodies of writes in the audit log (also {BODIES}=1)",
            )
            command.add_argument(
                "--no-install", action="store_true", help="install no missing Debian packages"
            )
    return parser.parse_args(arguments)


def up(arguments: argparse.Namespace) -> None:
    """Install what is missing, bring the cluster up, and say how to use it."""
    wanted = not (arguments.control_plane_only or arguments.no_install)
    if wanted:
        packages.ensure(report)
    options = cluster.Options(arguments.name, arguments.control_plane_only, arguments.audit_bodies)
    running = lifecycle.up(options, report)
    report(f"export KUBECONFIG={shlex.quote(str(running.kubeconfig))}")


def status(name: str) -> int:
    """Print what runs; return 1 unless the whole cluster does."""
    found = cluster.find(name)
    if found is None:
        print("the cluster is down; bring it up: make cluster-up")
        return EXIT_FAILED
    running = processes.find(found.layout.identity)
    serves = controlplane.is_ready(found.layout)
    print(f"cluster     {found.layout.identity} (Kubernetes {binaries.release().version})")
    for component in found.components:
        pid = running.get(component)
        print(f"  {component:24} {f'running, process {pid}' if pid else 'NOT RUNNING'}")
    print(f"API         {found.layout.api_url} ({'ready' if serves else 'NOT READY'})")
    print(f"kubeconfig  {found.kubeconfig}")
    print(f"audit log   {found.audit_log}")
    print(f"logs        {found.layout.logs}")
    print(f"use it      export KUBECONFIG={shlex.quote(str(found.kubeconfig))}")
    print(f"            {found.kubectl_program} get nodes")
    return 0 if serves and all(c in running for c in found.components) else EXIT_FAILED


def environment(name: str) -> None:
    """Print shell exports: `eval "$(python -m tests.cluster env)"`.

    Raises:
        ClusterError: there is no cluster.
    """
    found = cluster.find(name)
    if found is None:
        raise ClusterError("the cluster is down; bring it up: make cluster-up")
    values = {
        "KUBECONFIG": found.kubeconfig,
        "BOTCRIPTO_KUBECTL": found.kubectl_program,
        "BOTCRIPTO_AUDIT_LOG": found.audit_log,
        "BOTCRIPTO_CLUSTER_STATE": found.state,
        "BOTCRIPTO_GATEWAY_IP": found.gateway_ip,
    }
    for key, value in values.items():
        print(f"export {key}={shlex.quote(str(value))}")


def print_images(name: str) -> None:
    """Build the images, bring them to the cluster, and print their names.

    Raises:
        ClusterError: there is no cluster, or a build failed.
    """
    if os.environ.get("CLUSTER") == "current":
        built = usercluster.find(os.environ, report).ensure_images(report)
    else:
        running = cluster.find(name)
        if running is None:
            raise ClusterError("the cluster is down; bring it up: make cluster-up")
        built = images.ensure(running, report)
    for field in dataclasses.fields(built):
        print(f"{field.name:14} {getattr(built, field.name)}")


def check(*, control_plane_only: bool) -> int:
    """Print every requirement; return 3 when one is not met."""
    found = requirements.check(control_plane_only=control_plane_only)
    for requirement in found:
        mark = "ok" if requirement.met else "MISSING"
        print(f"{mark:8} {requirement.name:28} {requirement.found}")
        if not requirement.met:
            print(f"{'':8} → {requirement.remedy}")
    return 0 if all(r.met for r in found) else EXIT_REQUIREMENTS


def main(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    parsed = parse(arguments)
    try:
        match parsed.command:
            case "up":
                up(parsed)
            case "down":
                lifecycle.down(report, parsed.name)
            case "resume":
                lifecycle.resume(report, parsed.name)
            case "status":
                return status(parsed.name)
            case "env":
                environment(parsed.name)
            case "images":
                print_images(parsed.name)
            case "check":
                return check(control_plane_only=parsed.control_plane_only)
    except RequirementsMissing as error:
        print(error, file=sys.stderr)
        return EXIT_REQUIREMENTS
    except ClusterError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
