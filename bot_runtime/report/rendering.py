"""From numbers to the page: templates, and how numbers are written in them."""

import math
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from bot_runtime.market.candles import utc

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


def percent(value: float) -> str:
    """Return a share as per cent with its sign: +3.21%; of a large one the first digits alone."""
    if not math.isfinite(value):
        return NONE
    if abs(value) >= 1000:
        return f"{100 * value:+.3g}%"
    return "0.00%" if abs(value) < 0.00005 else f"{value:+,.2%}"


def part(value: float) -> str:
    """Return a share that cannot be below 0 as per cent: 3.21%."""
    return f"{value:.2%}" if math.isfinite(value) else NONE


def money(value: float) -> str:
    """Return an amount; of a small one four digits."""
    if not math.isfinite(value):
        return NONE
    return f"{value:,.2f}" if value == 0.0 or abs(value) >= 1.0 else f"{value:.4g}"


def minute(time_ms: int) -> str:
    """Return a time in UTC as 2026-01-31 12:00."""
    return utc(time_ms)[:16].replace("T", " ")
