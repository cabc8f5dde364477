"""Bundles: what is not exactly as it was published is refused, with the file's name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.serving.version import load_version
from bot_runtime.store.bundle import RiskCombination, load_version_manifest
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.markets import COMBINATION, bot_spec, publish_version


@pytest.fixture
def version(store: Store) -> Path:
    return store.version(publish_version(store, bot_spec()))


def test_version_as_published_is_loaded(version: Path) -> None:
    manifest = load_version_manifest(version)
    assert manifest.version == version.name
    assert manifest.digest[:8] == version.name[-8:]


@pytest.mark.parametrize(("combination", "number"), [(None, 1), (COMBINATION, 2)])
def test_a_mixed_risk_forecast_is_a_format_that_earlier_releases_refuse(
    store: Store, combination: RiskCombination | None, number: int
) -> None:
    name = publish_version(store, bot_spec(), combination=combination)
    written = json.loads((store.version(name) / "manifest.json").read_text(encoding="utf-8"))
    assert written["contractVersion"] == number, "they compare this with 1, and say so"
    assert [o["contractVersion"] for o in written["objectives"]] == [1, 1, number]
    assert ("naive" in written) == (number == 2), "they refuse what they do not know"
    assert load_version_manifest(store.version(name)).version == name


def test_a_later_format_is_refused_with_those_that_are_read(version: Path) -> None:
    path = version / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) | {"contractVersion": 3}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtifactInvalidError, match="contractVersion 3; this release reads 1, 2;"):
        load_version_manifest(version)


def change(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(manifest: dict[str, Any]) -> None:
        manifest[key] = value

    return apply


def drop_objective(manifest: dict[str, Any]) -> None:
    manifest["objectives"].pop()


def swap_calibration(manifest: dict[str, Any]) -> None:
    first, second = manifest["objectives"][:2]
    first["calibration"] = second["calibration"]


def move_file(manifest: dict[str, Any]) -> None:
    manifest["objectives"][0]["graphs"][0]["file"] = "../trend.onnx"


def sharpen(manifest: dict[str, Any]) -> None:
    manifest["objectives"][0]["calibration"]["slope"] = 9.0


@pytest.mark.parametrize(
    ("mutate", "found"),
    [
        (change("contractVersion", 99), "contractVersion 99"),
        (change("contractVersion", None), "contractVersion None"),
        (change("extra", 1), "extra"),
        (drop_objective, "objectives"),
        (swap_calibration, "Trend is calibrated by Platt"),
        (move_file, "file"),
        (sharpen, "changed after publication"),
    ],
)
def test_changed_manifest_is_refused(
    version: Path, mutate: Callable[[dict[str, Any]], None], found: str
) -> None:
    path = version / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    mutate(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ArtifactInvalidError, match=r"manifest\.json") as caught:
        load_version_manifest(version)
    assert found in str(caught.value)


@pytest.mark.parametrize("file", ["trend.onnx", "return.onnx", "risk.onnx"])
def test_corrupt_graph_is_refused(store: Store, version: Path, file: str) -> None:
    data = bytearray((version / file).read_bytes())
    data[len(data) // 2] ^= 1
    (version / file).write_bytes(data)
    with pytest.raises(ArtifactInvalidError, match=file):
        load_version(store, version.name)


@pytest.mark.parametrize("file", ["trend.onnx", "manifest.json"])
def test_missing_file_is_refused(store: Store, version: Path, file: str) -> None:
    (version / file).unlink()
    with pytest.raises(ArtifactInvalidError, match=file):
        load_version(store, version.name)


def test_unknown_version_is_refused(store: Store) -> None:
    with pytest.raises(ArtifactInvalidError, match="no-such-version"):
        load_version(store, "no-such-version")
