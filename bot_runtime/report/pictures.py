"""The report's pictures, as SVG that stands within the page."""

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bot_runtime.arrays import Rows
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.learning.curve import LearningCurve
from bot_runtime.report.drawing import (
    BAD,
    HEIGHT,
    INK,
    LIMIT,
    MODEL,
    OTHER,
    SERIES,
    STYLE,
    WIDTH,
    date_axis,
    dates,
    draw_figure,
    legend_above,
    to_svg,
)
from bot_runtime.report.findings import Findings
from bot_runtime.report.frontier_picture import draw_frontier
from bot_runtime.scoring import scores

FAN_ROWS = 120
"""Newest unseen candles that the fan shows: more would be a blot on a phone."""
WINDOW_SHARE = 20
"""Coverage is averaged over a twentieth of the unseen candles."""
TOP_FEATURES = 10


def draw_pictures(findings: Findings) -> dict[str, str]:
    """Return every picture as an SVG element, by its caption."""
    return {
        caption: to_svg(draw(findings))
        for caption, draw in (
            ("Reliability: what was said, and how often it came", draw_reliability),
            ("Quantile fan on the newest unseen candles", draw_fan),
            ("Coverage of p10 to p90 over time", draw_coverage),
            ("What each feature is worth: loss without it", draw_importance),
            ("Learning: loss on the selection slice above its lowest", draw_learning),
            ("Loss against the best naive reference, summed up", draw_losses),
            ("An account that follows the decisions", draw_account),
            (
                "Other thresholds: chosen on the first half of the unseen candles",
                lambda one: draw_frontier(one.frontier),
            ),
        )
    }


def draw_reliability(findings: Findings) -> Figure:
    """Draw the share of rises over the probability, each with its standard error.

    Labels overlap by the horizon: so many rows count as one.
    """
    rows, said = findings.rows, findings.adapted.prob_up
    curve = scores.reliability_curve(said, findings.data.labels.up[rows])
    error = np.sqrt(
        curve.observed * (1 - curve.observed) * findings.data.horizon_steps / curve.rows
    )

    def draw(axes: Axes) -> None:
        ends = [float(min(curve.predicted.min(), curve.observed.min())) - 0.03]
        ends.append(float(max(curve.predicted.max(), curve.observed.max())) + 0.03)
        axes.plot(ends, ends, color=LIMIT, linestyle="--", label="honest")
        axes.errorbar(
            curve.predicted, curve.observed, error, color=MODEL, marker="o", label="model"
        )
        axes.set(xlabel="probability of a rise", ylabel="share of rises")
        axes.legend(frameon=False)

    return draw_figure(draw)


def draw_fan(findings: Findings) -> Figure:
    """Draw p10, p50, p90 and the return that came, of the first symbol."""
    mine = np.flatnonzero(findings.data.symbol[findings.rows] == 0)[-FAN_ROWS:]
    told, rows = findings.adapted, findings.rows[mine]
    times = _times(findings, rows)
    outcome = 100 * findings.data.labels.simple_return[rows]
    beyond = (outcome < 100 * told.p10[mine]) | (outcome > 100 * told.p90[mine])

    def draw(axes: Axes) -> None:
        axes.fill_between(
            times, 100 * told.p10[mine], 100 * told.p90[mine], color=MODEL, alpha=0.25, lw=0,
            label="p10 to p90",
        )  # fmt: skip
        axes.plot(times, 100 * told.p50[mine], color=MODEL, lw=1, label="p50")
        axes.plot(times[~beyond], outcome[~beyond], ".", color=INK, ms=4, label="came")
        axes.plot(times[beyond], outcome[beyond], "x", color=BAD, ms=5, label="beyond")
        axes.set_ylabel(f"return over {findings.data.horizon_steps} candles, %")
        date_axis(axes)
        legend_above(axes, 4)

    return draw_figure(draw)


def draw_coverage(findings: Findings) -> Figure:
    """Draw the moving coverage of the band as it adapts, and of the band as it was fitted."""
    rows = findings.rows
    outcome, times = findings.data.labels.simple_return[rows], _times(findings, rows)
    span = max(20, len(rows) // WINDOW_SHARE)

    def draw(axes: Axes) -> None:
        for told, color, label in (
            (findings.served, OTHER, "fixed"),
            (findings.adapted, MODEL, "adapting"),
        ):
            inside = ((outcome >= told.p10) & (outcome <= told.p90)).astype(float)
            moving = np.convolve(inside, np.ones(span) / span, mode="valid")
            axes.plot(times[span - 1 :], 100 * moving, color=color, lw=1.5, label=label)
        axes.axhline(80, color=LIMIT, linestyle="--")
        axes.set_ylabel(f"within the band, % of {span}")
        date_axis(axes)
        axes.legend(frameon=False)

    return draw_figure(draw)


def draw_importance(findings: Findings) -> Figure:
    """Draw the features that each objective would miss most, one panel each."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 3 * HEIGHT), layout="constrained")
        for i, objective in enumerate(OBJECTIVES, start=1):
            axes = figure.add_subplot(3, 1, i)
            found = findings.importance[objective]
            top = sorted(found, key=lambda name: found[name])[-TOP_FEATURES:]
            axes.barh(top, [100 * found[name] for name in top], color=MODEL)
            axes.set(title=objective, xlabel="loss without it, % more" if i == 3 else "")
    return figure


def draw_learning(findings: Findings) -> Figure:
    """Draw how each candidate's validation loss fell, one row of panels for each objective."""
    columns = max(1, *(len(curves) for curves in findings.learning.values()))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 2.2 * HEIGHT), layout="constrained")
        for i, objective in enumerate(OBJECTIVES):
            curves = findings.learning[objective]
            for j, (algorithm, curve) in enumerate(curves.items(), start=1):
                axes = figure.add_subplot(len(OBJECTIVES), columns, i * columns + j)
                _draw_curve(axes, curve)
                axes.set_title(f"{objective}, {algorithm}", fontsize=9)
                if j == 1:
                    axes.set_ylabel("% above lowest", fontsize=9)
    return figure


def _draw_curve(axes: Axes, curve: LearningCurve) -> None:
    for (part, losses), color in zip(curve.losses.items(), SERIES, strict=False):
        numbers, values = list(losses), np.asarray(list(losses.values()))
        lowest = int(np.argmin(values))
        above = 100 * (values - values[lowest]) / (abs(values[lowest]) or 1.0)
        axes.plot(numbers, above, color=color, lw=1.5, label=part)
        axes.plot(numbers[lowest], 0, "o", color=color, ms=4)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.tick_params(labelsize=9)
    if len(curve.losses) > 1:
        axes.legend(frameon=False, fontsize=9)


def draw_losses(findings: Findings) -> Figure:
    """Draw by how many per cent the model's loss is below the best reference's, up to each row."""
    times = _times(findings, findings.rows)

    def draw(axes: Axes) -> None:
        for objective, color in zip(OBJECTIVES, SERIES, strict=False):
            own, *others = findings.losses(objective).values()
            naive = min(others, key=lambda loss: float(np.mean(loss)))
            whole = float(np.sum(naive)) or 1.0  # a constant price has nothing to gain from
            gain = np.cumsum(naive - own) / whole
            axes.plot(times, 100 * gain, color=color, lw=1.5, label=objective)
        axes.axhline(0, color=LIMIT, linestyle="--")
        axes.set_ylabel("gained so far, % of the whole")
        date_axis(axes)
        axes.legend(frameon=False)

    return draw_figure(draw)


def draw_account(findings: Findings) -> Figure:
    """Draw what the account has earned after fees."""
    account = findings.account
    times = dates(account.close_ms)

    def draw(axes: Axes) -> None:
        axes.plot(times, 100 * (account.equity / account.capital - 1), color=MODEL, lw=1.5)
        axes.axhline(0, color=LIMIT, linestyle="--")
        axes.set_ylabel("earned after fees, % of equity")
        date_axis(axes)

    return draw_figure(draw)


def _times(findings: Findings, rows: Rows) -> npt.NDArray[np.datetime64]:
    return dates(findings.data.time_ms[rows])
