"""Fields that are newer than the first release, and which of them an image reads.

An image refuses a run configuration with a field that it does not know. So such a field is left out
of the JSON where it has its default: neither a digest nor an older image takes notice of it.
"""

from collections.abc import Iterator
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import Field

from bot_runtime.contract.base import Model

M = TypeVar("M", bound=Model)


def newer(default: Any, **about: Any) -> Any:
    """Return pydantic's Field, for one that `to_json` leaves out where it has its default."""
    return Field(default=default, exclude_if=lambda value: value == default, **about)


def newer_fields(model: type[Model]) -> tuple[str, ...]:
    """Return the path of every newer field of a model and of the models in its fields.

    They are spelled as in YAML, such as `decision.policy`. Fields of entries of a list are none.
    """
    paths: list[str] = []
    for name, field in model.model_fields.items():
        path = field.alias or name
        if field.exclude_if is not None:
            paths.append(path)
            continue
        for part in _models(field.annotation):
            paths.extend(f"{path}.{inner}" for inner in newer_fields(part))
    return tuple(paths)


def newer_fields_set(value: Model) -> tuple[str, ...]:
    """Return the path of every newer field that does not have its default."""
    content = value.to_json()
    return tuple(path for path in newer_fields(type(value)) if _is_in(content, path))


def without_fields(value: M, paths: tuple[str, ...]) -> M:
    """Return the value with the default of these newer fields."""
    if not paths:
        return value
    content = value.to_json()
    for path in paths:
        part = content
        *parents, name = path.split(".")
        for parent in parents:
            part = part[parent]
        del part[name]
    return type(value).model_validate(content)


def _models(annotation: object) -> Iterator[type[Model]]:
    """Yield the model that a field holds, also where it may be unset."""
    parts = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    for part in parts:
        if isinstance(part, type) and issubclass(part, Model):
            yield part


def _is_in(content: Any, path: str) -> bool:
    for name in path.split("."):
        if not isinstance(content, dict) or name not in content:
            return False
        content = content[name]
    return True
