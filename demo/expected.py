"""How long the demo will take here, said before it begins: by the cores, and by what is cached.

The figures were measured on two cores with a fast network (docs/measurements.md). Compiling is
bound by the cores, fetching by the network; both go on at once.
"""

from dataclasses import dataclass

from bot_runtime.process.threads import cpu_count
from tests.cluster import binaries, buildah, images, packages
from tests.cluster.images import WITHOUT_TORCH

COMPILE_CORE_SECONDS = 580
"""Processor time of compiling Kubernetes and etcd."""
IMAGE_CORE_SECONDS, IMAGE_SECONDS = 90, 150
"""Of building the base image and the four images: processor time, and time with idle cores."""
PACKAGES_SECONDS = 60
NODE_SECONDS = 20
LOAD_SECONDS = 25
INSTALL_SECONDS = 15
TRAIN_CORE_SECONDS, CANDLE_SECONDS = 60, 60
"""Of three trainings and the evaluation; and the longest wait for a candle to close."""
TRADE_SECONDS = 3 * CANDLE_SECONDS
"""From the first decision to a complete trade, on average; seldom more than twice as long."""


@dataclass(frozen=True, slots=True)
class Cached:
    """What need not be made again on this machine."""

    packages: bool
    kubernetes: bool
    images: bool


def look() -> Cached:
    """Return what this machine has already."""
    programs = binaries.CONTROL_PLANE + binaries.NODE
    has_packages = not packages.missing(images=True)
    return Cached(
        packages=has_packages,
        kubernetes=all(binaries.locate(name) for name in programs),
        images=has_packages and _has_images(),
    )


def _has_images() -> bool:
    """Say whether the libraries of every image are there: the code is a small layer."""
    stored = buildah.names()
    wanted = [images.family(target, buildah.base_name()) for target in WITHOUT_TORCH]
    return all(any(name.startswith(family) for name in stored) for family in wanted)


def expected_seconds(cached: Cached, cores: int) -> dict[str, float]:
    """Return the steps that take long, and how long each is expected to take."""
    compiling = 0 if cached.kubernetes else COMPILE_CORE_SECONDS
    building = (0, 0) if cached.images else (IMAGE_CORE_SECONDS, IMAGE_SECONDS)
    work = max((compiling + building[0]) / cores, building[1])
    start = NODE_SECONDS + work + (0 if cached.packages else PACKAGES_SECONDS)
    what = [
        *([] if cached.packages else ["install Debian packages"]),
        *([] if cached.kubernetes else [f"compile Kubernetes {binaries.release().version}"]),
        *([] if cached.images else [f"build {len(WITHOUT_TORCH)} images"]),
        "start the cluster",
    ]
    return {
        ", ".join(what): start,
        "load the images": LOAD_SECONDS,
        "install the operator and the test exchange": INSTALL_SECONDS,
        "train, judge, promote, decide": TRAIN_CORE_SECONDS / min(cores, 3) * 2 + CANDLE_SECONDS,
        "trade on paper": TRADE_SECONDS,
    }


def describe_expected() -> str:
    """Return the table for a person; what is made here is made once."""
    cores = cpu_count()
    seconds = expected_seconds(look(), cores)
    lines = [f"  {_rounded(value):>9}  {name}" for name, value in seconds.items()]
    total = f"  {_rounded(sum(seconds.values())):>9}  all"
    return "\n".join([f"Expected on {cores} idle cores", *lines, total])


def _rounded(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
