"""The report of a backtest: whole, by itself, and honest about what was earned."""

import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from bot_runtime.backtest.result import Backtest, Shifted, Span, Stretch
from bot_runtime.contract.base import Model
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RuleName
from bot_runtime.report.backtest_page import TRIPS_SHOWN, render_backtest
from bot_runtime.report.backtest_words import class_of, headline_of, points_of, shifted_sentences
from bot_runtime.trading.precision import to_money
from bot_runtime.trading.trips import FOREVER, Trip
from tests.html_pages import Page, check_page
from tests.unit.bot_runtime.backtests import (
    backtest_of,
    by_minute,
    deep_candles,
    eager,
    predictions_of,
    track_of,
)

NO_NUMBER = re.compile(r"\b(nan|NaN|inf|None)\b")
NEVER = DecisionSpec(prob_min=1.0)


def text_of(html: str, most_bytes: int = 600_000) -> str:
    """Return the text of a page that is all right."""
    page = check_page(html, most_bytes)
    assert NO_NUMBER.findall(page.text) == []
    return re.sub(r"\s+", " ", page.text)


def checked(backtest: Backtest, most_bytes: int = 600_000) -> str:
    """Return the text of a backtest's page, which is all right."""
    return text_of(render_backtest(backtest), most_bytes)


def trips_from(begin_ms: int) -> tuple[Trip, ...]:
    times = [begin_ms + place * 86_400_000 for place in range(30)]
    trips = [Trip(at_ms, RuleName.LOSS_STREAK, 4, 4, at_ms + 60_000) for at_ms in times]
    return (*trips, Trip(times[-1], RuleName.DRAWDOWN, 0.1612, 0.15, FOREVER))


MONTHS = (
    Stretch("2024-12", 10, 0.04, -0.2, 0.01, 3),
    Stretch("2025-01", 10, -0.02, 0.1, 0.02, 0),
    Stretch("2025-02", 10, 0.0, 0.1, 0.0, 0),
)


@pytest.fixture(scope="module")
def traded() -> Backtest:
    """Give a backtest of many trades, with limits that tripped and months made by hand."""
    made = backtest_of(eager(), months=MONTHS)
    trips = trips_from(int(made.account.close_ms[0]))
    return replace(made, account=replace(made.account, trips=trips))


@pytest.fixture(scope="module")
def page(traded: Backtest) -> str:
    """Give its page."""
    return render_backtest(traded)


@pytest.fixture(scope="module")
def text(page: str) -> str:
    """Give the text of its page, which is all right."""
    return text_of(page)


def test_page_tells_what_was_earned_beside_holding(traded: Backtest, text: str) -> None:
    own, held = traded.performance, traded.held_performance
    assert len(traded.account.trades) > 50
    assert f"{own.net_return:+.2%}" in text
    assert f"{held[0]:+.2%}" in text
    assert f"{own.drawdown:.2%}" in text
    assert f"{own.trades:,}" in text
    assert "BTC/USDT: 3 candles are missing" in text
    assert "mybot-1-a1b2c3d4" in text
    for kind in ("Best", "Worst", "Latest"):
        assert text.count(f"{kind}: BTC/USDT") == 2
    for reason in ("stop", "target", "signal"):
        assert f"by {reason}" in text


@pytest.mark.parametrize(
    ("net", "held", "headline", "verdict"),
    [
        (0.1, 0.05, "earned 10.00% after costs", "good"),
        (0.1, 0.5, "earned 10.00% after costs", ""),
        (-0.1, -0.3, "lost 10.00% after costs", ""),
        (-0.1, 0.3, "lost 10.00% after costs", "bad"),
        (0.00001, 0.3, "earned nothing after costs", ""),
    ],
)
def test_headline_is_honest(
    traded: Backtest, net: float, held: float, headline: str, verdict: str
) -> None:
    performance = replace(traded.performance, net_return=net)
    scaled = traded.held / traded.held[-1] * (1.0 + held) * traded.account.capital
    told = replace(traded, performance=performance, held=scaled)
    assert headline in headline_of(told)
    assert f"holding {'earned' if held > 0 else 'lost'} {abs(held):.2%}" in headline_of(told)
    assert class_of(told) == verdict


@pytest.mark.parametrize(
    ("skill", "words"),
    [
        (0.3, "no sign of skill"),
        (0.7, "Luck may explain it"),
        (0.99, "Luck is a poor explanation"),
        (float("nan"), "too little to tell skill from luck"),
    ],
)
def test_luck_is_spoken_of(traded: Backtest, skill: float, words: str) -> None:
    falls = np.linspace(10_000, 5_000, len(traded.held))
    performance = replace(traded.performance, deflated_sharpe=skill)
    assert words in " ".join(points_of(replace(traded, performance=performance, held=falls)))


def test_a_rising_market_is_no_skill(traded: Backtest) -> None:
    rises = 10_000 * np.exp(np.linspace(0.001, 1.0, len(traded.held)) ** 1.1)
    performance = replace(traded.performance, deflated_sharpe=0.96)
    told = " ".join(points_of(replace(traded, performance=performance, held=rises)))
    assert "The market's rise may explain it" in told


def test_no_trade_is_told_with_the_rule_that_refused_most() -> None:
    text = checked(backtest_of(by_minute(NEVER)))
    assert re.search(r"mybot traded nothing from .*: ProbMin refused [\d,]+ of 1,500", text)
    assert "No trade was closed" in text
    assert "Best:" not in text


def test_an_entry_that_is_refused_is_told_with_its_rule() -> None:
    strategy = eager()
    track = track_of(deep_candles(300), strategy)
    dear = track._replace(market=replace(track.market, min_notional=to_money(Decimal(10**9))))
    text = headline_of(backtest_of(strategy, {"BTC/USDT": dear}))
    assert re.search(r"MinOrder refused \d+ of \d+ LONG decisions", text)


def test_orders_that_nothing_filled_are_told() -> None:
    strategy = eager()
    candles = replace(deep_candles(300), volume=np.zeros(300))
    text = headline_of(backtest_of(strategy, {"BTC/USDT": track_of(candles, strategy)}))
    assert "its orders found no candle that filled them" in text


def test_short_alone_buys_nothing() -> None:
    strategy = by_minute(DecisionSpec(risk_max=1.0))
    told = replace(
        predictions_of(300), prob_up=np.zeros(300), p50=np.full(300, -0.1), p10=np.full(300, -0.2)
    )
    candles = deep_candles(300)
    text = headline_of(backtest_of(strategy, {"BTC/USDT": track_of(candles, strategy, told)}))
    assert "every decision was SHORT, and there was nothing to sell" in text


def test_one_trade() -> None:
    strategy = eager()
    told = predictions_of(400)
    told.prob_up[:] = 0.2
    told.prob_up[100], told.p50[100], told.risk_score[100] = 0.9, 0.01, 0.1
    candles = deep_candles(400)
    backtest = backtest_of(strategy, {"BTC/USDT": track_of(candles, strategy, told)})
    assert len(backtest.account.trades) == 1
    text = checked(backtest)
    assert text.count("BTC/USDT +") + text.count("BTC/USDT -") == 1


@pytest.mark.parametrize("count", [1, 30])
def test_few_candles(count: int) -> None:
    assert "say little" in checked(backtest_of(eager(), count=count))


def test_several_symbols() -> None:
    strategy = eager()
    tracks = {
        f"{base}/USDT": track_of(deep_candles(800, place), strategy, seed=place)
        for place, base in enumerate(("BTC", "ETH", "SOL"))
    }
    text = checked(backtest_of(strategy, tracks), 900_000)
    for symbol in tracks:
        assert f"{symbol}: price and trades" in text
    assert "The regime of BTC/USDT, the first symbol" in text


def test_managed_shares_have_no_stop() -> None:
    strategy = by_minute(DecisionSpec(policy="VolatilityManaged", risk_max=0.9))
    backtest = backtest_of(strategy)
    assert len(backtest.account.fills) > 0
    text = checked(backtest)
    assert "its stop" not in text


def test_what_is_still_held_at_the_end_is_told() -> None:
    strategy = by_minute(DecisionSpec(policy="VolatilityManaged", risk_max=1.0))
    backtest = backtest_of(strategy)
    assert len(backtest.account.trades) == 0
    text = checked(backtest)
    assert re.search(r"At the end [\d.]+% of the equity is still invested", text)
    assert "traded nothing" not in text


def test_many_candles_make_no_large_page() -> None:
    backtest = backtest_of(eager(), count=100_000)
    assert len(backtest.account.trades) > 3000
    checked(backtest, 800_000)


def test_names_are_text() -> None:
    strategy, name = eager(), "<b>A$x$</b>&/U$D"
    track = track_of(deep_candles(300), strategy)
    backtest = backtest_of(
        strategy,
        {name: track},
        bot="<i>bot</i>",
        spans=(Span("<u>v</u>", 0, 1, 1),),
        notes=("<s>note</s>",),
    )
    html = render_backtest(backtest)
    assert not re.search("<[bius]>", html)
    text = Page(html).text
    for told in (f"{name}: price and trades", "<i>bot</i>", "<u>v</u>", "<s>note</s>"):
        assert told in text
    assert "profit, U$D" in text


@pytest.mark.parametrize(
    ("net", "shifted", "words"),
    [
        (0.2, Shifted(1, -0.01, -0.5), "the edge is one candle wide"),
        (0.2, Shifted(1, 0.15, 1.5), "the edge is wider than one candle"),
        (0.2, Shifted(-1, 2.0, 9.0), "Nobody can trade early"),
        (-0.2, Shifted(1, -0.3, -1.0), "Neither differs"),
    ],
)
def test_shifted_signals_are_explained(
    traded: Backtest, net: float, shifted: Shifted, words: str
) -> None:
    performance = replace(traded.performance, net_return=net, sharpe=2.0)
    told = replace(traded, performance=performance, shifted=(shifted,))
    assert words in " ".join(shifted_sentences(told))


def test_limits_that_tripped_stand_with_what_was_found(text: str) -> None:
    assert "on nothing was bought: the equity had fallen by 16.12%" in text
    assert "Drawdown 16.12% 15.00% not without resumeAfter" in text
    assert text.count("LossStreak 4 trades 4 trades") == TRIPS_SHOWN
    assert "LossStreak closed trades in a row with a loss 30" in text


def test_months_are_coloured_by_what_they_earned(page: str, text: str) -> None:
    assert 'background: rgba(45, 125, 70, 0.45)">+4.00%' in page
    assert 'background: rgba(179, 56, 44, 0.23)">-2.00%' in page
    assert ', 0.00)">0.00%' in page
    assert "2024: +4.00%, holding -20.00%" in text
    assert "2025: -2.00%, holding +21.00%" in text


def test_every_setting_that_was_used_is_there(traded: Backtest, text: str) -> None:
    def names(model: Model, above: str) -> list[str]:
        found = []
        for field, about in type(model).model_fields.items():
            value, name = getattr(model, field), f"{above}.{about.alias}"
            found += names(value, name) if isinstance(value, Model) else [name]
        return found

    strategy = traded.strategy
    listed = [*names(strategy.decision, "decision"), *names(strategy.risk, "risk")]
    assert {"decision.policy", "decision.slippageBps", "risk.lossStreak.trades"} <= set(listed)
    for name in listed:
        assert f"{name} " in text
