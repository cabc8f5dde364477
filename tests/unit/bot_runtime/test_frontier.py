"""The frontier: whether any setting of the thresholds earns money, and what is said of it."""

import numpy as np
import pytest

from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.evaluation.frontier import Frontier, Setting, find_frontier, settings_of
from bot_runtime.evaluation.tracks import constant_share, follow_decisions, tracks_of
from bot_runtime.evaluation.tradable_share import decisions_of
from bot_runtime.scoring import scores
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import follow
from tests.unit.bot_runtime.learning import training_data
from tests.unit.bot_runtime.strategies import UNLIMITED, strategy_with

DATA = training_data(4000, symbols=("BTC/USDT", "ETH/USDT"))
ROWS = DATA.splits.test
CHEAP = DecisionSpec(fees_bps=0.1, slippage_bps=0.0)
STRATEGY = strategy_with(
    CHEAP, interval_ms=DATA.interval_ms, horizon_steps=DATA.horizon_steps, **UNLIMITED
)


def told(knowledge: float, seed: int = 0) -> Predictions:
    """Return predictions that know a part of the outcome, the rest is noise of the same size."""
    draw = np.random.default_rng(seed)
    outcome = DATA.labels.simple_return[ROWS]
    spread = float(np.std(outcome))
    expected = knowledge * outcome + (1 - knowledge) * draw.normal(0, spread, len(ROWS))
    band = spread * (1.5 - knowledge)
    return Predictions(
        prob_up=0.5 + 0.4 * np.tanh(expected / spread),
        p10=expected - band,
        p50=expected,
        p90=expected + band,
        risk_score=draw.uniform(0, 1, len(ROWS)),
        volatility=np.full(len(ROWS), spread),
    )


def find(knowledge: float, **changes: object) -> Frontier:
    strategy = STRATEGY.with_decision(**changes)
    return find_frontier(told(knowledge), DATA, ROWS, strategy)


def test_who_knows_the_future_finds_a_setting_that_earns() -> None:
    found = find(0.8)
    assert found.best is not None
    assert found.stated is not None
    assert found.best.mean > 0
    assert found.stated.mean > 2 * found.stated.error
    assert found.skill > 0.95
    assert found.sentence.startswith(f"{found.best.setting} would trade ")
    assert " bps a candle, skill with a probability of " in found.sentence


def test_who_knows_nothing_is_told_so() -> None:
    found = find(0.0, fees_bps=10.0, slippage_bps=5.0)
    assert found.best is not None
    assert found.stated is not None
    assert not found.stated.mean > 2 * found.stated.error, found.sentence


def test_costs_that_nothing_pays_trade_nothing() -> None:
    found = find(0.8, fees_bps=1000.0)
    assert (found.best, found.stated) == (None, None)
    assert found.sentence == (
        "no setting of the thresholds trades: what is expected never pays the costs"
    )
    assert {cell.trades for cell in found.cells} == {0}


def test_a_cell_is_the_account_on_the_first_half() -> None:
    found = find(0.8)
    assert [cell.setting for cell in found.cells] == list(settings_of(STRATEGY))
    cell = max(found.cells, key=lambda cell: cell.trades)
    middle = DATA.time_ms[ROWS[len(ROWS) // 2]] - (DATA.horizon_steps + 1) * DATA.interval_ms
    half = np.flatnonzero(DATA.time_ms[ROWS] < middle)
    own = cell.setting.of(STRATEGY)
    account = follow_decisions(told(0.8).at(half), DATA, ROWS[half], own)
    side = decisions_of(told(0.8).at(half), DATA, ROWS[half], own).side
    assert cell.trades == len(account.trades)
    assert cell.mean == pytest.approx(float(np.mean(account.net)))
    assert cell.traded == pytest.approx(float(np.mean(side != 0)))
    bar = account.close_ms // account.interval_ms
    compared = scores.compare(-account.net, np.zeros(len(bar)), bar, DATA.horizon_steps)
    assert cell.error == pytest.approx(compared.standard_error)


def test_the_chosen_setting_was_chosen_before_it_is_stated() -> None:
    """What came of the second half changes the figure and never the choice."""
    early, late = told(0.8), told(0.0, seed=5)
    half = DATA.time_ms[ROWS] < DATA.time_ms[ROWS[len(ROWS) // 2]]
    mixed = Predictions(
        *(
            np.where(half, getattr(early, name), getattr(late, name))
            for name in ("prob_up", "p10", "p50", "p90", "risk_score", "volatility")
        )
    )
    one, other = find(0.8), find_frontier(mixed, DATA, ROWS, STRATEGY)
    assert one.cells == other.cells
    assert one.best == other.best
    assert one.stated != other.stated


def test_the_managed_policy_reads_one_threshold() -> None:
    strategy = STRATEGY.with_decision(policy="VolatilityManaged")
    settings = settings_of(strategy)
    assert {(s.prob_min, s.min_expected_return) for s in settings} == {(None, None)}
    found = find_frontier(told(0.5), DATA, ROWS, strategy)
    assert len(found.cells) == len(settings)
    assert "probMin" not in found.sentence


def test_a_setting_is_spelled_as_in_the_spec() -> None:
    assert str(Setting(0.52, 0.0005, 0.9)) == "probMin 0.52, minExpectedReturn 0.0005, riskMax 0.9"
    assert str(Setting(None, None, 0.75)) == "riskMax 0.75"


def test_a_constant_share_earns_its_part_of_the_market() -> None:
    strategy = STRATEGY.with_decision(policy="VolatilityManaged", risk_max=1.0)
    tracks = tracks_of(told(0.5), DATA, ROWS, strategy)
    account = follow(tracks, strategy)
    net = constant_share(account, tracks, strategy)
    share = float(np.mean(account.invested))
    assert share > 0.1
    market = np.mean(
        [track.candles.close[1:] / track.candles.close[:-1] - 1 for track in tracks.values()],
        axis=0,
    )
    np.testing.assert_allclose(net[1:], share * market, rtol=1e-9, atol=1e-15)
    assert net[0] == pytest.approx(-share * strategy.round_trip / 2)
