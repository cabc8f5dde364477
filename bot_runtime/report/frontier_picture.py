"""The picture of the frontier: what other thresholds would have traded and earned."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bot_runtime.evaluation.frontier import Cell, Frontier
from bot_runtime.report.drawing import BAD, INK, LIMIT, SERIES, draw_panels, legend_above


def draw_frontier(frontier: Frontier) -> Figure:
    """Draw net return and share traded over probMin, a line for each minExpectedReturn.

    Settings are shown at the riskMax of the best one. Where the policy reads riskMax alone, both
    are drawn over it.
    """
    lines, threshold = _lines_of(frontier)

    def draw_net(axes: Axes) -> None:
        axes.axhline(0, color=LIMIT, lw=0.8, linestyle="--")
        for place, (label, cells) in enumerate(lines.items()):
            _line(axes, cells, [1e4 * cell.mean for cell in cells], place, label)
        if frontier.best is not None and frontier.stated is not None:
            at, stated = _x(frontier.best), frontier.stated
            axes.plot(at, 1e4 * frontier.best.mean, "o", mfc="none", mec=INK, ms=10, label="best")
            axes.errorbar(
                at, 1e4 * stated.mean, 1e4 * np.nan_to_num(stated.error, posinf=0.0), fmt="D",
                color=BAD, ms=5, capsize=3, label="best, second half",
            )  # fmt: skip
        axes.set_ylabel("net, bps a candle")
        legend_above(axes, 3)

    def draw_traded(axes: Axes) -> None:
        for place, (label, cells) in enumerate(lines.items()):
            _line(axes, cells, [100 * cell.traded for cell in cells], place, label)
        axes.set(ylabel="traded, %", xlabel=threshold)
        axes.set_ylim(bottom=0)

    return draw_panels(draw_net, draw_traded, heights=(2.6, 1.6))


def _lines_of(frontier: Frontier) -> tuple[dict[str, list[Cell]], str]:
    """Return the cells of each line by its label, and what they are drawn over."""
    if frontier.cells[0].setting.prob_min is None:
        return {"on the first half": list(frontier.cells)}, "riskMax"
    chosen = frontier.best or frontier.cells[-1]
    lines: dict[str, list[Cell]] = {}
    for cell in frontier.cells:
        if cell.setting.risk_max == chosen.setting.risk_max:
            lines.setdefault(f"{cell.setting.min_expected_return:g}", []).append(cell)
    return lines, f"probMin, by minExpectedReturn, at riskMax {chosen.setting.risk_max:g}"


def _line(axes: Axes, cells: list[Cell], values: list[float], place: int, label: str) -> None:
    """Draw one line, thinner than the one before: settings that decide the same lie on it."""
    at, width = [_x(cell) for cell in cells], max(1.0, 4.0 - place)
    axes.plot(at, values, ".-", color=SERIES[place], lw=width, ms=5, label=label)


def _x(cell: Cell) -> float:
    least = cell.setting.prob_min
    return cell.setting.risk_max if least is None else least
