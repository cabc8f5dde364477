"""The base of every model in the contract, and the string types that bound what they accept."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value: camelCase outside, snake_case inside, unknown fields refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        allow_inf_nan=False,
    )

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON types by its outside names, without what is unset (None)."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """Return CEL rules (expression, message) for `json_schema_extra` of a model or a field."""
    return {
        "x-kubernetes-validations": [
            {"rule": " ".join(rule.split()), "message": message} for rule, message in pairs
        ]
    }


ObjectName = Annotated[
    str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
"""Name of another object in the same namespace."""

Image = Annotated[
    str,
    Field(
        min_length=3,
        max_length=512,
        json_schema_extra=rules(
            (
                r"self.matches('^[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
                r"(@sha256:[0-9a-f]{64})?$')",
                "is not an image reference; write registry/name:tag or registry/name@sha256:…",
            ),
            (
                "self.contains('@sha256:') || self.split('/')[self.split('/').size() - 1]"
                ".contains(':')",
                "an image needs a tag or a digest: add :<version> or @sha256:<digest>",
            ),
            (
                "!self.endsWith(':latest') && !self.contains(':latest@')",
                "the tag latest moves; name a version (:1.2.3) or a digest (@sha256:…)",
            ),
        ),
    ),
]
"""Image reference with a tag other than `latest`, or a digest."""
