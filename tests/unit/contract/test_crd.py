import re
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


SENTENCE = re.compile(r"[A-Z].*[.]")
WORDS_LEAST = 3
UNIT = re.compile(
    r"candle|row|leaves|round|unit|head|window|step|epoch|second|share|%|basis point|number of|"
    r"generation|exit code|how many|without unit|[0-9] to [0-9]|attempt",
    re.IGNORECASE,
)


@EVERY_KIND
def test_every_field_is_described_in_a_sentence_and_every_number_with_its_unit(kind: Kind) -> None:
    """`kubectl explain` shows nothing else."""
    root = _root(kind)
    poor = []
    for part in ("spec", "status"):
        for path, schema in _walk(root["properties"][part], part):
            text = schema.get("description", "").partition(" Default: ")[0]
            sentence = SENTENCE.fullmatch(text) and len(text.split()) >= WORDS_LEAST
            numeric = schema.get("type") in {"integer", "number"}
            if not path.endswith("[]") and not (sentence and (UNIT.search(text) or not numeric)):
                poor.append(f"{path}: {text}")
    assert poor == [], "write what it means, in which unit"


@EVERY_KIND
def test_every_default_is_told(kind: Kind) -> None:
    for path, schema in _walk(_root(kind)["properties"]["spec"], "spec"):
        if "default" in schema and schema["default"] != {}:
            assert " Default: " in schema["description"], path


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
def test_lists_of_the_status_are_replaced_as_a_whole(kind: Kind) -> None:
    """Server-side apply cannot empty a list with keys twice; conditions are never empty."""
    for path, schema in _walk(_root(kind)["properties"]["status"], "status"):
        if schema.get("type") == "array" and path != "status.conditions":
            assert schema.get("x-kubernetes-list-type", "atomic") == "atomic", path


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
def test_columns_show_the_status_of_a_condition_and_no_age_of_what_is_to_come(kind: Kind) -> None:
    for column in kind.columns:
        if ".conditions[" in column.path:
            assert column.path.endswith((").status", "].status", ".reason")), column.name
        last = column.path.rsplit(".", 1)[1]
        if last.startswith(("next", "estimated")):
            assert column.type == "string", f"{column.name}: a future date prints <invalid>"


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
