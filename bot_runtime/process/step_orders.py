"""What the operator tells a step by environment: JSON of a model of the contract."""

import os
from typing import TypeVar

from pydantic import ValidationError

from bot_runtime.contract.base import Model

M = TypeVar("M", bound=Model)


def load_order(variable: str, kind: type[M]) -> M | None:
    """Return what a variable says; None where it is not set, or says it as another release does."""
    text = os.environ.get(variable)
    if not text:
        return None
    try:
        return kind.model_validate_json(text)
    except ValidationError:
        return None
