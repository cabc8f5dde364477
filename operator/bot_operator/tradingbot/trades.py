"""Runs that trade: what the container `trade` of a bot's pods has told of its account. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from bot_operator.api.resources import from_time
from bot_operator.signs.container_ends import termination_of
from bot_operator.signs.pod_failures import Scene
from bot_operator.signs.pod_waits import Obstacles, Trouble, find_trouble
from bot_operator.signs.termination_messages import Unreadable, parse_result, plain
from bot_operator.tradingbot.observe import Run
from bot_operator.tradingbot.run_endings import (
    Ending,
    containers_of,
    digest_of_run,
    endings_of,
)
from bot_runtime.contract import names
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.failures import FailureClass, LastFailure
from bot_runtime.contract.results import WARNING_MAX, StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.status import TradingBotStatus
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.contract.traderesult import DOUBT_MAX, NO_MESSAGES, Doubt, TradeResult
from bot_runtime.contract.tradingstatus import TradingStatus

STEP: StepOrRun = "Trade"
CONTAINER = names.TRADE_CONTAINER_NAME
_LARGEST = 2**53
"""Beyond it a JSON number is not exact, and soon none that the API server takes."""
_OF_THE_JOURNAL = "journal"
"""How an error of exit code 78 begins that the journal has, and not the run configuration."""


@dataclass(frozen=True, slots=True)
class TradesVerdict:
    """What the newest runs that trade say."""

    result: TradeResult | None = None
    """What the newest one that succeeded has told; None where none is there to be read."""
    silence: str | None = None
    """Why that one could send nobody a message."""
    failure: LastFailure | None = None
    """The failure of the newest one; None where it succeeded."""
    records: Doubt | None = None
    """Why that failure leaves the journal in doubt."""
    trouble: Trouble | None = None
    """Why the container cannot begin."""


def read_trades(
    runs: Iterable[Run], configuration: RunConfiguration, before: TradingBotStatus, now: datetime
) -> TradesVerdict:
    """Judge the runs of this configuration whose pods have the container that trades."""
    digest = configuration.digest
    ours = [
        run
        for run in runs
        if digest_of_run(run.job) == digest and CONTAINER in containers_of(run.job)
    ]
    troubles = (
        # What keeps the pod as a whole keeps the decision, and is told of that.
        find_trouble(Scene(STEP, r.job, container=CONTAINER), r.pods, Obstacles(), now)
        for r in ours
    )
    trouble = next((t for t in troubles if t is not None), None)
    found = (e for run in ours for e in endings_of(run, before.last_run, STEP, CONTAINER))
    failure: LastFailure | None = None
    records: Doubt | None = None
    ended = sorted(found, key=lambda e: e.at)
    for ending in reversed(ended):  # of those of one second too
        read = _read_ending(ending, digest, before)
        if isinstance(read, StepResult):
            return TradesVerdict(read.trade, _silence(read), failure, records, trouble)
        if read is not None and failure is None:
            failure, records = read, _doubt(ending, read)
    return TradesVerdict(None, None, failure, records, trouble)


def _read_ending(
    ending: Ending, run_digest: str, before: TradingBotStatus
) -> StepResult | LastFailure | None:
    """Return what a run has told or why it failed; None where that is no news of the account."""
    result = ending.read(run_digest, before.last_failure)
    if isinstance(result, LastFailure):
        lost = result.failure_class is FailureClass.OUTCOME_LOST
        return None if lost else result  # the next run tells its state, too
    if result.error is not None:
        return None  # another run holds the journal, and this one has done nothing
    trade = result.trade
    wrong = Unreadable("left no result of trading") if trade is None else _what_is_wrong(trade)
    if trade is None or wrong is not None:
        assert wrong is not None
        return ending.refuse(wrong)
    return None if _is_older(trade.state, before.trading) else result


def _silence(result: StepResult) -> str | None:
    """Return why a run could send nobody a message, as its warnings say."""
    found = next((text for text in result.warnings if text.startswith(NO_MESSAGES)), None)
    return None if found is None else plain(found.removeprefix(NO_MESSAGES), WARNING_MAX)


def _what_is_wrong(trade: TradeResult) -> Unreadable | None:
    """Tell what of a result the API server would not take into a status."""
    state = trade.state
    symbols = [position.symbol for position in state.positions]
    if len(set(symbols)) < len(symbols):
        return Unreadable("tells of two positions in one symbol")
    totals = state.totals
    numbers = [totals.orders, totals.fills, totals.trades, totals.missed]
    if state.journal is not None:
        numbers.append(state.journal.sequence)
    return Unreadable("counts beyond 2^53") if max(numbers) > _LARGEST else None


def _is_older(state: TradingStatus, known: TradingStatus | None) -> bool:
    """Tell whether a message is of an earlier run than the status, which read both.

    A journal that was restored has a lower sequence too, but settles up to the newest candle.
    """
    if known is None or known.settled_at is None or state.settled_at is None:
        return False
    if known.journal is None or state.journal is None:
        return False
    settled_before = from_time(state.settled_at) < from_time(known.settled_at)
    return settled_before and state.journal.sequence < known.journal.sequence


def _doubt(ending: Ending, failure: LastFailure) -> Doubt | None:
    """Return why the journal cannot be used, where that is what made the run fail."""
    told = _told(ending)
    if told is not None and told.records is not None:
        return told.records
    of_journal = failure.exit_code == ExitCode.STORE_UNAVAILABLE or (
        failure.exit_code == ExitCode.CONFIGURATION and failure.message.startswith(_OF_THE_JOURNAL)
    )
    if not of_journal:
        return None
    return Doubt(reason="JournalUnavailable", message=failure.message[:DOUBT_MAX])


def _told(ending: Ending) -> TradeResult | None:
    ended = {} if ending.pod is None else termination_of(ending.pod, CONTAINER) or {}
    try:
        return parse_result(str(ended.get("message") or "")).trade
    except ValidationError:
        return None
