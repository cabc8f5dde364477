"""OCI image archives: a tar of a layout (blobs by digest, an index) for `ctr images import`."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
NAME = "io.containerd.image.name"


def architecture() -> str:
    """Return this machine's architecture by its name in image formats."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def program_image(program: Path, name: str) -> bytes:
    """Return an archive of an image that holds one static program and runs it."""
    content = program.read_bytes()
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        _add(tar, program.name, content, mode=0o755)
    blobs: dict[str, bytes] = {}
    diff = _store(blobs, LAYER, layer.getvalue())
    config = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [diff["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _store(blobs, CONFIG, json.dumps(config).encode()),
        "layers": [diff],
    }
    entry = _store(blobs, MANIFEST, json.dumps(manifest).encode())
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        write_index(tar, [{**entry, "annotations": {NAME: name}}])
        for digest, blob in blobs.items():
            _add(tar, blob_path(digest), blob)
    return archive.getvalue()


def write_index(tar: tarfile.TarFile, entries: list[dict[str, Any]]) -> None:
    """Write the files that make a tar an OCI layout: its version and its index."""
    index = {"schemaVersion": 2, "manifests": entries}
    _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
    _add(tar, "index.json", json.dumps(index).encode())


def blob_path(digest: str) -> str:
    """Return where a blob lies in a layout."""
    return "blobs/" + digest.replace(":", "/", 1)


def _store(blobs: dict[str, bytes], media_type: str, content: bytes) -> dict[str, Any]:
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    entry.mode = mode
    tar.addfile(entry, io.BytesIO(content))
