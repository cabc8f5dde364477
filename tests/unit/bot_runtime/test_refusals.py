"""What refused the decisions of a backtest, and the entries after them."""

import numpy as np

from bot_runtime.backtest.refusals import entry_refusals_of, refusals_of
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RuleName
from bot_runtime.trading.decision import views_of
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.backtests import by_minute, eager, track_of
from tests.unit.bot_runtime.markets import random_candles

CANDLES = random_candles(600)


def test_every_decision_is_counted_once() -> None:
    strategy = by_minute(DecisionSpec(prob_min=0.6, min_expected_return=0.002, risk_max=0.8))
    tracks = {name: track_of(CANDLES, strategy, seed=len(name)) for name in ("A/X", "BB/X")}
    found = refusals_of(tracks, strategy)
    assert found.decisions == 2 * len(CANDLES)
    assert found.longs > 0
    assert found.longs + found.shorts + found.refused.total() == found.decisions


def test_the_first_rule_that_refuses_counts() -> None:
    strategy = by_minute(DecisionSpec(prob_min=0.6, risk_max=0.8))
    track = track_of(CANDLES, strategy)
    found = refusals_of({"A/X": track}, strategy)
    assert found.refused[RuleName.RISK_MAX] == np.sum(track.predictions.risk_score > 0.8)
    number = CANDLES.open_time_ms // MINUTE_MS
    views = views_of(track.predictions, strategy, track.regimes, number)
    reasons = [next(r.rule for r in views[row].rules if not r.passed)
               for row in np.flatnonzero(views.side == 0).tolist()]  # fmt: skip
    assert {rule: reasons.count(rule) for rule in set(reasons)} == found.refused


def test_an_entry_that_every_rule_lets_pass_is_not_refused() -> None:
    strategy = eager()
    track = track_of(CANDLES, strategy)
    longs = refusals_of({"A/X": track}, strategy).longs
    refused = entry_refusals_of({"A/X": track}, strategy)
    assert refused.total() < longs
    assert set(refused) <= {RuleName.UTILITY, RuleName.STOP_DISTANCE}
