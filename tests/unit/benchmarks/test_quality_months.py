"""The tables and figures say what months were like, the worst one by name."""

import numpy as np
import pytest

from benchmarks.figures import Figure
from benchmarks.quality_judged import LEAST_OUTCOMES, Month
from benchmarks.quality_months import comparison_of, figures_of, months_of, table_of
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.evaluation.score_tables import MODEL
from tests.unit.benchmarks.windows import CANDLES

DAY_0 = "1970-01-01"


def month_of(
    trend: float = 0.9,
    risk: float = 0.9,
    *,
    day: int = 0,
    contestant: str = "served",
    outcomes: int = LEAST_OUTCOMES,
    coverage: float = 0.8,
    promoted: bool = True,
) -> Month:
    return Month(
        series="BTC",
        begin_ms=day * DAY_MS,
        contestant=contestant,
        promoted=promoted,
        losses={
            "Trend": {MODEL: trend, "base rate": 1.0},
            "Return": {MODEL: 0.9, "constant": 1.0, "scaled": 0.9},
            "Risk": {MODEL: risk, "EWMA": 1.0, "HAR": 1.2},
        },
        then={"Trend": "base rate", "Return": "constant", "Risk": "HAR"},
        inside=np.arange(outcomes) < coverage * outcomes,
    )


def test_a_table_has_every_month_the_mean_and_the_worst() -> None:
    months = [month_of(0.8, day=0), month_of(1.1, 1.3, day=30, promoted=False)]
    head, *rows, mean, worst, when = (line.split() for line in table_of(months))
    assert head[:5] == ["month", "gate", "outcomes", "log", "loss"]
    assert rows[0][:5] == [DAY_0, "passed", "2,000", "0.80000", "+20.00"]
    assert rows[1][:5] == ["1970-01-31", "refused", "2,000", "1.10000", "-10.00"]
    assert rows[1][-5:] == ["-8.33", "HAR", "-30.00", "EWMA", "80.0"]
    assert mean == [
        "mean,",
        "1",
        "of",
        "2",
        "passed",
        "+5.00",
        "+10.00",
        "+0.00",
        "+8.33",
        "-10.00",
    ]
    assert worst == ["worst", "-10.00", "+10.00", "+0.00", "-8.33", "-30.00"]
    assert when[3:] == ["1970-01-31", DAY_0, DAY_0, "1970-01-31", "1970-01-31"]


def test_every_cell_stands_in_a_column() -> None:
    head, row, *summary = table_of([month_of(0.8)])
    assert len(head) == len(row)
    assert len({len(line) for line in summary}) == 1
    mean = summary[0]
    for share in ("+20.00", "+10.00", "+0.00", "+25.00", "+10.00"):
        start = mean.index(share)
        assert row[start : start + len(share)].strip(), share
        mean = " " * (start + len(share)) + mean[start + len(share) :]


def test_contestants_stand_beside_what_is_served() -> None:
    months = [month_of(1.0, 1.0, day=0), month_of(1.0, 1.0, day=30)]
    months += [month_of(0.98, 1.1, day=0, contestant="refit")]
    months += [month_of(0.96, 1.3, day=30, contestant="refit")]
    trend, _, risk = comparison_of(months)
    assert trend == (
        "BTC: log loss of refit, % below served: +3.00 on average, standard error 1.00, "
        "worst +2.00, lower in 2 of 2 months"
    )
    assert "-20.00 on average" in risk
    assert "worst -30.00, lower in 0 of 2 months" in risk


def figures(months: list[Month], judged_loss: float = 0.91) -> dict[str, Figure]:
    judged = [month_of(judged_loss, day=i, contestant="judged") for i in range(len(months))]
    return {figure.name: figure for figure in figures_of([*months, *judged])}


def test_one_month_of_eight_may_be_worse() -> None:
    months = [month_of(day=i) for i in range(8)]
    assert all(figure.holds for figure in figures(months).values())
    months[3] = month_of(1.01, 1.04, day=3)
    assert all(figure.holds for figure in figures(months, 1.02).values())
    months[4] = month_of(1.01, 1.04, day=4)
    short = [name for name, figure in figures(months, 1.02).items() if not figure.holds]
    assert short == [
        "log loss above the base rate, of 8 months",
        "QLIKE above EWMA or HAR, of 8 months",
    ]


@pytest.mark.parametrize(
    ("month", "name", "value"),
    [
        (month_of(risk=1.06), "QLIKE, % below EWMA and HAR, worst month", -6),
        (month_of(risk=0.96), "QLIKE, % below EWMA and HAR, on average", 4),
        (month_of(coverage=0.765), "coverage, points off 80 %, worst month", 3.5),
        (month_of(coverage=0.835), "coverage, points off 80 %, worst month", 3.5),
        (month_of(trend=0.91), "log loss of a refit, % below what was judged", 0),
    ],
)
def test_a_limit_that_is_not_kept_falls_short(month: Month, name: str, value: float) -> None:
    figure = figures([month])[name]
    assert figure.value == pytest.approx(value)
    assert not figure.holds


def test_nothing_is_promised_of_months_with_few_outcomes() -> None:
    assert figures_of([month_of(outcomes=LEAST_OUTCOMES - 1)]) == []


def test_a_window_that_cannot_be_trained_is_told_and_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    too_few = 20
    assert list(months_of("candles", {"BTC": CANDLES}, lambda _: too_few)) == []
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["candles:", "BTC", "2", "windows"]
    assert len(told) == 3
    assert all(
        "BTC, 20" in line and "not trained: training.lookback: " in line for line in told[1:]
    )
