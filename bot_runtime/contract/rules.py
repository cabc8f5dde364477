"""Rules of the resources: one declaration that the API server and Python both hold, in one wording.

A rule is CEL for the API server (`x-kubernetes-validations`) and a predicate for Python, so that a
spec on a laptop is refused for the same reasons and with the same words as in a cluster.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

EXTENSION = "x-kubernetes-validations"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule on a value (`Annotated[str, Rule(...)]`) or on a model (`Model.RULES`).

    Args:
        cel: expression over `self` (and `oldSelf`) that holds for every valid value.
        message: what is wrong and what to write instead; the field's path stands before it.
        holds: the same in Python; None where Python cannot know (no old value, no metadata).
        field: path of the field that is to be changed, below the model: `.exchange.endpoint`.
        required: True where the remedy is to add the field.
        quotes: True on a text whose `message` continues the text: `'x:latest' has the tag ...`.
    """

    cel: str
    message: str
    holds: Callable[[Any], bool] | None = None
    field: str | None = None
    required: bool = False
    quotes: bool = False

    def check(self, value: Any) -> Any:
        """Return `value`; raises pydantic's error with the message where the rule does not hold."""
        if self.holds is not None and not self.holds(value):
            context = {"message": self.message, "field": self.field or ""}
            raise PydanticCustomError("rule", "{message}", context)
        return value

    def to_json(self) -> dict[str, Any]:
        """Return the rule as an entry of `x-kubernetes-validations`."""
        entry: dict[str, Any] = {"rule": " ".join(self.cel.split()), "message": self.message}
        if self.quotes:
            entry["messageExpression"] = f'"\'" + self + "\' {self.message}"'
        if self.field is not None:
            entry["fieldPath"] = self.field
        if self.required:
            entry["reason"] = "FieldValueRequired"
        return entry

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return with_rules(handler(schema), (self,))


def matches(pattern: str, message: str) -> Rule:
    """Return the rule that a text matches all of `pattern` (one that RE2 and Python read alike).

    The API server's own answer to a `pattern` is the regular expression; this one has words.
    """
    compiled = re.compile(pattern)
    return Rule(
        f"self.matches(r'^{pattern}$')",
        message,
        lambda text: compiled.fullmatch(text) is not None,
        quotes=True,
    )


def with_rules(schema: JsonSchemaValue, rules: tuple[Rule, ...]) -> JsonSchemaValue:
    """Return `schema` with `rules` added to those that it has."""
    if not rules:
        return schema
    return {**schema, EXTENSION: [*schema.get(EXTENSION, ()), *(r.to_json() for r in rules)]}
