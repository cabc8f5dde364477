"""The images hold what they run and no more, and run without rights and on a read-only root."""

import json
from dataclasses import asdict

import pytest

from tests.cluster import buildah
from tests.cluster.install import create_namespace
from tests.e2e.world import World
from tests.eventually import eventually

NAMESPACE = "botcripto-images"

LOOK = """
import importlib.util, json, os, pathlib, shutil, sys
def has(module): return importlib.util.find_spec(module) is not None
def writable(path):
    try: (pathlib.Path(path) / "probe").touch()
    except OSError: return False
    return True
print(json.dumps({
    "uid": os.getuid(),
    "commit": os.environ["BOTCRIPTO_GIT_COMMIT"],
    "torch": has("torch"),
    "product": has(sys.argv[1]),
    "tools": [t for t in ("gcc", "cc", "make", "git", "cmake") if shutil.which(t)],
    "pip": has("pip"),
    "writable": [p for p in ("/", "/opt/venv", "/opt/botcripto") if writable(p)],
    "uncompiled": [
        str(p) for p in pathlib.Path("/opt/botcripto").rglob("*.py")
        if not pathlib.Path(importlib.util.cache_from_source(p)).exists()
    ],
}))
"""
MODULES = {
    "operator": "bot_operator",
    "training": "bot_runtime",
    "trees_training": "bot_runtime",
    "inference": "bot_runtime",
    "exchange": "bot_exchange",
}


@pytest.mark.parametrize("name", MODULES)
def test_an_image_holds_what_it_runs_and_no_more(world: World, commit: str, name: str) -> None:
    found = look(world, name)
    assert found == {
        "uid": 10001,
        "commit": commit,
        "torch": name == "training",
        "product": True,
        "tools": [],
        "pip": False,
        "writable": [],
        "uncompiled": [],
    }


@pytest.mark.parametrize(("name", "most_mb"), [("inference", 380), ("trees_training", 840)])
def test_an_image_is_no_larger_unpacked_than_promised(
    world: World, name: str, most_mb: int
) -> None:
    sizes = buildah.layers(asdict(world.images)[name]).values()
    assert None not in sizes
    assert sum(size or 0 for size in sizes) <= most_mb * 10**6


def pod_of(name: str) -> str:
    return f"look-{name.replace('_', '-')}"


def look(world: World, name: str) -> object:
    """Return what a restricted pod of an image sees of itself."""
    create_namespace(world.kubectl, NAMESPACE)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod_of(name), "namespace": NAMESPACE},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "look",
                    "image": asdict(world.images)[name],
                    "command": ["python", "-c", LOOK, MODULES[name]],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
    run = ["--namespace", NAMESPACE]
    world.kubectl("delete", "pod", pod_of(name), "--ignore-not-found", *run)
    world.kubectl("create", "--filename=-", stdin=json.dumps(pod))
    query = "--output=jsonpath={.status.phase}"
    phase = eventually(
        lambda: {world.kubectl("get", "pod", pod_of(name), query, *run)} & {"Succeeded", "Failed"},
        timeout=60,
    )
    logs = world.kubectl("logs", pod_of(name), *run)
    assert phase == {"Succeeded"}, logs
    return json.loads(logs)
