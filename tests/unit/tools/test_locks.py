"""pyproject.toml and requirements/*.txt say the same, without asking a package index."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.environment import LOCKS
from tools.tree import ROOT

EXTRAS = ("operator", "infer", "train-trees", "train", "exchange", "dev")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def direct(extra: str) -> dict[str, Requirement]:
    """Return what an extra asks for, other extras of this distribution included."""
    found: dict[str, Requirement] = {}
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            for name in requirement.extras:
                found |= direct(name)
        else:
            found[canonicalize_name(requirement.name)] = requirement
    return found


def entries(extra: str) -> list[str]:
    """Return a lock's entries, each with its hashes on one line, without comments."""
    text = (ROOT / "requirements" / f"{extra}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("#")]
    return [entry for entry in "\n".join(lines).replace("\\\n", " ").split("\n") if entry.strip()]


def pins(extra: str) -> dict[str, set[str]]:
    """Return the versions by name; more than one where they depend on the platform."""
    found: dict[str, set[str]] = {}
    for entry in entries(extra):
        requirement = Requirement(entry.split(" --hash")[0].strip())
        (pin,) = requirement.specifier
        assert pin.operator == "==", entry
        found.setdefault(canonicalize_name(requirement.name), set()).add(pin.version)
    return found


def test_every_extra_has_a_lock_and_every_lock_an_extra() -> None:
    assert set(PROJECT["optional-dependencies"]) == set(EXTRAS)
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == set(EXTRAS)


@pytest.mark.parametrize("extra", EXTRAS)
def test_lock_pins_every_direct_dependency_within_its_bounds(extra: str) -> None:
    locked = pins(extra)
    for name, requirement in direct(extra).items():
        assert name in locked, f"{name} is not locked: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in locked[name]), name


@pytest.mark.parametrize("extra", EXTRAS)
def test_lock_has_hashes_and_no_address(extra: str) -> None:
    for entry in entries(extra):
        assert re.fullmatch(r"[a-z0-9][\w.-]*==\S+( ; .+?)?( +--hash=sha256:[0-9a-f]{64})+", entry)
        assert "://" not in entry


@pytest.mark.parametrize("extra", EXTRAS)
def test_lock_agrees_with_the_one_of_development(extra: str) -> None:
    everything = pins("dev")
    assert {name: everything.get(name) for name in pins(extra)} == pins(extra)


def test_inference_has_neither_torch_nor_pandas() -> None:
    assert not {"torch", "lightning", "pandas", "scikit-learn", "lightgbm"} & set(pins("infer"))


def test_trees_are_trained_without_torch_by_a_part_of_what_trains_everything() -> None:
    trees, everything = pins("train-trees"), pins("train")
    assert not {"torch", "lightning", "pytorch-forecasting", "triton"} & set(trees)
    assert not [name for name in trees if name.startswith(("nvidia-", "cuda-"))]
    assert {name: everything.get(name) for name in trees} == trees


def test_the_environment_of_the_local_demo_runs_the_test_exchange_too() -> None:
    local = pins(LOCKS["train-trees"].stem)
    assert {name: local.get(name) for name in pins("exchange")} == pins("exchange")
