"""Brings images into containerd, leaving out every layer that it has already.

When only small layers are new, buildah writes an OCI layout in which every layer that containerd
has is stood in for by an empty file: buildah takes it for the layer and does not write it again,
and it is left out of the stream. So a code change moves kilobytes, though the image has gigabytes.
When large layers are new, buildah writes a plain folder, for in a layout it would compress them.
"""

import contextlib
import hashlib
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO

from tests.cluster import buildah, oci, stores
from tests.cluster.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.cluster.processes import run

IMPORT_SECONDS = 1800
SMALL_BYTES = 50_000_000
MANIFEST = "manifest"


def image_names(cluster: Cluster) -> set[str]:
    """Return the names of the images that the node has."""
    return set(images(cluster))


def images(cluster: Cluster) -> dict[str, str]:
    """Return the digest of every image that the node has, by name.

    An image that a pod was made from has a second name, its own id, which outlives the first.
    """
    lines = run(cluster.ctr("images", "list")).splitlines()[1:]
    columns = (line.split() for line in lines)
    return {name: digest for name, _kind, digest, *_ in columns}


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
    layers = buildah.layers(name)
    large = any(
        digest not in present and (size is None or size > SMALL_BYTES)
        for digest, size in layers.items()
    )
    with tempfile.TemporaryDirectory(dir=buildah.temporary_folder()) as temporary:
        folder = Path(temporary) / "image"
        blobs = _plain_folder(name, folder) if large else _layout(name, folder, layers, present)
        manifest = blobs.pop(MANIFEST)
        fresh = {digest: path for digest, path in blobs.items() if digest not in present}
        _import(cluster, lambda target: _stream(name, manifest, fresh, target))


def _contents(cluster: Cluster) -> dict[str, int]:
    """Return digest → size of everything that containerd's content store has."""
    folder = cluster.store_folder / stores.CONTENT
    digests = run(cluster.ctr("content", "list", "--quiet")).split()
    found = {}
    for digest in digests:
        with contextlib.suppress(FileNotFoundError):  # freed since: an image was removed before
            found[digest] = (folder / oci.blob_path(digest)).stat().st_size
    return found


def _plain_folder(name: str, folder: Path) -> dict[str, Path]:
    """Write an image as a folder; return digest → file, and its manifest."""
    buildah.push(name, f"dir:{folder}")
    blobs = {f"sha256:{path.name}": path for path in folder.iterdir() if len(path.name) == 64}
    return {**blobs, MANIFEST: folder / "manifest.json"}


def _layout(
    name: str, folder: Path, layers: Iterable[str], present: Mapping[str, int]
) -> dict[str, Path]:
    """Write an image as an OCI layout, stand-ins for what is present; return as above."""
    for digest in layers:
        if digest in present:
            path = folder / oci.blob_path(digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(present[digest])
    buildah.push(name, f"oci:{folder}")
    entry = json.loads((folder / "index.json").read_text())["manifests"][0]
    blobs = {f"sha256:{path.name}": path for path in (folder / "blobs" / "sha256").iterdir()}
    return {**blobs, MANIFEST: blobs.pop(entry["digest"])}


def _stream(name: str, manifest: Path, blobs: Mapping[str, Path], target: IO[bytes]) -> None:
    """Write an OCI archive of one image; files go as they are sent, for they may be large."""
    content = manifest.read_bytes()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    entry = {"mediaType": oci.MANIFEST, "digest": digest, "size": len(content)}
    with tarfile.open(fileobj=target, mode="w|") as tar:
        oci.write_index(tar, [{**entry, "annotations": {oci.NAME: name}}])
        tar.add(manifest, arcname=oci.blob_path(digest))
        for blob, path in blobs.items():
            tar.add(path, arcname=oci.blob_path(blob))
            path.unlink()


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
