"""The default StorageClass and the volumes behind it: folders of this machine, made in advance."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.cluster.layout import NODE_NAME, Layout

CLASS = "standard"
COUNT = 60
CAPACITY = "50Gi"  # of every volume: what a claim asks for, not what is set aside


def storage_class() -> dict[str, Any]:
    """Return the StorageClass that claims get when they name none."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def volume(name: str, folder: Path) -> dict[str, Any]:
    """Return the PersistentVolume of one folder on the node."""
    is_our_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": CAPACITY},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": str(folder)},
            "nodeAffinity": {
                "required": {"nodeSelectorTerms": [{"matchExpressions": [is_our_node]}]}
            },
        },
    }


def objects(layout: Layout) -> list[dict[str, Any]]:
    """Return the StorageClass and all volumes."""
    names = [f"volume-{number:02d}" for number in range(COUNT)]
    return [storage_class(), *(volume(name, layout.volumes / name) for name in names)]


def make_folders(layout: Layout) -> None:
    """Make the folders behind the volumes."""
    for number in range(COUNT):
        (layout.volumes / f"volume-{number:02d}").mkdir(parents=True)


def recycle(layout: Layout, kubectl: Callable[..., str]) -> int:
    """Empty the volumes whose claims are gone and offer them again; return how many."""
    items = json.loads(kubectl("get", "persistentvolumes", "-o", "json"))["items"]
    released = [i["metadata"]["name"] for i in items if i["status"].get("phase") == "Released"]
    for name in released:
        _empty((layout.volumes / name).iterdir())
        # A new claim may take the volume as soon as it no longer refers to the old one.
        kubectl("patch", "persistentvolume", name, "--type=merge", '-p={"spec":{"claimRef":null}}')
    return len(released)


def _empty(entries: Iterable[Path]) -> None:
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
