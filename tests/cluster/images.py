"""The product's images: what each is made of, its content tag, and getting it to where pods run.

An image's tag follows from its base, its Dockerfile, its locks, its code and the commit. Libraries
follow from the first three alone, in layers that builder and containerd keep.
"""

import hashlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import buildah, previous_release, transfer
from tests.cluster.binaries import Report
from tests.cluster.cluster import Cluster
from tests.cluster.install import Images
from tests.cluster.layout import CHECKOUT

REGISTRY = "localhost/botcripto"
GROUP = "botcripto.io"
KEPT = 3  # builds of each image that stay, for going back and forth between branches


@dataclass(frozen=True, slots=True)
class Target:
    """One image: its name, Dockerfile, what decides its libraries, and the code that it holds."""

    name: str
    dockerfile: str
    libraries: tuple[str, ...]
    code: tuple[str, ...]


LEAVE_OUT = "tools/leave_out.py"
TARGETS = (
    Target(
        "operator",
        "Dockerfile.operator",
        ("requirements/operator.txt",),
        ("operator/bot_operator", "bot_runtime/__init__.py", "bot_runtime/contract"),
    ),
    Target("exchange", "Dockerfile.runtime", ("requirements/exchange.txt",), ("bot_exchange",)),
    Target("infer", "Dockerfile.runtime", ("requirements/infer.txt", LEAVE_OUT), ("bot_runtime",)),
    Target(
        "train-trees",
        "Dockerfile.runtime",
        ("requirements/train-trees.txt", LEAVE_OUT),
        ("bot_runtime",),
    ),
    Target(
        "train",
        "Dockerfile.runtime",
        ("requirements/train.txt", LEAVE_OUT),
        ("bot_runtime",),
    ),
)
WITHOUT_TORCH = tuple(target for target in TARGETS if target.name != "train")
"""What bots of trees need: `train` is larger than all the others, and takes longer to build."""


def libraries_digest(target: Target, base: str, checkout: Path = CHECKOUT) -> str:
    """Return the digest of what decides an image's libraries: base, Dockerfile and locks."""
    digest = hashlib.sha256(base.encode())
    for path in (target.dockerfile, *target.libraries):
        digest.update(b"\0" + (checkout / path).read_bytes())
    return digest.hexdigest()


def content_tag(target: Target, base: str, commit: str, checkout: Path = CHECKOUT) -> str:
    """Return an image's tag: a digest of its libraries, and one of its code and the commit."""
    libraries = libraries_digest(target, base, checkout)[:12]
    digest = hashlib.sha256(commit.encode())
    for path in code_files(target, checkout):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"\0{path.relative_to(checkout)}\0{content}".encode())
    return f"{libraries}-{digest.hexdigest()[:12]}"


def family(target: Target, base: str, registry: str = REGISTRY) -> str:
    """Return how the names of all images with these libraries begin, whatever their code."""
    return f"{registry}/{target.name}:{libraries_digest(target, base)[:12]}-"


def code_files(target: Target, checkout: Path = CHECKOUT) -> list[Path]:
    """Return the files that an image takes from the checkout, in a fixed order."""
    found: list[Path] = []
    for name in target.code:
        path = checkout / name
        found += path.rglob("*") if path.is_dir() else [path]
    return sorted(p for p in found if p.is_file() and "__pycache__" not in p.parts)


def git_commit(checkout: Path = CHECKOUT) -> str:
    """Return the checkout's commit, `+dirty` with changes not committed, `unknown` without git."""
    head = _git(checkout, "rev-parse", "HEAD")
    if head is None:
        return "unknown"
    return f"{head}+dirty" if _git(checkout, "status", "--porcelain") else head


def _git(checkout: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], cwd=checkout, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def prepare(report: Report, targets: Sequence[Target] = TARGETS) -> None:
    """Build this checkout's images, for `ensure` to find; no cluster has to be up.

    Raises:
        ClusterError: a build failed.
    """
    with buildah.exclusive(report):
        build(buildah.base_image(report), git_commit(), report, targets=targets)


def ensure(
    cluster: Cluster,
    report: Report,
    commit: str | None = None,
    checkout: Path = CHECKOUT,
    targets: Sequence[Target] = TARGETS,
) -> Images:
    """Build what is not built and bring to the node what it does not have; return the names.

    Raises:
        ClusterError: a build failed.
    """
    with buildah.exclusive(report):
        base = buildah.base_image(report)
        commit = commit or git_commit(checkout)
        wanted = build(base, commit, report, checkout=checkout, targets=targets)
        # After the build, which takes layers from older ones; before gigabytes are loaded.
        current = [*wanted.values(), *_names_of_both_releases(base)]
        prune_storage(current)
        prune_node(cluster, current)
        present = transfer.image_names(cluster)
        for name in wanted.values():
            if name not in present:
                report(f"loading {name}")
                transfer.import_image(cluster, name)
    return to_images(wanted)


def names(
    base: str,
    commit: str,
    registry: str = REGISTRY,
    checkout: Path = CHECKOUT,
    targets: Sequence[Target] = TARGETS,
) -> dict[str, str]:
    """Return target name → image name of a checkout's images on a base."""
    return {
        t.name: f"{registry}/{t.name}:{content_tag(t, base, commit, checkout)}" for t in targets
    }


def _names_of_both_releases(base: str) -> list[str]:
    """Return this checkout's images, and those of the release before once it is checked out."""
    found = names(base, git_commit())
    if (files := previous_release.folder()).is_dir():
        before = names(base, previous_release.COMMIT, checkout=files, targets=WITHOUT_TORCH)
        return [*found.values(), *before.values()]
    return list(found.values())


def build(
    base: str,
    commit: str,
    report: Report,
    *,
    registry: str = REGISTRY,
    checkout: Path = CHECKOUT,
    targets: Sequence[Target] = TARGETS,
) -> dict[str, str]:
    """Build the images that the storage does not have; return target name → image name."""
    wanted = names(base, commit, registry, checkout, targets)
    for target in targets:
        name = wanted[target.name]
        if not buildah.exists(name):
            report(f"building {name}")
            arguments = {"BASE_IMAGE": base, "GIT_COMMIT": commit}
            order = buildah.Build(checkout / target.dockerfile, target.name, arguments, name)
            buildah.build(order, checkout, report)
    return wanted


def to_images(by_target: dict[str, str]) -> Images:
    """Return target name → image name in the form that the installation takes.

    Without `train`, trees are all that can be trained: the run of a bot that names another
    candidate says so.
    """
    return Images(
        operator=by_target["operator"],
        training=by_target.get("train", by_target["train-trees"]),
        trees_training=by_target["train-trees"],
        inference=by_target["infer"],
        exchange=by_target["exchange"],
    )


def prune_storage(current: Sequence[str]) -> None:
    """Remove builds that nobody goes back to from the builder's storage."""
    outdated = outdated_names(buildah.names(), current)
    for name in outdated:
        buildah.remove(name)
    if outdated:
        buildah.prune()


def prune_node(cluster: Cluster, current: Sequence[str]) -> None:
    """Remove builds from the node that neither the builder has nor any object refers to."""
    kept = {*current, *buildah.names()}
    present = transfer.image_names(cluster)
    spare = [n for n in present if n.startswith(f"{REGISTRY}/") and n not in kept]
    if spare:
        objects = _objects_with_images(cluster)
        for name in spare:
            if name not in objects:
                transfer.remove_image(cluster, name)
    for name in nameless(transfer.images(cluster)):
        transfer.remove_image(cluster, name)


def nameless(images: Mapping[str, str]) -> list[str]:
    """Return the ids of images that have no other name any more, of digests by name."""
    named = {digest for name, digest in images.items() if not name.startswith("sha256:")}
    return [name for name, digest in images.items() if digest not in named]


def _objects_with_images(cluster: Cluster) -> str:
    """Return the text of every object that pods are made from, our own kinds included."""
    kinds = ["pods", "jobs", "cronjobs", "deployments"]
    own = cluster.kubectl("api-resources", f"--api-group={GROUP}", "--output=name").split()
    return cluster.kubectl("get", ",".join([*kinds, *own]), "--all-namespaces", "--output=json")


def outdated_names(stored: Sequence[str], current: Sequence[str]) -> list[str]:
    """Return which of the stored images (newest first) are to be removed."""
    kept = set(current)
    for name in current:
        libraries = name.rpartition("-")[0]
        kept.update([n for n in stored if n.startswith(f"{libraries}-")][:KEPT])
    images = {name.rpartition(":")[0] for name in current}
    return [n for n in stored if n.rpartition(":")[0] in images and n not in kept]
