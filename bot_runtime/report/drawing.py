"""How every picture of a report looks: its size, colours and axes, as SVG within the page."""

import io
import re
from collections.abc import Callable
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from bot_runtime.arrays import Times

WIDTH: Final = 5.2
"""Inches: on a phone, text is then as large as in the page."""
HEIGHT: Final = 2.8
MODEL, OTHER, LIMIT = "#1f6f8b", "#c8963e", "#8a8a8a"
INK, GOOD, BAD = "#333333", "#2d7d46", "#b3382c"
SERIES: Final = (MODEL, OTHER, "#6a4c93", "#5b8c5a")
"""Colours of things of one kind: objectives, quantiles."""
STYLE: Final[Any] = {  # matplotlib's type of it lists 300 names
    "svg.fonttype": "none",  # text stays text: small, searchable, in the reader's own font
    "svg.hashsalt": "botcripto",
    "text.parse_math": False,  # a name may hold $
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
}


def to_svg(figure: Figure) -> str:
    """Return a figure as an SVG element that takes the width of its place."""
    text = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    element = text.getvalue()[text.getvalue().index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    return re.sub(r' (width|height)="[0-9.]+pt"', "", element, count=2)


def draw_figure(draw: Callable[[Axes], None], height: float = HEIGHT) -> Figure:
    """Return a figure of one panel."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure.add_subplot())
    return figure


def draw_panels(*draws: Callable[[Axes], None], heights: tuple[float, ...]) -> Figure:
    """Return a figure of panels below each other that share their x axis."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        panels = figure.subplots(len(draws), sharex=True, height_ratios=heights)
        for draw, axes in zip(draws, panels, strict=True):
            draw(axes)
    return figure


def legend_above(axes: Axes, columns: int) -> None:
    """Put the legend above the panel, where it hides nothing."""
    axes.legend(
        frameon=False, ncols=columns, fontsize=9, loc="lower left", bbox_to_anchor=(0, 0.97),
        handlelength=1.4, columnspacing=1.2, borderaxespad=0.1,
    )  # fmt: skip


def date_axis(axes: Axes) -> None:
    """Label the x axis with times, as few digits as tell them apart."""
    # With fewer than 7, it has no step for 3 hours. Untyped in matplotlib's own stubs.
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]  # see above
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(
        ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]  # see above
    )


def dates(time_ms: Times) -> npt.NDArray[np.datetime64]:
    """Return times (n,) as matplotlib draws them."""
    return np.asarray(time_ms.astype("datetime64[ms]"))
