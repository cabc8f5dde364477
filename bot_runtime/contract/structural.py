"""Structural OpenAPI v3 schemas, as CustomResourceDefinitions ask for them, from the models.

What a model says to Python it says to the API server: types, bounds, defaults, CEL rules, and the
description of every field, to which its default is added for `kubectl explain`.
"""

import json
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

Schema = dict[str, Any]

# `propertyNames` and `additionalProperties: false` have no place in a structural schema; unknown
# fields are pruned, or refused under strict field validation.
_DROPPED = frozenset({"title", "$defs", "propertyNames"})
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


class _WithFactories(GenerateJsonSchema):
    """Writes the value of a default factory too; `{}` stands for a model of defaults alone.

    The API server fills an object's defaults only when the object is there, so each parent of
    defaults needs one of its own.
    """

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Return the inner schema with its default as JSON; none where it is None or empty."""
        inner = self.generate_inner(schema["schema"])
        factory = schema.get("default_factory")
        value = factory() if factory is not None else schema.get("default")  # type: ignore[call-arg] # no factory here takes the validated data
        if isinstance(value, BaseModel):
            bare = value == type(value)() if _all_default(type(value)) else False
            written = {} if bare else value.model_dump(mode="json", by_alias=True)
        elif value is None or value in ((), {}, []):
            return inner
        else:
            written = TypeAdapter(type(value)).dump_python(value, mode="json")
        if "$ref" in inner:
            inner = {"allOf": [inner]}
        return {**inner, "default": written}


def _all_default(model: type[BaseModel]) -> bool:
    return not any(field.is_required() for field in model.model_fields.values())


def build_schema(model: type[BaseModel], *, defaults: bool = True) -> Schema:
    """Return the structural schema of `model`; `defaults=False` for what no user writes."""
    raw = model.model_json_schema(by_alias=True, schema_generator=_WithFactories)
    return _structural(raw, raw.get("$defs", {}), defaults=defaults)


def _structural(raw: Schema, definitions: Schema, *, defaults: bool) -> Schema:
    """Return `raw` with references inlined and in OpenAPI v3.0's dialect."""
    flat = _flatten(raw, definitions)
    schema: Schema = {}
    for key, value in flat.items():
        if key in _DROPPED or (key == "default" and not defaults):
            continue
        if key == "properties":
            schema[key] = {
                name: _structural(child, definitions, defaults=defaults)
                for name, child in value.items()
            }
        elif key in {"items", "additionalProperties"}:
            if isinstance(value, dict):
                schema[key] = _structural(value, definitions, defaults=defaults)
        elif key == "const":
            schema["enum"] = [value]
        elif key in _EXCLUSIVE:
            schema[_EXCLUSIVE[key]] = value
            schema[key] = True
        else:
            schema[key] = value
    return _described(schema)


def _flatten(raw: Schema, definitions: Schema) -> Schema:
    """Return `raw` with its `$ref`, its single `allOf` or its `anyOf [X, null]` merged into it.

    What stands beside the reference (description, default) wins over what it refers to.
    """
    flat = dict(raw)
    while True:
        if "$ref" in flat:
            inner = definitions[flat.pop("$ref").rsplit("/", 1)[1]]
        elif "allOf" in flat:
            (inner,) = flat.pop("allOf")
        elif "anyOf" in flat and "x-kubernetes-int-or-string" not in flat:
            (inner,) = (s for s in flat.pop("anyOf") if s != {"type": "null"})
        else:
            return flat
        flat = {**inner, **flat}


def _described(schema: Schema) -> Schema:
    if "default" in schema and schema["default"] != {} and "description" in schema:
        default = schema["default"]
        text = f"{default:g}" if isinstance(default, float) else json.dumps(default).strip('"')
        schema["description"] = f"{schema['description']} Default: {text}."
    return schema
