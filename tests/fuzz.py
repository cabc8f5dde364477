"""Resources for fuzzing, derived from the generated CRDs: valid by the schema, and broken."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from bot_runtime.contract.crd import Kind, build_crd
from bot_runtime.contract.intervals import TIMEFRAMES
from bot_runtime.contract.names import API_VERSION

Object = dict[str, Any]
Schema = dict[str, Any]
Strategy = st.SearchStrategy[Any]

_PATTERN = re.compile(r"self\.matches\(r'\^(.*)\$'\)")
_LISTED_MOST = 4
_TEXT = st.text(max_size=30)

# What a pattern alone would hardly ever hit, by the name of the field.
_LIKELY: dict[str, Strategy] = {
    "credentialsSecret": st.sampled_from(
        [
            "keys",
            "absent",
            "sh.helm.release.v1.app.v1",
            "default-token-x2x4x",
            "bootstrap-token-abc",
        ]
    ),
    "timeZone": st.sampled_from(["Etc/UTC", "Europe/Paris", "America/Argentina/Buenos_Aires"]),
    "schedule": st.sampled_from(
        ["* * * * *", "*/5 * * * *", "0 * * * *", "0 0 1 1 *", "0 0 31 2 *", "5/15 * * * *"]
    ),
    "storageClassName": st.sampled_from(["fuzz", "fuzz", "fuzz", "absent"]),
    "existingClaim": st.sampled_from(["absent", "kube-root-ca.crt"]),
    "id": st.sampled_from(["binance", "kraken", "nowhere"]),
    "timeframe": st.sampled_from(["1m", *TIMEFRAMES]),
}
_QUANTITY = st.sampled_from(["1", "500m", "1Gi", "0.1", "1e3", "999999999Ti", "1n"])

ODD: Strategy = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    _TEXT,
    st.sampled_from(
        ["", " ", "\u0000", "\u202e", "\u00df \u20ac \u6f22 \U0001f98a", "../../etc", "$(id)", "-"]
    ),
    st.lists(_TEXT, max_size=3),
    st.dictionaries(_TEXT, _TEXT, max_size=3),
    st.sampled_from(["@long", "@many", "@deep"]),
)
"""Values that hardly any field takes."""

_HUGE: dict[str, Any] = {
    "@long": "a" * 70_000,
    "@many": ["x"] * 20_000,
    "@deep": json.loads('{"a":' * 200 + "1" + "}" * 200),
    "@200KiB": "n" * 200 * 1024,
    "@300KiB": "n" * 300 * 1024,
}
"""Drawn by name: hypothesis would write each of them out."""


def values_of(schema: Schema, name: str = "") -> Strategy:
    """Return values that the schema's types, bounds, enums and patterns allow."""
    if name in _LIKELY:
        return _LIKELY[name]
    if "enum" in schema:
        first = schema["enum"][0]  # the one that leads furthest
        return st.sampled_from([first, first, *schema["enum"]])
    if schema.get("x-kubernetes-int-or-string"):
        return _QUANTITY
    make: Callable[[Schema], Strategy] = {
        "object": _objects_of,
        "array": _lists_of,
        "string": _texts_of,
        "integer": _integers_of,
        "number": _numbers_of,
        "boolean": lambda _: st.booleans(),
    }[schema["type"]]
    return make(schema)


def resources_of(kind: Kind) -> Strategy:
    """Return resources: most of them valid by their schema, a good part broken in one place."""
    root = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    specs = values_of(root["spec"])
    metadata: Strategy = st.one_of(st.just({}), st.just({}), st.just({}), _ODD_METADATA)
    whole = st.builds(lambda spec, given: _resource(kind, spec, given), specs, metadata)
    return st.one_of(whole, st.builds(_broken, whole, st.lists(_BREAKS, min_size=1, max_size=2)))


def statuses_of(kind: Kind) -> Strategy:
    """Return statuses as a person with rights to them might write, as the schema allows them."""
    root = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return values_of(root["status"])


def odd_statuses_of(kind: Kind) -> Strategy:
    """Return statuses as `statuses_of` does, and some that the schema refuses."""
    whole = statuses_of(kind)
    return st.one_of(whole, st.builds(_with_odd, whole, st.integers(0, 10**6), ODD))


def draw_many(strategy: Strategy, count: int, number: int) -> list[Any]:
    """Return `count` values, the same for the same seed `number`."""
    drawn: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        phases=(Phase.generate,),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: Any) -> None:
        drawn.append(_grown(value))

    collect()
    return drawn


_ODD_METADATA: Strategy = st.one_of(
    st.fixed_dictionaries({"annotations": st.just({"note": "@200KiB"})}),
    st.fixed_dictionaries({"annotations": st.just({"note": "@300KiB"})}),
    st.fixed_dictionaries(
        {"name": st.sampled_from(["n" * 253, "n" * 254, "n" * 41, "Bot", "bót", "a b", "../x", ""])}
    ),
    st.fixed_dictionaries({"labels": st.dictionaries(_TEXT, _TEXT, max_size=2)}),
    st.fixed_dictionaries({"finalizers": st.just(["not-a-finalizer"])}),
)

_BREAKS: Strategy = st.tuples(st.integers(0, 10**6), st.one_of(ODD, st.just("REMOVE")))


def _resource(kind: Kind, spec: Object, metadata: Object) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": kind.name,
        "metadata": {"name": "fuzz", **metadata},
        "spec": spec,
    }


def _broken(resource: Object, breaks: list[tuple[int, Any]]) -> Object:
    result = copy.deepcopy(resource)
    for place, value in breaks:
        paths = list(_paths(result["spec"]))
        if not paths:
            continue
        parent, key = paths[place % len(paths)]
        if value == "REMOVE":
            del parent[key]
        elif place % 7 == 0:
            result["spec"]["unknown"] = value
        else:
            parent[key] = value
    return result


def _with_odd(status: Object, place: int, value: Any) -> Object:
    result = copy.deepcopy(status)
    paths = list(_paths(result))
    if paths:
        parent, key = paths[place % len(paths)]
        parent[key] = value
    return result


def _paths(value: Any) -> list[tuple[Any, Any]]:
    """Return (container, key) of every value below `value`."""
    found: list[tuple[Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, dict | list) and len(inner) < 100:
            found.extend(_paths(inner))
    return found


def _grown(value: Any) -> Any:
    """Return `value` with the huge ones in the place of their names."""
    if isinstance(value, dict):
        return {key: _grown(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_grown(inner) for inner in value]
    return _HUGE.get(value, value) if isinstance(value, str) else value


def _objects_of(schema: Schema) -> Strategy:
    if "additionalProperties" in schema:
        return st.dictionaries(
            st.sampled_from(["cpu", "memory", "kubernetes.io/arch", "disk"]),
            values_of(schema["additionalProperties"]),
            max_size=min(2, schema.get("maxProperties", 2)),
        )
    needed = set(schema.get("required", ()))
    fields = {n: values_of(child, n) for n, child in schema.get("properties", {}).items()}
    return st.fixed_dictionaries(
        {n: s for n, s in fields.items() if n in needed},
        optional={n: s for n, s in fields.items() if n not in needed},
    )


def _lists_of(schema: Schema) -> Strategy:
    keys = schema.get("x-kubernetes-list-map-keys")
    unique = (lambda item: json.dumps(item[keys[0]])) if keys else json.dumps
    return st.lists(
        values_of(schema["items"]),
        min_size=schema.get("minItems", 0),
        max_size=min(schema.get("maxItems", _LISTED_MOST), _LISTED_MOST),
        unique_by=unique,
    )


def _texts_of(schema: Schema) -> Strategy:
    most = schema.get("maxLength", 200)
    if schema.get("format") == "date-time":
        return st.sampled_from(
            ["2026-01-02T03:04:05Z", "1999-12-31T23:59:60Z", "9999-01-01T00:00:00Z"]
        )
    for rule in schema.get("x-kubernetes-validations", ()):
        pattern = _PATTERN.search(rule["rule"])
        if pattern is not None:
            texts = st.from_regex(re.compile(pattern[1], re.ASCII), fullmatch=True)
            return texts.map(lambda text: text[:most])
    return st.text(min_size=schema.get("minLength", 0), max_size=min(most, 40))


def _integers_of(schema: Schema) -> Strategy:
    return st.integers(schema.get("minimum", -(2**31)), schema.get("maximum", 2**31))


def _numbers_of(schema: Schema) -> Strategy:
    return st.floats(
        schema.get("minimum", -1e9),
        schema.get("maximum", 1e9),
        exclude_min=schema.get("exclusiveMinimum", False),
        exclude_max=schema.get("exclusiveMaximum", False),
        allow_nan=False,
    )
