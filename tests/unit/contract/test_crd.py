from collections.abc import Iterator
from typing import Any

import pytest

from bot_runtime.contract.crd import KINDS, Kind, build_crd
from tools import generate_crds

Schema = dict[str, Any]
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def _root(kind: Kind) -> Schema:
    root: Schema = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return root


def _walk(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _walk(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from _walk(schema[key], f"{path}[]")


def _resolve(root: Schema, json_path: str) -> Schema:
    schema = root
    for name in json_path.split("[?", maxsplit=1)[0].strip(".").split("."):
        schema = schema["properties"][name]
    return schema


@pytest.mark.parametrize("path", generate_crds.files(), ids=lambda path: path.name)
def test_the_files_are_what_the_models_say(path: Any) -> None:
    assert path.read_text(encoding="utf-8") == generate_crds.files()[path], "run `make crds`"


@EVERY_KIND
def test_every_field_has_a_description(kind: Kind) -> None:
    root = _root(kind)
    missing = [
        path
        for part in ("spec", "status")
        for path, schema in _walk(root["properties"][part], part)
        if not path.endswith("[]") and not schema.get("description")
    ]
    assert missing == []


@EVERY_KIND
def test_every_text_list_and_map_is_bounded(kind: Kind) -> None:
    """CEL's cost is estimated from the bounds; without them no rule is affordable."""
    bounds = {"string": {"maxLength", "enum", "format"}, "array": {"maxItems"}}
    unbounded = [
        path
        for part in ("spec", "status")
        for path, schema in _walk(_root(kind)["properties"][part], part)
        if (schema.get("type") in bounds and not bounds[schema["type"]] & schema.keys())
        or ("additionalProperties" in schema and "maxProperties" not in schema)
    ]
    assert unbounded == []


@EVERY_KIND
def test_the_schema_is_structural(kind: Kind) -> None:
    foreign = {"$ref", "$defs", "anyOf", "allOf", "oneOf", "const", "title", "propertyNames"}
    for path, schema in _walk(_root(kind), "root"):
        assert not foreign & schema.keys(), path
        assert "type" in schema or schema.get("x-kubernetes-int-or-string"), path
        for bound in ("exclusiveMinimum", "exclusiveMaximum"):
            assert isinstance(schema.get(bound, True), bool), path
        assert not {"properties", "additionalProperties"} <= schema.keys(), path


@EVERY_KIND
def test_defaults_cascade_so_that_the_server_fills_them_all(kind: Kind) -> None:
    for path, schema in _walk(_root(kind)["properties"]["spec"], "spec"):
        required = schema.get("required", [])
        for name, child in schema.get("properties", {}).items():
            inner = child.get("properties", {}).values()
            if any("default" in field for field in inner) and name not in required:
                assert "default" in child, f"{path}.{name}"


@EVERY_KIND
def test_lists_with_a_default_are_replaced_as_a_whole(kind: Kind) -> None:
    for path, schema in _walk(_root(kind)["properties"]["spec"], "spec"):
        if schema.get("type") == "array" and "default" in schema:
            assert schema["x-kubernetes-list-type"] == "atomic", path


@EVERY_KIND
def test_the_status_has_no_default_but_that_nobody_has_looked(kind: Kind) -> None:
    """What the operator did not write is not there."""
    status = _root(kind)["properties"]["status"]
    assert status.pop("default") == {"observedGeneration": -1}
    assert status["properties"]["observedGeneration"].pop("default") == -1
    for path, schema in _walk(status, "status"):
        assert "default" not in schema, path


@EVERY_KIND
def test_columns_and_selectable_fields_name_what_the_schema_has(kind: Kind) -> None:
    root = _root(kind)
    root["properties"]["metadata"]["properties"]["creationTimestamp"] = {"type": "string"}
    for column in kind.columns:
        schema = _resolve(root, column.path)
        listed = schema["type"] == "array"
        assert listed or schema["type"] == column.type or column.type == "date", column.name
    for path in kind.selectable:
        assert _resolve(root, path)["type"] == "string", path


@EVERY_KIND
def test_rules_have_words_and_no_line_breaks(kind: Kind) -> None:
    for path, schema in _walk(_root(kind), "root"):
        for rule in schema.get("x-kubernetes-validations", ()):
            assert "\n" not in rule["rule"] + rule["message"], path
            assert '"' not in rule["message"], f"{path}: it stands in a CEL text"


def test_a_default_is_told_in_the_description() -> None:
    spec = _root(KINDS[0])["properties"]["spec"]["properties"]
    assert spec["decision"]["properties"]["feesBps"]["description"].endswith("Default: 10.")
    assert spec["inference"]["properties"]["timeZone"]["description"].endswith("Default: Etc/UTC.")
