"""The picture of the frontier shows the settings that were tried, and the one that was chosen."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.lines import Line2D

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.evaluation.frontier import PROB_MIN, Cell, Frontier, Setting, settings_of
from bot_runtime.report.drawing import to_svg
from bot_runtime.report.frontier_picture import draw_frontier
from bot_runtime.trading.strategy import Strategy
from tests.unit.bot_runtime.backtests import by_minute, eager

MANAGED = by_minute(DecisionSpec(policy="VolatilityManaged"))


def frontier_of(strategy: Strategy, best: int | None) -> Frontier:
    """Return a frontier whose cells earn the more the later they are tried."""
    cells = tuple(
        Cell(setting, 0.5 / (place + 1), 1e-6 * place, 1e-6, 10)
        for place, setting in enumerate(settings_of(strategy))
    )
    if best is None:
        return Frontier(cells, None, None, float("nan"))
    stated = Cell(cells[best].setting, 0.1, -2e-6, 3e-6, 5)
    return Frontier(cells, cells[best], stated, 0.3)


def xs(line: Line2D) -> list[float]:
    return [float(x) for x in np.asarray(line.get_xdata())]


def test_a_line_for_each_expected_return_at_the_best_risk() -> None:
    frontier = frontier_of(eager(), 77)
    assert frontier.best is not None
    net, traded = draw_frontier(frontier).axes
    shown = [
        cell for cell in frontier.cells if cell.setting.risk_max == frontier.best.setting.risk_max
    ]
    lines = [line for line in net.lines if len(xs(line)) == len(PROB_MIN)]
    assert len(lines) == len({cell.setting.min_expected_return for cell in shown}) == 4
    drawn = np.sort(np.concatenate([np.asarray(line.get_ydata()) for line in lines]))
    assert drawn == pytest.approx(np.sort([1e4 * cell.mean for cell in shown]))
    assert traded.get_xlabel() == "probMin, by minExpectedReturn, at riskMax 0.75"
    legend = net.get_legend()
    assert legend is not None
    assert "best, second half" in [text.get_text() for text in legend.get_texts()]


def test_a_managed_share_is_drawn_over_the_risk() -> None:
    net, traded = draw_frontier(frontier_of(MANAGED, 2)).axes
    assert traded.get_xlabel() == "riskMax"
    assert xs(net.lines[1]) == [0.5, 0.75, 0.9, 1.0]


@pytest.mark.parametrize("strategy", [eager(), MANAGED])
def test_nothing_traded_is_drawn_without_a_best_one(strategy: Strategy) -> None:
    frontier = frontier_of(strategy, None)
    svg = to_svg(draw_frontier(frontier))
    ET.fromstring(svg)
    assert "nan" not in svg
    assert "best" not in svg


def test_an_error_that_is_not_known_is_not_drawn() -> None:
    setting = Setting(None, None, 0.9)
    cell = Cell(setting, 0.5, 1e-6, float("inf"), 1)
    svg = to_svg(draw_frontier(Frontier((cell,), cell, cell, 0.5)))
    assert "inf" not in svg
    assert "nan" not in svg
