"""Specs and statuses as models: what cannot be read becomes a sentence, never an exception.

Fields of another release are passed over: going back to an older operator under newer CRDs must
neither stop a bot nor forget its status. What a user mistypes the API server refuses or prunes.
"""

from typing import TypeVar

from pydantic import ValidationError

from bot_operator.resources import Manifest
from bot_runtime.contract.model import Model

M = TypeVar("M", bound=Model)

_PROBLEMS_SHOWN = 4


def read_spec(model: type[M], manifest: Manifest) -> M | str:
    """Return the object's spec, or what is wrong with it, field by field."""
    try:
        return model.model_validate(manifest.get("spec") or {}, extra="ignore")
    except ValidationError as e:
        return _describe(e)


def read_status(model: type[M], manifest: Manifest) -> M:
    """Return the object's status; an empty one where it has none that this release can read."""
    try:
        return model.model_validate(manifest.get("status") or {}, extra="ignore")
    except ValidationError:
        return model()


def _describe(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False)
    shown = []
    for problem in problems[:_PROBLEMS_SHOWN]:
        field = ".".join(["spec", *(str(part) for part in problem["loc"])])
        found = problem.get("input")
        value = f" (found {found!r})" if isinstance(found, str | int | float) else ""
        shown.append(f"{field}: {problem['msg']}{value}")
    more = len(problems) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
