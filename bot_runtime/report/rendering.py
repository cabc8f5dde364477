"""From numbers to the page: templates, and how numbers are written in them."""

import math
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

NONE: Final = "-"
"""Where there is no number."""


def render(template: str, **told: Any) -> str:
    """Return a page: one file, no script and no address in it; what is told is escaped."""
    environment = Environment(
        loader=PackageLoader("bot_runtime.report", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(template).render(told)


def number(value: float) -> str:
    """Return a number with four digits."""
    return f"{value:.4g}" if math.isfinite(value) else NONE
