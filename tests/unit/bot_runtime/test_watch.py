"""`run --watch`: one decision a candle, and what goes on, or ends, when one fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.names import ENV_POD_UID
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.contract.traderesult import Doubt, TradeResult
from bot_runtime.contract.tradingstatus import TradingStatus
from bot_runtime.journal.entries import Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.run_entries import Owner, RunEnd, RunStart
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.local.bot_file import Bot
from bot_runtime.local.candle_clock import LAG_MS
from bot_runtime.local.display import Display
from bot_runtime.local.step_runner import StepFailedError
from bot_runtime.local.watch import AGAIN_SECONDS, Watch
from bot_runtime.process.errors import BusyError
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import Promotion, promote
from tests.unit.bot_runtime.machines import MINUTE, NOON_MS, Machine
from tests.unit.bot_runtime.markets import bot_spec

OWNER = Owner("default", "bot", "binance", "Paper", "USDT")
FIRST = "2023-11-14T22:14:00Z"


@dataclass
class Steps:
    """Steps that end as a test wants, and with which settings they were run."""

    machine: Machine
    failures: list[BaseException | None] = field(default_factory=list)
    """What the next trades raise."""
    doubts: list[Doubt | None] = field(default_factory=list)
    """Why the next trades say that nothing may be bought."""
    warnings: list[tuple[str, ...]] = field(default_factory=list)
    """What the next trades warn of."""
    ran: list[tuple[StepOrRun, str, str, float]] = field(default_factory=list)

    def __call__(
        self, step: StepOrRun, configuration: RunConfiguration, *, variables: Mapping[str, str]
    ) -> StepResult:
        assert configuration.inference is not None
        version = configuration.inference.model_version
        self.ran.append((step, version, variables[ENV_POD_UID], self.machine.now))
        if step == "Inference":
            return StepResult(step=step)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        doubt = self.doubts.pop(0) if self.doubts else None
        told = TradeResult(state=TradingStatus(), entries=doubt)
        warnings = self.warnings.pop(0) if self.warnings else ()
        return StepResult(step=step, trade=told, warnings=warnings)

    @property
    def seconds(self) -> list[float]:
        """Return when trades were begun, in seconds from the first candle's close."""
        return [at - NOON_MS / 1000 for step, *_, at in self.ran if step == "Trade"]


@pytest.fixture
def machine() -> Machine:
    """Give a machine on which somebody presses Ctrl-C after three and a half candles."""
    return Machine(now=NOON_MS / 1000 + 10, ends_at=NOON_MS / 1000 + 3.5 * 60)


@pytest.fixture
def steps(machine: Machine) -> Steps:
    return Steps(machine)


@pytest.fixture
def watch(store: Store, machine: Machine, steps: Steps) -> Watch:
    """Give a watch of a bot whose journal has one run and nothing more."""
    with open_journal(SqliteFile(store.journal), OWNER, NOON_MS) as journal:
        start = RunStart("Candle", "0" * 32, "d", "{}", "v-1", "c0ffee", NOON_MS)
        journal.finish(journal.begin_run(start), Rows(), RunEnd(NOON_MS, "Nothing"))
    display = Display(StringIO(), total=6)
    return Watch(Bot("default", "bot", bot_spec()), store, "v-1", steps, machine.clock(), display)


def shown(watch: Watch) -> list[str]:
    """Run the watch until Ctrl-C; return its lines."""
    with pytest.raises(KeyboardInterrupt):
        watch.run()
    assert isinstance(watch.display.stream, StringIO)
    return watch.display.stream.getvalue().splitlines()


def failure(code: ExitCode) -> StepFailedError:
    return StepFailedError(code, "what was found", Path("Trade.log"))


def test_it_decides_at_once_and_then_at_every_close(watch: Watch, steps: Steps) -> None:
    assert len(shown(watch)) == 4
    lag = LAG_MS / 1000
    assert steps.seconds == [10, 60 + lag, 120 + lag, 180 + lag]


def test_the_two_steps_of_a_candle_are_one_run_and_each_candle_s_is_another(
    watch: Watch, steps: Steps
) -> None:
    shown(watch)
    uids = [uid for _, _, uid, _ in steps.ran]
    assert uids[0::2] == uids[1::2]
    assert len(set(uids)) == 4


@pytest.mark.parametrize(
    "code", [ExitCode.EXCHANGE_UNAVAILABLE, ExitCode.CRASH, ExitCode.DATA_UNUSABLE, 137]
)
def test_a_candle_that_failed_is_tried_again_until_the_next_one(
    watch: Watch, steps: Steps, code: ExitCode
) -> None:
    steps.failures = [failure(code), failure(code), failure(code)]
    lines = shown(watch)
    lag, again = LAG_MS / 1000, AGAIN_SECONDS
    assert steps.seconds == [10, 10 + again, 60 + lag, 60 + lag + again, 120 + lag, 180 + lag]
    assert lines[0] == f"{FIRST}  failed: exit code {int(code)}: what was found"
    assert lines[1] == "      log: Trade.log"
    assert sum("failed" in line for line in lines) == 3


@pytest.mark.parametrize(
    "code",
    [
        ExitCode.CONFIGURATION,
        ExitCode.STORE_UNAVAILABLE,
        ExitCode.ARTIFACT_INVALID,
        ExitCode.CREDENTIALS_REJECTED,
    ],
)
def test_what_no_candle_makes_good_ends_it(watch: Watch, steps: Steps, code: ExitCode) -> None:
    steps.failures = [None, failure(code)]
    with pytest.raises(StepFailedError) as ended:
        watch.run()
    assert ended.value.exit_code == code
    assert len(steps.seconds) == 2


def test_another_run_at_the_same_moment_is_told_and_not_repeated(
    watch: Watch, steps: Steps
) -> None:
    steps.failures = [BusyError("another run of the bot is at it")]
    lines = shown(watch)
    assert lines[0] == f"{FIRST}  another run of the bot is at it"
    assert len(steps.seconds) == 4


def test_a_version_that_was_promoted_meanwhile_is_served(
    watch: Watch, steps: Steps, store: Store
) -> None:
    sleep = watch.clock.sleep

    def promote_and_sleep(seconds: float) -> None:
        promote(store, Promotion(version="v-2"))
        sleep(seconds)

    watch.clock.sleep = promote_and_sleep
    lines = shown(watch)
    assert [version for _, version, *_ in steps.ran[::2]] == ["v-1", "v-2", "v-2", "v-2"]
    assert lines.count("served: v-2") == 1


def test_a_pinned_version_stays(watch: Watch, steps: Steps, store: Store) -> None:
    promote(store, Promotion(version="v-2"))
    model = watch.bot.spec.model.model_copy(update={"pinned_version": "v-1"})
    watch.bot = Bot("default", "bot", watch.bot.spec.model_copy(update={"model": model}))
    shown(watch)
    assert {version for _, version, *_ in steps.ran} == {"v-1"}


def test_a_doubt_is_told_once_and_again_when_it_comes_back(watch: Watch, steps: Steps) -> None:
    doubt = Doubt(reason="DailyLoss", message="it resets at 2023-11-15T00:00:00Z")
    steps.doubts = [doubt, doubt, None, doubt]
    lines = shown(watch)
    told = "      no entry: DailyLoss: it resets at 2023-11-15T00:00:00Z"
    assert [n for n, line in enumerate(lines) if line == told] == [1, 5]


def test_a_warning_is_told_as_a_doubt_is(watch: Watch, steps: Steps) -> None:
    steps.warnings = [("no messages: Telegram refuses the token (401)",)] * 2
    lines = shown(watch)
    assert lines.count("      warning: no messages: Telegram refuses the token (401)") == 1


def test_a_machine_that_slept_goes_on_with_the_newest_candle(
    watch: Watch, machine: Machine, steps: Steps
) -> None:
    machine.ends_at = float("inf")
    machine.sleeps_for = 3600
    steps.failures = [None, KeyboardInterrupt()]
    shown(watch)
    assert steps.seconds[1] == pytest.approx(3600 + 20)
    assert machine.now - NOON_MS / 1000 < 3600 + MINUTE / 1000
