"""One candle on this machine: the inference decides, and what it asks for is traded on paper."""

import uuid
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from bot_runtime.contract.names import ENV_POD_UID
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration, inference_run
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.contract.traderesult import TradeResult
from bot_runtime.journal.last_run import LastRun, last_run
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.local.bot_file import Bot
from bot_runtime.process.errors import BusyError
from bot_runtime.store.layout import Store
from bot_runtime.store.one_at_a_time import one_at_a_time


class RunStep(Protocol):
    """Runs one step as a child process with further variables, and returns its result."""

    def __call__(
        self, step: StepOrRun, configuration: RunConfiguration, *, variables: Mapping[str, str]
    ) -> StepResult:
        """Raise StepFailedError where it fails, BusyError where another run is under way."""


class Traded(NamedTuple):
    """What the account has come to, what the run has written into the journal, and warned of."""

    result: TradeResult
    run: LastRun
    warnings: tuple[str, ...] = ()


def decide_and_trade(bot: Bot, store: Store, version: str, run: RunStep) -> Traded:
    """Decide on the newest candle by a version, trade by it, and return what came of it.

    The two steps are one run, as two containers of one pod are: its UID is made up here. Raises
    BusyError where another run of the bot is at it: signals of one would pass for the other's.
    """
    configuration = inference_run(bot.namespace, bot.name, bot.spec, version)
    variables = {ENV_POD_UID: str(uuid.uuid4())}
    busy = BusyError(
        f"another run of the bot decides in {store.root} at this moment; nothing was done here, "
        "and that run goes on"
    )
    with one_at_a_time(store.signals, busy):
        run("Inference", configuration, variables=variables)
        result = run("Trade", configuration, variables=variables)
        assert result.trade is not None, "the step's result has it"
        with read_journal(SqliteFile(store.journal)) as reader:
            return Traded(result.trade, last_run(reader), result.warnings)
