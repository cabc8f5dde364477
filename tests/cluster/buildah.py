"""Builds images without a container engine: buildah in a storage and a mount namespace of our own.

The storage lies in the cache folder; the mount namespace goes with each command, so that not even
a killed build leaves a mount. Settings of this machine (certificates, pip's index) reach the build
as read-only volumes and are in no image.
"""

import ast
import contextlib
import fcntl
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import processes
from tests.cluster.binaries import Report
from tests.cluster.errors import ClusterError
from tools.environment import cache_folder

SUITE = "bookworm"
BASE_PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
# What of a fresh system no image needs.
BASE_LEFT_OUT = (
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt/archives",
    "var/lib/apt/lists",
)
CERTIFICATES = Path("/etc/ssl/certs")
BUILD_SECONDS = 3600
FIXED_FOLDER = "/var/lib/containers"


@dataclass(frozen=True, slots=True)
class Build:
    """One image to build: which Dockerfile and target, its build arguments and its name."""

    dockerfile: Path
    target: str
    arguments: Mapping[str, str]
    name: str


def temporary_folder() -> Path:
    """Return the folder of what is as large as an image and gone soon; emptied by `exclusive`."""
    return cache_folder() / "buildah" / "temporary"


def _storage() -> list[str]:
    folder = cache_folder() / "buildah"
    return [f"--root={folder / 'storage'}", f"--runroot={folder / 'run'}"]


def _command(*words: str) -> list[str]:
    """Return the command line of buildah with all its files in the cache folder."""
    private = cache_folder() / "buildah" / "var"
    for folder in (private, temporary_folder()):
        folder.mkdir(parents=True, exist_ok=True)
    # buildah notes digests at a fixed path, and would put temporary files into /var/tmp.
    script = (
        f"mkdir -p {FIXED_FOLDER} && mount --bind {shlex.quote(str(private))} {FIXED_FOLDER} && "
        'exec buildah "$@"'
    )
    temporary = f"TMPDIR={temporary_folder()}"
    return ["env", temporary, "unshare", "--mount", "sh", "-c", script, "sh", *_storage(), *words]


def run(*words: str, timeout: float = BUILD_SECONDS) -> str:
    """Run buildah and return what it printed.

    Raises:
        ClusterError: it failed.
    """
    return processes.run(_command(*words), timeout=timeout)


def exists(name: str) -> bool:
    """Say whether the storage has an image of this name."""
    done = subprocess.run(
        _command("inspect", "--type=image", name), capture_output=True, check=False
    )
    return done.returncode == 0


def names() -> list[str]:
    """Return the names of all images in the storage, newest first."""
    return newest_first(run("images", "--json"))


def newest_first(listing: str) -> list[str]:
    """Return the names in what `buildah images --json` prints, which has the oldest first."""
    images: list[dict[str, Any]] = json.loads(listing or "null") or []
    images.sort(key=lambda image: image["created"], reverse=True)
    return [name for image in images for name in image.get("names") or []]


def remove(name: str) -> None:
    """Remove an image; its layers stay until `prune`."""
    run("rmi", name)


def prune() -> None:
    """Remove the layers that no named image has."""
    run("rmi", "--prune", "--force")


def base_name() -> str:
    """Return the name of the base image, whether or not it is made."""
    recipe = hashlib.sha256(repr((SUITE, BASE_PACKAGES, BASE_LEFT_OUT)).encode()).hexdigest()[:12]
    return f"localhost/botcripto/base:{SUITE}-{recipe}"


def base_image(report: Report) -> str:
    """Return the name of the base image, made from Debian's packages if there is none yet."""
    name = base_name()
    if not exists(name):
        report("making the base image with debootstrap (once)")
        _make_base(name)
    return name


def _make_base(name: str) -> None:
    with tempfile.TemporaryDirectory(dir=temporary_folder()) as temporary:
        folder = Path(temporary) / "system"
        packages = ",".join(BASE_PACKAGES)
        options = ["--variant=minbase", f"--include={packages}"]
        argv = ["unshare", "--mount", "debootstrap", *options, SUITE, str(folder)]
        processes.run(argv, timeout=BUILD_SECONDS)
        for left_out in BASE_LEFT_OUT:
            shutil.rmtree(folder / left_out, ignore_errors=True)
        container = run("from", "scratch").strip()
        try:
            run("add", "--quiet", container, str(folder), "/")
            run("commit", "--quiet", container, name)
        finally:
            run("rm", container)


@contextlib.contextmanager
def exclusive(report: Report) -> Iterator[None]:
    """Hold the builder; what a killed build left in the storage is removed first."""
    folder = cache_folder() / "buildah"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting: another process builds images")
            fcntl.flock(lock, fcntl.LOCK_EX)
        _remove_leftovers()
        shutil.rmtree(temporary_folder(), ignore_errors=True)
        temporary_folder().mkdir()
        yield
        with contextlib.suppress(OSError):  # absent, or of an engine that is installed here
            Path(FIXED_FOLDER).rmdir()


def _remove_leftovers() -> None:
    """Remove the containers of builds that failed or were killed; nobody else uses this storage."""
    if json.loads(run("containers", "--json") or "null"):
        run("rm", "--all")


def build(wanted: Build, context: Path, report: Report) -> None:
    """Build one image; layers that follow from the same files are taken from the last build.

    Raises:
        ClusterError: the build failed; with the end of its output.
    """
    arguments = [f"--build-arg={key}={value}" for key, value in wanted.arguments.items()]
    with tempfile.TemporaryDirectory(dir=temporary_folder()) as temporary:
        words = [
            "bud", "--layers", "--isolation=chroot", "--network=host", "--quiet=false",
            f"--file={wanted.dockerfile}", f"--target={wanted.target}", f"--tag={wanted.name}",
            *arguments, *_volumes(Path(temporary)), str(context),
        ]  # fmt: skip
        done = subprocess.run(
            _command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=BUILD_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        _remove_leftovers()
        report(done.stdout[-4000:])
        raise ClusterError(f"building {wanted.name} failed (target {wanted.target})")


def _volumes(temporary: Path) -> list[str]:
    """Return the volumes that carry this machine's certificates and pip settings into a build."""
    settings = pip_settings()
    # /etc/ssl/certs may hold links into the folder of the system's certificates.
    folders = [CERTIFICATES, Path("/usr/share/ca-certificates")]
    folders += [Path(v) for v in settings.values() if v.startswith("/")]
    cache = cache_folder() / "pip"
    cache.mkdir(parents=True, exist_ok=True)
    lines = ["[global]", *(f"{key} = {value}" for key, value in settings.items())]
    (temporary / "pip.conf").write_text("\n".join([*lines, "cache-dir = /var/cache/pip", ""]))
    mounted = {f"{path}:{path}:ro" for path in folders if path.exists() and not _is_inside(path)}
    return [
        f"--volume={volume}"
        for volume in (
            *sorted(mounted),
            f"{temporary / 'pip.conf'}:/etc/pip.conf:ro",
            f"{cache}:/var/cache/pip:rw",
        )
    ]


def _is_inside(path: Path) -> bool:
    return CERTIFICATES in path.parents


def pip_settings(listing: str | None = None) -> dict[str, str]:
    """Return pip's settings on this machine (files and environment), by option name."""
    if listing is None:
        listing = processes.run([sys.executable, "-m", "pip", "config", "list"])
    settings = {}
    for line in listing.splitlines():
        name, separator, value = line.partition("=")
        if separator:
            settings[name.rpartition(".")[2]] = str(ast.literal_eval(value))
    settings.pop("cache-dir", None)
    return settings


def push(name: str, destination: str) -> None:
    """Write an image to `dir:PATH` (layers as they are) or `oci:PATH` (layers compressed).

    A layer whose file an OCI layout has already is not written again.
    """
    run("push", "--quiet", "--disable-compression", "--format=oci", name, destination)


def layers(name: str) -> dict[str, int | None]:
    """Return digest → size of an image's layers as they are, None for a size not known."""
    inspected = json.loads(run("inspect", "--type=image", name))
    noted = cache_folder() / "buildah" / "storage" / "overlay-layers" / "layers.json"
    sizes = {
        layer["diff-digest"]: layer.get("diff-size")
        for layer in json.loads(noted.read_text())
        if "diff-digest" in layer
    }
    return {digest: sizes.get(digest) for digest in inspected["OCIv1"]["rootfs"]["diff_ids"]}
