"""What `run` shows: every result in its place, and a hint that is true."""

from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.results import EvaluationResult, ObjectiveResult, StepResult
from bot_runtime.contract.traderesult import TradeResult
from bot_runtime.contract.tradingstatus import TotalsStatus, TradingStatus
from bot_runtime.journal.entries import DecisionRow
from bot_runtime.journal.last_run import LastRun
from bot_runtime.local.candle import Traded
from bot_runtime.local.display import Display

TREND = ObjectiveResult(
    objective="Trend",
    algorithm="GradientBoosting",
    scores={"GradientBoosting": "0.63"},
    metrics={"log_loss": "0.616397"},
    artifact_sha256="a" * 64,
)
REJECTED = EvaluationResult(
    version="btc-paper-0a1b2c3d-01234567",
    promoted=False,
    reasons=("NotBetterThanNaive: log loss 0.69379",),
    artifact_digest="b" * 64,
    trained_at="2026-01-02T03:04:05Z",
    objectives=(TREND.model_copy(update={"metrics": {"log_loss": "0.7"}}),),
)


@pytest.fixture
def display() -> Display:
    return Display(StringIO(), total=7)


def _shown(display: Display) -> str:
    assert isinstance(display.stream, StringIO)
    return display.stream.getvalue()


def test_the_header_has_what_the_environment_has_replaced(display: Display) -> None:
    display.header("b", "t", Path("/store"), {"RISK_MAX": "0.7", "FEES_BPS": "7"})
    assert _shown(display) == (
        "bot b, training t, store /store\n"
        "from the environment, not from the file: RISK_MAX=0.7, FEES_BPS=7\n"
    )


def test_a_header_of_the_file_alone_is_one_line(display: Display) -> None:
    display.header("b", "t", Path("/store"), {})
    assert _shown(display) == "bot b, training t, store /store\n"


def test_when_a_step_fails_what_was_trained_before_it_is_shown(display: Display) -> None:
    display.done("Trend", 1.0, StepResult(step="Trend", objective=TREND))
    display.started("Return")
    display.failed("Return", 2.0, "exit code 74: full", Path("Return.log"))
    assert "log_loss 0.616397" in _shown(display)


def test_what_was_kept_is_shown_too(display: Display) -> None:
    display.kept("Trend", StepResult(step="Trend", objective=TREND))
    display.failed("Return", 2.0, "exit code 74: full", Path("Return.log"))
    assert "log_loss 0.616397" in _shown(display)


def test_after_the_verdict_its_numbers_alone_are_shown(display: Display) -> None:
    display.done("Trend", 1.0, StepResult(step="Trend", objective=TREND))
    display.verdict(REJECTED, "btc-paper-0a1b2c3d-89abcdef")
    display.failed("Inference", 2.0, "exit code 69: away", Path("Inference.log"))
    shown = _shown(display)
    assert "log_loss 0.7" in shown
    assert "log_loss 0.616397" not in shown
    assert "NotBetterThanNaive: log loss 0.69379" in shown


def test_hint_after_a_rejection_promises_no_decision(display: Display) -> None:
    display.hint(Path("store/trainings/btc-paper-0a1b2c3d"), None)
    shown = _shown(display)
    assert "no version is served: change spec.model or spec.training" in shown
    assert "run the same command again" not in shown


def test_hint_where_a_version_is_served(display: Display) -> None:
    display.hint(Path("store/trainings/btc-paper-0a1b2c3d"), REJECTED.version)
    assert "run the same command again to decide on the newest candle" in _shown(display)


def test_an_account_is_shown_with_what_the_run_has_done_and_where_its_journal_lies(
    display: Display,
) -> None:
    decided = DecisionRow("BTC/USDT", 0, "MinOrder", side="LONG", reason="An entry is refused.")
    traded = Traded(TradeResult(state=TradingStatus()), LastRun((decided,)))
    display.account(traded, "USDT", Path("/store/journal/journal.db"))
    assert _shown(display).splitlines() == [
        "",
        "-  no candle is settled yet  BTC/USDT LONG An entry is refused",
        "      account          no candle is settled yet",
        "      journal          /store/journal/journal.db",
    ]


def test_a_trade_step_is_closed_with_what_was_counted(display: Display) -> None:
    state = TradingStatus(totals=TotalsStatus(orders=3, fills=2, trades=1))
    display.started("Trade")
    display.done("Trade", 1.0, StepResult(step="Trade", trade=TradeResult(state=state)))
    assert "[1/7] Trade" in _shown(display)
    assert "3 orders, 2 fills, 1 trades so far" in _shown(display)


def test_a_watch_says_what_follows_and_that_the_file_is_not_read_again(display: Display) -> None:
    display.watching("5m", Path("/store/journal/journal.db"))
    assert _shown(display).splitlines()[:2] == [
        "a line at every close of 5m, until Ctrl-C; the file is not read again, so start anew "
        "after an edit",
        "journal: /store/journal/journal.db",
    ]
