"""Brings images into containerd, leaving out every layer that it has already.

buildah writes an OCI layout; a layer that containerd has is stood in for by an empty file of its
size, which buildah takes for the layer and does not write again, and which is left out of the
stream. So a code change moves kilobytes, though the image has gigabytes.
"""

import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from tests.cluster import buildah, oci
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.processes import run

IMPORT_SECONDS = 1800


def image_names(cluster: Cluster) -> set[str]:
    """Return the names of the images that the node has."""
    return set(run(cluster.ctr("images", "list", "--quiet")).split())


def remove_image(cluster: Cluster, name: str) -> None:
    """Remove an image from the node; containerd frees the layers that nothing else needs."""
    run(cluster.ctr("images", "remove", "--sync", name), timeout=IMPORT_SECONDS)


def import_archive(cluster: Cluster, archive: Path) -> None:
    """Import a docker or OCI archive into the node.

    Raises:
        ClusterError: containerd refuses it.
    """
    with archive.open("rb") as source:
        _import(cluster, lambda target: _copy(source, target))


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while chunk := source.read(1 << 20):
        target.write(chunk)


def import_image(cluster: Cluster, name: str) -> None:
    """Bring an image from buildah's storage into the node.

    Raises:
        ClusterError: containerd refuses it.
    """
    present = _contents(cluster)
    with tempfile.TemporaryDirectory(dir=buildah.temporary_folder()) as temporary:
        folder = Path(temporary)
        stood_in = _stand_in(folder, buildah.layers(name), present)
        buildah.push(name, folder)
        _import(cluster, lambda target: _stream(folder, name, stood_in, target))


def _contents(cluster: Cluster) -> dict[str, int]:
    """Return digest → size of everything that containerd's content store has."""
    folder = cluster.store_folder / "io.containerd.content.v1.content"
    digests = run(cluster.ctr("content", "list", "--quiet")).split()
    return {digest: (folder / oci.blob_path(digest)).stat().st_size for digest in digests}


def _stand_in(folder: Path, digests: list[str], present: Mapping[str, int]) -> set[str]:
    """Put empty files in the place of layers that containerd has; return their paths."""
    paths = set()
    for digest in digests:
        if digest in present:
            path = folder / oci.blob_path(digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(present[digest])
            paths.add(oci.blob_path(digest))
    return paths


def _stream(folder: Path, name: str, left_out: set[str], target: IO[bytes]) -> None:
    """Write a layout as a tar, its one image named `name`."""
    index = json.loads((folder / "index.json").read_text())
    entries = [{**entry, "annotations": {oci.NAME: name}} for entry in index["manifests"]]
    with tarfile.open(fileobj=target, mode="w|") as tar:
        oci.write_index(tar, entries)
        for path in sorted(folder.glob("blobs/*/*")):
            relative = str(path.relative_to(folder))
            if relative not in left_out:
                tar.add(path, arcname=relative)


def _import(cluster: Cluster, write: Callable[[IO[bytes]], None]) -> None:
    argv = cluster.ctr("images", "import", "--snapshotter=overlayfs", "-")
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
        )
        assert process.stdin is not None
        try:
            write(process.stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it says why on its own
        code = process.wait(IMPORT_SECONDS)
        errors.seek(0)
        said = errors.read().decode(errors="replace")[-2000:]
    if code != 0:
        raise ClusterError(f"containerd refuses the image: {said}")
