"""The report of a training: whole, by itself, and true to what was decided."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.contract.skillstatus import LiveSkill, LossSkill
from bot_runtime.learning.choice import Choice
from bot_runtime.report.drawing import to_svg
from bot_runtime.report.findings import Champion, Findings, growth
from bot_runtime.report.page import REPORT_FILE, render_report
from bot_runtime.report.pictures import draw_coverage, draw_learning, draw_pictures
from bot_runtime.steps import publish
from bot_runtime.steps.evaluate import evaluate
from bot_runtime.store.layout import Store
from tests.html_pages import Page, check_page
from tests.unit.bot_runtime.learning import (
    BOTH,
    market_candles,
    prepare_training,
    quiet,
    train_all,
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings]:
    """Give the report's file of a training, and what it was made of."""
    store = Store(tmp_path_factory.mktemp("reported"))
    configuration = prepare_training(store, market_candles(2000, BOTH))
    train_all(configuration, store)
    seen: list[Findings] = []
    with pytest.MonkeyPatch.context() as patch:

        def render(findings: Findings) -> str:
            seen.append(findings)
            return render_report(findings)

        patch.setattr(publish, "render_report", render)
        result = evaluate(configuration, store, quiet("Evaluation"))
    return store.version(result.version) / REPORT_FILE, seen[0]


def test_report_needs_no_network_and_is_made_for_a_phone(made: tuple[Path, Findings]) -> None:
    check_page(made[0].read_text(encoding="utf-8"), most_bytes=1_500_000)


def test_report_has_every_number_that_was_decided_by(made: tuple[Path, Findings]) -> None:
    path, findings = made
    text = Page(path.read_text(encoding="utf-8")).text
    assert findings.result.version in text
    for table in findings.tables.values():
        for name, row in table.items():
            assert name in text
            assert all(f"{value:.4g}" in text for value in row.values())
    for duel in findings.duels:
        assert f"{duel.loss:.4g}" in text
    assert ("Promoted" in text) == (findings.reasons == ())


def test_refusal_stands_at_the_top_and_markup_in_it_is_text(made: tuple[Path, Findings]) -> None:
    refused = replace(made[1], reasons=("NotBetterThanNaive: <b>1 & 2</b>",))
    text = render_report(refused)
    assert "<b>1" not in text
    shown = Page(text).text
    assert shown.index("NotBetterThanNaive: <b>1 & 2</b>") < shown.index("What was judged")


def test_report_tells_the_winners_lead_and_how_likely_it_is_luck(
    made: tuple[Path, Findings],
) -> None:
    text = Page(made[0].read_text(encoding="utf-8")).text
    assert "leads by" not in text, "of one candidate there is no choice"
    losses = {"GradientBoosting": 0.5, "TemporalFusionTransformer": 0.25}
    among_two = Choice("TemporalFusionTransformer", losses, {}, 1.0, 0.375)
    text = Page(render_report(replace(made[1], choices={"Trend": among_two}))).text
    assert "TemporalFusionTransformer leads by 100.00%" in text
    assert "a probability of 38% (luck alone gives 50%)" in text


def test_report_tells_what_the_version_before_was_worth_while_it_served(
    made: tuple[Path, Findings],
) -> None:
    assert "while it served" not in made[0].read_text(encoding="utf-8")
    loss = LossSkill(lead="-3.2", error="1.1", watched=True)
    young = LiveSkill(blocks=3)
    lost = LiveSkill(
        blocks=30, qlike=loss, lost="QLIKE 3.2 % above HAR", lost_since="2026-03-01T00:00:00Z"
    )
    for skill, told in (
        (young, ("last 3 days", "not yet: 8 blocks are needed")),
        (lost, ("-3.2", "1.1", "lost since 2026-03-01T00:00:00Z")),
    ):
        page = render_report(replace(made[1], champion=Champion("bot-1-12345678", skill)))
        check_page(page, most_bytes=1_500_000)
        assert all(words in Page(page).text for words in ("bot-1-12345678", *told))


def test_pictures_are_svg_and_the_same_twice(made: tuple[Path, Findings]) -> None:
    text = made[0].read_text(encoding="utf-8")
    pictures = draw_pictures(made[1])
    assert len(pictures) == 8
    for svg in pictures.values():
        ET.fromstring(svg)  # well-formed
        assert svg in text


def test_coverage_picture_shows_the_bands_that_were_told(made: tuple[Path, Findings]) -> None:
    findings = made[1]
    lines = draw_coverage(findings).axes[0].lines
    outcome = findings.data.labels.simple_return[findings.rows]
    for line, told in zip(lines, (findings.served, findings.adapted), strict=False):
        inside = (outcome >= told.p10) & (outcome <= told.p90)
        drawn = np.asarray(line.get_ydata())
        span = len(inside) - len(drawn) + 1
        assert drawn[0] == pytest.approx(100 * inside[:span].mean())
    assert "80" in to_svg(draw_coverage(findings))


def test_learning_picture_shows_every_fit_of_every_candidate(made: tuple[Path, Findings]) -> None:
    learning = made[1].learning
    assert {o: set(curves) for o, curves in learning.items()} == {
        one.objective: set(one.scores) for one in made[1].result.objectives
    }
    assert set(learning["Return"]["GradientBoosting"].losses) == {"p10", "p50", "p90"}
    panels = draw_learning(made[1]).axes
    fits = [curve for curves in learning.values() for curve in curves.values()]
    assert len(panels) == len(fits)
    for panel, curve in zip(panels, fits, strict=True):
        drawn = [line for line in panel.lines if len(np.asarray(line.get_ydata())) > 1]
        assert len(panel.lines) == 2 * len(curve.losses)
        for line, losses in zip(drawn, curve.losses.values(), strict=False):
            assert list(np.asarray(line.get_xdata())) == list(losses)
            assert np.asarray(line.get_ydata()).min() == 0


def test_importance_finds_what_moves_the_loss(made: tuple[Path, Findings]) -> None:
    """The generated market follows its last returns: shuffled, they are missed most."""
    importance = made[1].importance["Trend"]
    assert set(importance) == set(made[1].importance["Risk"])
    best = max(importance, key=lambda name: importance[name])
    assert importance[best] > 0.01
    assert importance[best] > importance["weekday_sin"]


@pytest.mark.parametrize(
    ("before", "after", "share"), [(2.0, 3.0, 0.5), (-2.0, -1.0, 0.5), (0.0, 0.0, 0.0)]
)
def test_importance_is_the_share_by_which_a_loss_grows(
    before: float, after: float, share: float
) -> None:
    assert growth(before, after) == share
