"""The gate as a table: evidence in, reasons out."""

import math

import pytest

from bot_runtime.contract.spec import GateSpec
from bot_runtime.evaluation.gate import (
    CONSTANT_SHARE,
    LEAST_BLOCKS,
    STAYING_OUT,
    Duel,
    Evidence,
    check_gate,
)
from bot_runtime.scoring.scores import Comparison


def duel(gain: float, error: float = 0.001, blocks: int = 40, name: str = "log loss") -> Duel:
    return Duel(name, "reference", 0.69 - gain, 0.69, Comparison(gain, error, blocks))


def account(gain: float, error: float = 0.001, against: str = STAYING_OUT) -> Duel:
    reference = 0.0 if against == STAYING_OUT else 0.002
    return Duel("trading loss", against, reference - gain, reference, Comparison(gain, error, 40))


PASSING = (duel(0.02), duel(0.02, name="pinball"))
METRICS = {"Trend.auc": 0.6}

TABLE = [
    pytest.param(Evidence((), METRICS, PASSING), GateSpec(), [], id="better than naive"),
    pytest.param(
        Evidence(("prob_up: 1 of 9 rows differ",), METRICS, PASSING),
        GateSpec(),
        ["Parity: prob_up"],
        id="served otherwise than trained",
    ),
    pytest.param(
        Evidence((), {"Risk.qlike": math.nan}, PASSING),
        GateSpec(),
        ["NotFinite: Risk.qlike"],
        id="a metric that is no number",
    ),
    pytest.param(
        Evidence((), METRICS, (duel(0.0, 0.0), PASSING[1])),
        GateSpec(),
        ["NotBetterThanNaive: log loss"],
        id="equal to naive",
    ),
    pytest.param(
        Evidence((), METRICS, (duel(0.0019), PASSING[1])),
        GateSpec(),
        ["NotBetterThanNaive: log loss"],
        id="better by less than luck",
    ),
    pytest.param(
        Evidence((), METRICS, (PASSING[0], duel(-0.01, name="pinball"))),
        GateSpec(),
        ["NotBetterThanNaive: pinball"],
        id="one of two losses worse",
    ),
    pytest.param(
        Evidence((), METRICS, (duel(math.nan), PASSING[1])),
        GateSpec(),
        ["NotBetterThanNaive: log loss"],
        id="a loss that is no number",
    ),
    pytest.param(
        Evidence((), METRICS, (duel(0.02), duel(0.02, name="pinball"))),
        GateSpec(margin=0.05),
        ["NotBetterThanNaive: log loss", "NotBetterThanNaive: pinball"],
        id="better by less than the margin",
    ),
    pytest.param(
        Evidence((), METRICS, (duel(0.02, blocks=LEAST_BLOCKS - 1), PASSING[1])),
        GateSpec(),
        ["NotBetterThanNaive: log loss"],
        id="too few candles to tell",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, champion=(duel(-0.0009),)),
        GateSpec(),
        [],
        id="trails by luck",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, champion=(duel(0.0, 0.0),)),
        GateSpec(),
        [],
        id="equals the champion",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, champion=(duel(-1e-8, 0.0),)),
        GateSpec(),
        [],
        id="equals the champion but for the order of a sum",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, champion=(duel(-0.01), duel(0.01, name="pinball"))),
        GateSpec(),
        ["WorseThanChampion: log loss"],
        id="worse than the champion",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, champion=(duel(math.nan),)),
        GateSpec(),
        ["WorseThanChampion: log loss"],
        id="a duel that is no number",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, champion=(duel(0.02), duel(0.006, name="pinball"))),
        GateSpec(champion_margin=0.01),
        ["NotBetterThanChampion: pinball"],
        id="better than the champion by less than its margin",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, champion=(duel(math.nan),)),
        GateSpec(champion_margin=0.01),
        ["NotBetterThanChampion: log loss"],
        id="a margin over what is no number",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, volatility=(duel(-0.0024, name="QLIKE"),)),
        GateSpec(),
        [],
        id="volatility no better than HAR's but for luck",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, volatility=(duel(-0.0026, name="QLIKE"),)),
        GateSpec(),
        ["NotBetterThanNaive: QLIKE"],
        id="volatility worse than HAR's",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, volatility=(duel(math.nan, name="QLIKE"),)),
        GateSpec(),
        ["NotBetterThanNaive: QLIKE"],
        id="a volatility that is no number",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, trading=(account(-0.0009),)),
        GateSpec(),
        [],
        id="loses by luck",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, trading=(account(0.0, 0.0),)),
        GateSpec(),
        [],
        id="trades never",
    ),
    pytest.param(
        Evidence((), METRICS, PASSING, trading=(account(-0.0011),)),
        GateSpec(),
        ["LosesMoney: its decisions earned -0.0011 of the equity a candle after fees"],
        id="loses money after fees",
    ),
    pytest.param(
        Evidence((), METRICS, (), trading=(account(-0.0009, against=CONSTANT_SHARE),)),
        GateSpec(),
        [],
        id="managed: worse than a constant share by luck",
    ),
    pytest.param(
        Evidence((), METRICS, (), trading=(account(-0.0011, against=CONSTANT_SHARE),)),
        GateSpec(),
        [
            "LosesMoney: trading loss 0.0031, a constant share of the same mean 0.002: worse by "
            "0.0011 a candle, allowed 0.001"
        ],
        id="managed: worse than a constant share",
    ),
    pytest.param(
        Evidence((), METRICS, *[(duel(-1.0),)] * 4),
        GateSpec(mode="Off"),
        [],
        id="off",
    ),
    pytest.param(
        Evidence(("p50: differs",), {"x": math.inf}, PASSING),
        GateSpec(mode="Off"),
        ["Parity: p50", "NotFinite: x"],
        id="off still asks for parity and numbers",
    ),
]


@pytest.mark.parametrize(("evidence", "spec", "starts"), TABLE)
def test_gate(evidence: Evidence, spec: GateSpec, starts: list[str]) -> None:
    reasons = check_gate(evidence, spec)
    assert len(reasons) == len(starts)
    for reason, start in zip(reasons, starts, strict=True):
        assert reason.startswith(start)
        assert len(reason) <= 160


def test_rejection_shows_both_numbers() -> None:
    (reason,) = check_gate(Evidence((), {}, (duel(-0.01),)), GateSpec())
    assert "0.7," in reason
    assert "0.69" in reason
