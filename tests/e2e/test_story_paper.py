"""A bot trades on paper: a purchase, its sale, and what disturbs the container that trades.

The story begins the runs itself. The bot holds the asset whatever its risk, so that its first run
buys, until its user asks for no risk at all, so that the next one sells.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from bot_runtime.contract.names import CONTAINER_NAME, TRADE_CONTAINER_NAME, cron_job_name
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.market.candles import ms_of
from tests.e2e import hand_runs, journals, pod_processes
from tests.e2e.hand_runs import INFER, NEVER, TRADE, HandRun
from tests.e2e.world import Object, World
from tests.eventually import eventually

BOT, SYMBOL = "paper", "BTC/USDT"
CAPITAL = "1000"
DEADLINE_SECONDS = 30
SETTLES_SECONDS = 1.0
"""After a candle's close, until the exchange has it for everybody."""
CHILDREN = {"ModelTraining", "Job", "CronJob", "Pod", "ConfigMap", "PersistentVolumeClaim"}
SPEC: Object = {
    "inference": {"schedule": NEVER, "deadlineSeconds": DEADLINE_SECONDS},
    "capital": CAPITAL,
    "regimes": [{"name": "CRISIS_HIGH_VOL"}],  # as any other
    "risk": {
        "maxPosition": 0.25,
        "maxExposure": 0.5,
        "positionVolatility": 0.005,
        "dailyLossCap": 0.5,
        "weeklyLossCap": 0.6,
        "maxDrawdown": 0.7,
    },
    "execution": {"paperFills": "NextOpen", "deadlineSeconds": DEADLINE_SECONDS},
    "training": {"gate": {"mode": "Off"}},
}
HOLDING: Object = {"decision": {"policy": "VolatilityManaged", "riskMax": 1}}
SELLING: Object = {"decision": {"policy": "VolatilityManaged", "riskMax": 0}}


@dataclass
class Story:
    """What is done to the bot, and what it said of it."""

    world: World
    folder: Path
    runs: dict[str, Object] = field(default_factory=dict)
    """The pod of each run once it has ended, by what the story calls the run."""
    told: dict[str, Object] = field(default_factory=dict)
    """The bot's status when it told of the run."""
    columns: dict[str, str] = field(default_factory=dict)
    """What `kubectl get bots` shows of the bot while it holds something."""
    events: dict[str, list[str]] = field(default_factory=dict)
    """What the bot's Events say, by their reason."""
    journal: Path = Path()
    """A copy of the journal as the last run left it."""
    children: set[str] = field(default_factory=set)
    """Kinds of the objects whose names begin with the bot's, before it was deleted."""

    def tell(self) -> None:
        """Buy, lose the journal for a run and each container in turn, and sell."""
        self.world.apply(self.world.bot(BOT, **SPEC, **HOLDING))
        self.world.wait(BOT, "ModelAvailable", 120)
        self.world.wait(BOT, "InferenceScheduled", 60)
        self._run("first", lambda: self._says("Reconciled", "True"))
        with self._unreadable_journal():
            self._run("unreadable", lambda: self._says("Reconciled", "False"))
        self._run("mended", lambda: self._says("Reconciled", "True"))

        self._edit(SELLING)
        self._wait_for_candle()
        self._run("bought", lambda: bool(self._trading()["positions"]))
        self.columns = self._columns()
        self._kill_trade()
        self._miss_deadline()
        self._wait_for_candle()
        self._run("sold", lambda: self._is_sold() and self._says("TradingAllowed", "True"))

        for event in self.world.events(BOT):
            self.events.setdefault(event["reason"], []).append(event["note"])
        self.journal = journals.copy_journal(self.world, BOT, self.folder)
        self.children = self.world.children(BOT)
        self.world.delete("tradingbot", BOT)

    def _run(self, name: str, has_told: Callable[[], bool]) -> None:
        self._end(name, self._begin(name), has_told)

    def _begin(self, name: str) -> HandRun:
        return hand_runs.begin(self.world, BOT, name)

    def _end(self, name: str, run: HandRun, has_told: Callable[[], bool]) -> None:
        (self.runs[name],) = eventually(
            lambda: [p for p in hand_runs.pods_of(self.world, run.job) if hand_runs.has_ended(p)],
            timeout=90,
        )
        eventually(lambda: self._is_judged(run) and has_told())
        self.told[name] = self.world.status(BOT)

    def _is_judged(self, run: HandRun) -> bool:
        """Tell whether the status has come to what a run has decided, or why it has not."""
        status = self.world.status(BOT)
        failed = status.get("lastFailure", {}).get("job") == run.job
        return bool(failed or status["lastSignal"]["producedBy"] == run.uid)

    def _kill_trade(self) -> None:
        """Kill the container that trades once it has begun to write, before there are signals."""
        run = self._begin("killed")
        hanging = pod_processes.hang(run.uid, INFER)
        try:
            lock = journals.journal_of(self.world, BOT).with_suffix(".lock")
            eventually(lock.read_bytes, timeout=60)  # empty until a run writes
            pod_processes.kill(run.uid, TRADE)
        finally:
            pod_processes.resume(hanging)
        self._end("killed", run, lambda: self._says("TradingAllowed", "False", "TradeFailed"))

    def _miss_deadline(self) -> None:
        """Let the container that decides hang beyond what its pod may take."""
        run = self._begin("late")
        pod_processes.hang(run.uid, INFER)
        try:
            eventually(lambda: self._is_past_deadline(run), timeout=DEADLINE_SECONDS + 30)
        finally:
            pod_processes.kill(run.uid, INFER)  # else the kubelet does, half a minute later
        self._end("late", run, lambda: self._says("TradingAllowed", "False", "SignalMissing"))

    def _is_past_deadline(self, run: HandRun) -> bool:
        return any(event["reason"] == "DeadlineExceeded" for event in self.world.events(run.pod))

    @contextmanager
    def _unreadable_journal(self) -> Iterator[None]:
        journal = journals.journal_of(self.world, BOT)
        mode = journal.stat().st_mode
        journal.chmod(0)
        yield
        journal.chmod(mode)

    def _edit(self, change: Object) -> None:
        """Change the bot's spec, and wait until its runs have it."""
        before = self._configuration()
        self.world.apply(self.world.bot(BOT, **SPEC, **change))
        eventually(lambda: self._configuration() != before)

    def _configuration(self) -> str:
        found = self.world.get("cronjob", cron_job_name(BOT))
        assert found is not None
        volumes = found["spec"]["jobTemplate"]["spec"]["template"]["spec"]["volumes"]
        return str(next(v["configMap"]["name"] for v in volumes if v["name"] == "config"))

    def _wait_for_candle(self) -> None:
        """Wait until a candle has closed that no run has settled."""
        newest = 0
        for pod in self.runs.values():
            message = hand_runs.message_of(pod, TRADE_CONTAINER_NAME)
            if message is not None and message.trade is not None:
                newest = max(newest, ms_of(str(message.trade.state.settled_at)))
        due = (newest + journals.CANDLE_MS) / 1000 + SETTLES_SECONDS
        time.sleep(max(0.0, due - time.time()))

    def _says(self, kind: str, status: str, reason: str = "") -> bool:
        found = self.world.condition(BOT, kind)
        return found["status"] == status and reason in {"", found["reason"]}

    def _trading(self) -> Object:
        return dict(self.world.status(BOT)["trading"])

    def _is_sold(self) -> bool:
        trading = self._trading()
        return bool(trading["totals"]["trades"]) and not trading.get("positions")

    def _columns(self) -> dict[str, str]:
        here = f"--namespace={self.world.namespace}"
        head, row = self.world.kubectl("get", "bots", BOT, here).splitlines()
        starts = [found.start() for found in re.finditer(r"\S+", head)]
        ends = [*starts[1:], None]
        return {head[a:b].strip(): row[a:b].strip() for a, b in zip(starts, ends, strict=True)}


@pytest.fixture(scope="module")
def story(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The story, told once; whatever comes of it, no bot is left."""
    told = Story(world, tmp_path_factory.mktemp("store"))
    try:
        told.tell()
        yield told
    finally:
        world.delete("tradingbot", BOT)


def test_both_containers_of_a_run_tell_what_they_have_done(story: Story) -> None:
    decided = hand_runs.message_of(story.runs["first"], CONTAINER_NAME)
    traded = hand_runs.message_of(story.runs["first"], TRADE_CONTAINER_NAME)
    assert decided is not None
    assert traded is not None
    assert (decided.step, traded.step) == ("Inference", "Trade")
    assert (decided.run_digest, decided.model_version) == (traded.run_digest, traded.model_version)
    assert [signal.decision for signal in decided.signals] == ["LONG"]
    assert traded.trade is not None
    assert traded.trade.state.totals.orders == 1


def test_an_account_begins_with_its_capital(story: Story) -> None:
    status = story.told["first"]
    trading = status["trading"]
    assert Decimal(trading["account"]["equity"]) == Decimal(CAPITAL)
    assert (status["equity"], status["position"], status["symbols"]) == (CAPITAL, "flat", SYMBOL)
    assert _conditions(status)["TradingAllowed"] == ("True", "EntriesAllowed")
    assert _conditions(status)["Reconciled"] == ("True", "AsExpected")


def test_what_is_bought_is_told_and_shown_in_columns(story: Story) -> None:
    (position,) = story.told["bought"]["trading"]["positions"]
    assert position["symbol"] == SYMBOL
    assert Decimal(position["quantity"]) > 0
    assert story.columns["SYMBOLS"] == SYMBOL
    assert story.columns["POSITION"] == f"{SYMBOL} {position['quantity']}"
    assert 900 < float(story.columns["EQUITY"]) < 1100


def test_a_decision_to_hold_nothing_ends_the_trade(story: Story) -> None:
    trading = story.told["sold"]["trading"]
    assert trading["totals"]["trades"] == 1
    assert trading["lastAction"]["purpose"] == "Signal"
    profit = Decimal(trading["lastAction"]["profit"])
    assert Decimal(trading["account"]["equity"]) == Decimal(CAPITAL) + profit
    assert trading["account"]["cash"] == trading["account"]["equity"]
    assert story.events.keys() >= {"EntryFilled", "ExitFilled"}


def test_a_journal_that_cannot_be_read_stops_no_decision(story: Story) -> None:
    status = story.told["unreadable"]
    found = _conditions(status)
    assert found["Reconciled"] == ("False", "JournalUnavailable")
    assert found["TradingAllowed"] == ("False", "TradeFailed")
    assert found["Ready"][0] == "True"
    assert "journal/journal.db: cannot be" in _message(status, "Reconciled")
    assert "make it writable" in _message(status, "Reconciled")
    pod = story.runs["unreadable"]
    assert status["lastSignal"]["producedBy"] == pod["metadata"]["uid"]
    assert "lastFailure" not in status
    assert status["trading"]["account"] == story.told["first"]["trading"]["account"]


def test_a_journal_that_is_mended_is_gone_on_with(story: Story) -> None:
    found = _conditions(story.told["mended"])
    assert found["Reconciled"] == ("True", "AsExpected")
    assert found["TradingAllowed"] == ("True", "EntriesAllowed")
    names = {told["trading"]["journal"]["id"] for told in story.told.values()}
    assert len(names) == 1


def test_a_container_that_is_killed_while_it_trades_is_told_and_stops_no_decision(
    story: Story,
) -> None:
    status, pod = story.told["killed"], story.runs["killed"]
    assert "(OutOfMemory): killed" in _message(status, "TradingAllowed")
    assert _conditions(status)["Ready"][0] == "True"
    assert status["lastSignal"]["producedBy"] == pod["metadata"]["uid"]
    assert "lastFailure" not in status
    with read_journal(SqliteFile(story.journal)) as journal:
        runs = [journal.run(n + 1) for n in range(journal.identity.sequence)]
    unfinished = [run.pod_uid for run in runs if run and run.ended_verdict is None]
    assert unfinished == [pod["metadata"]["uid"]]


def test_a_pod_past_its_deadline_has_traded_without_signals(story: Story) -> None:
    status = story.told["late"]
    assert status["lastFailure"]["class"] == "Deadline"
    (note,) = story.events["RunFailed"]
    assert note.startswith(f"took longer than its {DEADLINE_SECONDS} s")
    assert _conditions(status)["TradingAllowed"] == ("False", "SignalMissing")
    assert _conditions(status)["Reconciled"] == ("True", "AsExpected")
    assert "lastFailure" not in story.told["sold"]
    assert _conditions(story.told["sold"])["TradingAllowed"] == ("True", "EntriesAllowed")


def test_the_journal_is_what_its_replay_makes_of_it(story: Story) -> None:
    assert journals.check(story.journal) == ["Entry", "Signal"]


def test_deletion_leaves_nothing(story: Story) -> None:
    assert story.children >= CHILDREN
    eventually(lambda: not story.world.children(BOT), timeout=90)


def _conditions(status: Object) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in status["conditions"]}


def _message(status: Object, kind: str) -> str:
    return str(next(c["message"] for c in status["conditions"] if c["type"] == kind))
