"""What the release before this one has stored is still valid: its objects outlive an upgrade.

After a roll-back its operator writes under these CRDs too.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.install import CRDS

Schema = dict[str, Any]
SAME = ("type", "format", "pattern")
MOST = ("maxLength", "maxItems", "maxProperties", "maximum")
UNBOUNDED = float("inf")
LEAST = ("minLength", "minItems", "minProperties", "minimum")


@pytest.mark.parametrize("name", sorted(path.name for path in CRDS.iterdir()))
def test_what_the_release_before_has_stored_is_valid(name: str, previous_files: Path) -> None:
    before, now = _schema(previous_files / "crds" / name), _schema(CRDS / name)
    assert list(_narrowed(before, now, "")) == []


@pytest.mark.parametrize(
    ("field", "found"),
    [
        (None, ".a: is gone"),
        ({"type": "integer"}, ".a: type is integer, was string"),
        ({"enum": ["x"]}, ".a: takes y no longer"),
        ({"maxLength": 4}, ".a: maxLength is 4, was 5"),
        ({"minLength": 1}, ".a: minLength is 1, was None"),
    ],
)
def test_a_narrower_field_is_found(field: Schema | None, found: str) -> None:
    text = {"type": "string", "enum": ["x", "y"], "maxLength": 5}
    old = {"properties": {"a": text}}
    new = {"properties": {} if field is None else {"a": {**text, **field}}}
    assert list(_narrowed(old, new, "")) == [found]
    assert list(_narrowed(old, old, "")) == []


def test_a_field_that_is_required_now_is_found_in_an_entry_of_a_list() -> None:
    old: Schema = {"items": {}}
    new: Schema = {"items": {"required": ["a"]}}
    assert list(_narrowed(old, new, "")) == ["[]: requires a"]


def _schema(crd: Path) -> Schema:
    (version,) = yaml.safe_load(crd.read_text(encoding="utf-8"))["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    return schema


def _narrowed(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Yield what `old` allows and `new` does not; rules between fields are not compared."""
    yield from (f"{path}: {problem}" for problem in _narrowed_here(old, new))
    for name, field in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from _narrowed(field, new["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}.{name}: is gone"
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict):
            yield from _narrowed(old[key], new.get(key, {}), f"{path}[]")


def _narrowed_here(old: Schema, new: Schema) -> Iterator[str]:
    required = set(new.get("required", ())) - set(old.get("required", ()))
    yield from (f"requires {name}" for name in sorted(required))
    if "enum" in new:
        values = old.get("enum", ["any text"])
        yield from (f"takes {value} no longer" for value in values if value not in new["enum"])
    narrower = [key for key in SAME if old.get(key) != new.get(key)]
    narrower += [key for key in MOST if new.get(key, UNBOUNDED) < old.get(key, UNBOUNDED)]
    narrower += [key for key in LEAST if new.get(key, -UNBOUNDED) > old.get(key, -UNBOUNDED)]
    yield from (f"{key} is {new.get(key)}, was {old.get(key)}" for key in narrower)
