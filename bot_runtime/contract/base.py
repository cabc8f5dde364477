"""The base of every model in the contract, and the string types that bound what they accept."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from bot_runtime.contract.names import BOT_NAME_MAX, OWNER_NAME_PATTERN
from bot_runtime.contract.rules import Rule, matches, with_rules


class Model(BaseModel):
    """A frozen value: camelCase outside, snake_case inside, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    RULES: ClassVar[tuple[Rule, ...]] = ()
    """Rules between the fields of one model."""

    @model_validator(mode="after")
    def _hold_rules(self) -> Self:
        for rule in self.RULES:
            rule.check(self)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler(schema)
        resolved = handler.resolve_ref_schema(written)
        resolved.update(with_rules(resolved, cls.RULES))
        return written

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON types by its outside names, without what is unset (None)."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


_YEARS = range(1970, 9000)
"""Within them no computation with a time overflows."""


def _check_time(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.year not in _YEARS:
        raise ValueError("is not a time with a time zone: write one as 2026-01-02T03:04:05Z")
    return text


Time = Annotated[
    str,
    Field(max_length=32, json_schema_extra={"format": "date-time"}),
    AfterValidator(_check_time),
]
"""Time as RFC 3339 spells it."""

ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253),
    matches(
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "is not the name of an object: write a-z, 0-9, - and ., with a letter or digit at both "
        "ends",
    ),
]
"""Name of another object in the same namespace, or of one without a namespace."""

BotName = Annotated[
    str,
    Field(min_length=1, max_length=BOT_NAME_MAX),
    matches(OWNER_NAME_PATTERN, "is not the name of a bot: write a-z first, then a-z, 0-9 and -"),
]
"""Name of a TradingBot in the same namespace; it becomes the value of a label."""

VersionName = Annotated[
    str,
    Field(min_length=1, max_length=80),
    matches(
        "[a-z0-9]([-a-z0-9]*[a-z0-9])?",
        "is not a version: write one as `kubectl get tradingbots,modeltrainings` shows it",
    ),
    Rule(
        "self != 'latest'",
        "is no version: name the one to serve, or leave pinnedVersion out to follow promotions",
        lambda version: version != "latest",
        quotes=True,
    ),
]
"""Name of a version in the store."""

_PART = "[a-z0-9]+([._-]+[a-z0-9]+)*"

Image = Annotated[
    str,
    Field(min_length=1, max_length=512),
    matches(
        rf"{_PART}(:[0-9]+)?(/{_PART})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
        "(@sha256:[0-9a-f]{64})?",
        "is not an image reference: write registry/name:<version> or "
        "registry/name@sha256:<64 hexadecimal digits>",
    ),
    Rule(
        "self.contains('@') || self.matches('^.*:[^/]*$')",
        "has no tag and no digest: add :<version> or @sha256:<digest>",
        lambda image: "@" in image or ":" in image.rsplit("/", 1)[-1],
        quotes=True,
    ),
    Rule(
        "!self.endsWith(':latest') && !self.contains(':latest@')",
        "has the tag latest, which moves: write a version (:1.2.3) or a digest (@sha256:<digest>)",
        lambda image: not image.endswith(":latest") and ":latest@" not in image,
        quotes=True,
    ),
]
"""Image reference with a tag other than `latest`, or a digest."""

Number = Annotated[str, StringConstraints(max_length=24)]
"""A number as text (`%.6g`): no floats in the API."""
