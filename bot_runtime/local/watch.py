"""`run --watch`: decide and trade at every close of a candle, until Ctrl-C.

The file was read once, when the command began. The version is looked up at every candle: one that
another command has promoted in the same store is served from then on.
"""

from dataclasses import dataclass, field
from typing import Final, NoReturn

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.retries import RetryPolicy
from bot_runtime.local.account_words import candle_line, doubts
from bot_runtime.local.bot_file import Bot
from bot_runtime.local.candle import RunStep, Traded, decide_and_trade
from bot_runtime.local.candle_clock import CandleClock
from bot_runtime.local.display import Display
from bot_runtime.local.step_runner import StepFailedError
from bot_runtime.market.candles import utc
from bot_runtime.process.errors import BusyError
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import promoted_version

AGAIN_SECONDS: Final = 30.0
"""After which a candle that failed is tried again, until the next one closes."""
FINAL: Final = frozenset(
    {
        ExitCode.ARTIFACT_INVALID,
        ExitCode.STORE_UNAVAILABLE,
        ExitCode.CREDENTIALS_REJECTED,
        ExitCode.CONFIGURATION,
    }
)
"""Exit codes that no later candle makes good."""
_ASK_ONCE: Final = RetryPolicy(attempts=1, budget_seconds=0.0, timeout_seconds=5.0)


def candle_clock(bot: Bot) -> CandleClock:
    """Return the clock of a bot's exchange; raises ConfigurationError for an unknown one."""
    spec = bot.spec
    client = ExchangeClient(spec.exchange, spec.timeframe, _ASK_ONCE, lambda *_, **__: None)
    return CandleClock(lambda: client.server_time_ms()[0], client.interval_ms)


@dataclass(slots=True)
class Watch:
    """One bot that is watched; `version` is the one that it begins with."""

    bot: Bot
    store: Store
    version: str
    run_step: RunStep
    clock: CandleClock
    display: Display
    _told: list[tuple[str, str]] = field(default_factory=list)
    """Doubts and warnings that stand, as they were shown."""

    def run(self) -> NoReturn:
        """Go on until interrupted.

        Raises StepFailedError where a step has failed for good, StoreUnavailableError.
        """
        done_ms = 0
        while True:
            close_ms = self.clock.wait_for_close(done_ms)
            if self._follow(close_ms):
                done_ms = close_ms
            else:
                self.clock.pause(AGAIN_SECONDS, close_ms)

    def _follow(self, close_ms: int) -> bool:
        """Decide and trade once; tell whether that has come to its end."""
        self._look_for_version()
        try:
            traded = decide_and_trade(self.bot, self.store, self.version, self.run_step)
        except BusyError as e:
            self.display.candle(f"{utc(close_ms)}  {e}")
            return True
        except StepFailedError as e:
            self.display.candle(f"{utc(close_ms)}  failed: {e}")
            self.display.candle(f"      log: {e.log}")
            if e.exit_code in FINAL:
                raise
            return False
        self._show(traded)
        return True

    def _look_for_version(self) -> None:
        """Serve what was promoted meanwhile, unless the spec pins a version."""
        served = self.bot.spec.model.pinned_version or promoted_version(self.store) or self.version
        if served != self.version:
            self.version = served
            self.display.candle(f"served: {served}")

    def _show(self, traded: Traded) -> None:
        self.display.candle(candle_line(traded.run, traded.result, self.bot.quote))
        found = [*doubts(traded.result), *(("warning", text) for text in traded.warnings)]
        for heading, text in found:
            if (heading, text) not in self._told:
                self.display.candle(f"      {heading}: {text}")
        self._told = found
