"""`CLUSTER=current`: the cluster that the user's kubectl points at; only images are brought to it.

`CONTEXT` must repeat the name of kubectl's current context, so that nothing is installed into a
cluster that one forgot to leave. Images are built by docker, else by buildah, and loaded by the
tool of a local cluster (kind, k3d, minikube) or pushed to `IMAGE_REPO`.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import binaries, buildah, images, processes
from tests.cluster.binaries import Report
from tests.cluster.errors import ClusterError
from tests.cluster.images import Target
from tests.cluster.install import Images
from tests.cluster.layout import CHECKOUT
from tests.cluster.processes import run

LOAD_SECONDS = 1800
# prefix of the context's name → the tool that loads images, and its command line before the names
LOADERS: Mapping[str, Sequence[str]] = {
    "kind-": ("kind", "load", "docker-image", "--name={cluster}"),
    "k3d-": ("k3d", "image", "import", "--cluster={cluster}"),
    "minikube": ("minikube", "image", "load", "--profile={cluster}"),
}
ARCHIVE_LOADERS: Mapping[str, Sequence[str]] = {
    **LOADERS,
    "kind-": ("kind", "load", "image-archive", "--name={cluster}"),
}


@dataclass(frozen=True, slots=True)
class UserCluster:
    """The cluster of one context of the user's kubeconfig."""

    context: str
    kubectl_program: str
    repository: str | None

    @property
    def environment(self) -> str:
        """A shell line after which kubectl speaks to the cluster."""
        return f"kubectl config use-context {self.context}"

    @property
    def removal(self) -> str:
        """The command that removes what was installed."""
        return (
            "kubectl delete namespace --selector=app.kubernetes.io/part-of=botcripto; "
            "kubectl delete --filename=crds/"
        )

    def kubectl(self, *args: str, stdin: str | None = None, timeout: float = 60) -> str:
        """Run kubectl against this context and return what it printed.

        Raises:
            ClusterError: kubectl failed; with what it said.
        """
        argv = [self.kubectl_program, f"--context={self.context}", *args]
        return run(argv, stdin=stdin, timeout=timeout)

    def ensure_images(self, report: Report, targets: Sequence[Target] = images.TARGETS) -> Images:
        """Build images of this checkout and bring them to where the cluster's nodes find them.

        Raises:
            ClusterError: there is no builder, no way to the nodes, or a step failed.
        """
        loader = loader_of(self.context, LOADERS)
        if loader is None and self.repository is None:
            known = ", ".join(LOADERS)
            raise ClusterError(
                f"context `{self.context}` is of no local cluster whose image loader is known "
                f"({known}): set IMAGE_REPO to a registry that its nodes pull from"
            )
        if _works("docker"):
            return self._by_docker(report, targets)
        if processes.which("buildah"):
            return self._by_buildah(report, targets)
        raise ClusterError("no builder of images: install docker, or (as root) buildah")

    def _by_docker(self, report: Report, targets: Sequence[Target]) -> Images:
        registry = self.repository or images.REGISTRY
        commit = images.git_commit()
        names = images.names("docker", commit, registry, targets=targets)
        for target in targets:
            name = names[target.name]
            report(f"building {name}")
            run(
                [
                    "docker", "build", f"--file={CHECKOUT / target.dockerfile}",
                    f"--target={target.name}", f"--build-arg=GIT_COMMIT={commit}",
                    f"--tag={name}", str(CHECKOUT),
                ],
                timeout=LOAD_SECONDS,
            )  # fmt: skip
            report(f"loading {name}")
            loader = loader_of(self.context, LOADERS)
            if self.repository is not None or loader is None:
                run(["docker", "push", name], timeout=LOAD_SECONDS)
            else:
                run([*loader, name], timeout=LOAD_SECONDS)
        return images.to_images(names)

    def _by_buildah(self, report: Report, targets: Sequence[Target]) -> Images:
        registry = self.repository or images.REGISTRY
        with buildah.exclusive(report):
            base = buildah.base_image(report)
            commit = images.git_commit()
            names = images.build(base, commit, report, registry=registry, targets=targets)
            for name in names.values():
                report(f"loading {name}")
                self._load_by_buildah(name)
        return images.to_images(names)

    def _load_by_buildah(self, name: str) -> None:
        loader = loader_of(self.context, ARCHIVE_LOADERS)
        if self.repository is not None or loader is None:
            buildah.run("push", "--quiet", name, f"docker://{name}")
            return
        with tempfile.TemporaryDirectory(dir=buildah.temporary_folder()) as folder:
            archive = Path(folder) / "image.tar"
            buildah.run("push", "--quiet", name, f"docker-archive:{archive}:{name}")
            run([*loader, str(archive)], timeout=LOAD_SECONDS)


def _works(program: str) -> bool:
    """Say whether a container engine is there and answers."""
    if processes.which(program) is None:
        return False
    try:
        run([program, "version", "--format={{.Server.Version}}"], timeout=30)
    except ClusterError:
        return False
    return True


def loader_of(context: str, loaders: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Return the command that loads images into a local cluster; None if the context has none."""
    for prefix, command in loaders.items():
        if context.startswith(prefix):
            cluster = context.removeprefix(prefix) if prefix.endswith("-") else context
            return [word.format(cluster=cluster) for word in command]
    return None


def find(environment: Mapping[str, str], report: Report) -> UserCluster:
    """Return the cluster of kubectl's current context, once `CONTEXT` confirms its name.

    Raises:
        ClusterError: there is no current context, or it is not the one confirmed.
    """
    kubectl = processes.which("kubectl") or str(binaries.ensure(["kubectl"], report)["kubectl"])
    try:
        current = run([kubectl, "config", "current-context"]).strip()
    except ClusterError as error:
        raise ClusterError(
            "CLUSTER=current, but kubectl has no current context: set KUBECONFIG, or "
            "run `kubectl config use-context NAME`"
        ) from error
    confirm(current, environment.get("CONTEXT", ""))
    return UserCluster(current, kubectl, environment.get("IMAGE_REPO") or None)


def confirm(current: str, confirmed: str) -> None:
    """Hold `CONTEXT` against the name of the current context.

    Raises:
        ClusterError: they differ.
    """
    if confirmed != current:
        raise ClusterError(
            f"CONTEXT is {f'`{confirmed}`' if confirmed else 'not set'}, kubectl's current context "
            f"is `{current}`: set CONTEXT={current} to say that you mean this cluster"
        )
