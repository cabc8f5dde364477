"""One candle on a laptop: two steps that are one run, and no other run beside it."""

from collections.abc import Mapping

import pytest

from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.contract.traderesult import TradeResult
from bot_runtime.contract.tradingstatus import TradingStatus
from bot_runtime.journal.last_run import LastRun
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.run_entries import Owner
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.local.bot_file import Bot
from bot_runtime.local.candle import Traded, decide_and_trade
from bot_runtime.process.errors import BusyError
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.markets import bot_spec

OWNER = Owner("default", "bot", "binance", "Paper", "USDT")
BOT = Bot("default", "bot", bot_spec())
RESULT = TradeResult(state=TradingStatus())


def test_a_second_run_at_the_same_moment_does_nothing(store: Store) -> None:
    """Its signals would pass for those of the first one, which waits for its own."""
    ran = list[StepOrRun]()
    with open_journal(SqliteFile(store.journal), OWNER, 0):
        pass

    def run(
        step: StepOrRun, configuration: RunConfiguration, *, variables: Mapping[str, str]
    ) -> StepResult:
        ran.append(step)
        with pytest.raises(BusyError, match="another run of the bot decides in"):
            decide_and_trade(BOT, store, "v-1", run)
        return StepResult(step=step, trade=RESULT if step == "Trade" else None)

    assert decide_and_trade(BOT, store, "v-1", run) == Traded(RESULT, LastRun())
    assert ran == ["Inference", "Trade"]
