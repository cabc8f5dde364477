"""Trade: settle what was ordered on the candles that have closed, and order what the signals ask.

It starts beside the inference and waits for its signals. Without them nothing is bought, and all
else is done. Whatever a run has to say is committed as one, before its last message: a run that is
killed has said nothing, and the next one settles its candles.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from bot_runtime.contract.assets import quote_assets
from bot_runtime.contract.digests import to_canonical_json
from bot_runtime.contract.names import (
    ENV_POD_UID,
    ENV_POSTGRES_URL,
    ENV_TELEGRAM,
    POSTGRES_PATH,
)
from bot_runtime.contract.postgres_secret import URL
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.traderesult import NO_MESSAGES, TradeResult
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.retries import RetryPolicy
from bot_runtime.exchange.unsettled import Unsettled, observe_unsettled
from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.run_entries import Owner, RunEnd, RunStart
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.journal.writing import Journal
from bot_runtime.process.config import inference_of
from bot_runtime.process.errors import ConfigurationError, StepError, StoreUnavailableError
from bot_runtime.process.git import git_commit
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.layout import Store
from bot_runtime.store.marker import Marker, load_marker
from bot_runtime.trading.session import Session, Taken
from bot_runtime.trading.session_news import News
from bot_runtime.trading.session_result import Doubts, result_of
from bot_runtime.trading.session_signals import load_signals
from bot_runtime.trading.session_state import SessionState

if TYPE_CHECKING:
    from bot_runtime.notices.outbox import Outbox

PURPOSE: Final = "Candle"
SETTLED: Final = "Settled"
NOTHING: Final = "Nothing"
FAILED: Final = "Failed"
"""Verdicts of a run: whether there were candles to settle, and that it could not look."""
SPARE_SECONDS: Final = 10.0
"""What is left of the deadline when a run waits for signals no longer."""
POLL_SECONDS: Final = 0.2
NO_POD: Final = str(UUID(int=0))
"""UID of a run outside of pods that nobody has named."""


def trade(configuration: RunConfiguration, store: Store, reporter: Reporter) -> TradeResult:
    """Take the account on by one run, and return what it has come to.

    Raises BusyError where another run has the journal, StoreUnavailableError where the journal
    cannot be used, ConfigurationError where it is another bot's or of a newer release,
    ExchangeUnavailableError where no candles are to be had.
    """
    database = _database(configuration, store, reporter)
    with open_journal(database, owner_of(configuration), _now_ms()) as journal:
        run_id = journal.begin_run(_start_of(configuration))
        with _ending(journal, run_id, reporter):
            done = _run(configuration, store, reporter, journal, run_id)
        result = result_of(done.state, journal, done.settled_ms, done.doubts)
        if done.outbox is not None:
            done.outbox.send(_left(configuration, reporter))
        return result


class _Done(NamedTuple):
    """What a run has come to, as it was committed, and what tells people of it."""

    state: SessionState
    settled_ms: int | None
    doubts: Doubts
    outbox: "Outbox | None"


@contextmanager
def _ending(journal: Journal, run_id: int, reporter: Reporter) -> Iterator[None]:
    """Write down why a run has failed; one that is killed has no end."""
    try:
        yield
    except StepError as e:
        with suppress(StoreUnavailableError):
            end = RunEnd(_now_ms(), FAILED, reporter.error_of(e).message)
            journal.finish(run_id, Rows(), end)
        raise


def _run(
    configuration: RunConfiguration,
    store: Store,
    reporter: Reporter,
    journal: Journal,
    run_id: int,
) -> _Done:
    """Do the run's work, up to its last commit."""
    session = Session(configuration, journal)
    outbox = _outbox(journal, store, reporter)
    marker = _wait_for_marker(configuration, store, reporter)
    found = _observe(configuration, session.settled_ms, marker, reporter)
    doubts = Doubts(
        newest_ms=found.newest_ms,
        went_back=found.went_back,
        room_is_short=journal.room_is_short,
        has_signals=marker is not None,
        is_behind=not found.is_whole,
    )
    taken, verdict, settled_ms = Taken(Rows(), session.before), NOTHING, session.settled_ms
    if found.has_candles:
        for revision in session.find_revisions(found.settled):
            reporter.warn(revision)
        news = News(
            found.candles,
            found.filters,
            {} if marker is None else load_signals(store, configuration, reporter.warn),
            may_enter=not doubts.room_is_short,
            decides=found.is_whole,
        )
        taken, verdict, settled_ms = session.take(news), SETTLED, news.newest_ms
    rows = taken.rows
    if outbox is not None:
        version = inference_of(configuration).model_version
        told = outbox.rows(taken, journal.last_ended((SETTLED, NOTHING)), version)
        rows = rows._replace(outbox=told)
    journal.finish(run_id, rows, RunEnd(_now_ms(), verdict))
    return _Done(taken.state, settled_ms, doubts, outbox)


def _outbox(journal: Journal, store: Store, reporter: Reporter) -> "Outbox | None":
    """Return what tells people of this run; None where nobody asks, or nobody can be told."""
    folder = os.environ.get(ENV_TELEGRAM)
    if not folder:
        return None
    from bot_runtime.notices.outbox import Outbox  # who tells nobody needs none of it
    from bot_runtime.notices.telegram import load_telegram

    try:
        telegram = load_telegram(Path(folder))
    except ConfigurationError as e:
        reporter.warn(f"{NO_MESSAGES}{e}")
        return None
    reporter.secrets = (*reporter.secrets, *telegram.secrets)
    return Outbox(telegram, journal, store, reporter)


def _database(configuration: RunConfiguration, store: Store, reporter: Reporter) -> Database:
    """Return where the bot's journal lies."""
    if configuration.journal.database == "SQLite":
        return SqliteFile(store.journal)
    from bot_runtime.journal.postgres_schema import PostgresSchema  # a file needs no psycopg
    from bot_runtime.journal.postgres_url import load_url

    url = load_url(Path(os.environ.get(ENV_POSTGRES_URL) or f"{POSTGRES_PATH}/{URL}"))
    reporter.secrets = url.secrets
    return PostgresSchema(url, configuration.namespace, configuration.owner)


def owner_of(configuration: RunConfiguration) -> Owner:
    """Return whose journal it is; raises ConfigurationError where an account would need two."""
    quote, *others = quote_assets(configuration.symbols)
    if others:
        raise ConfigurationError(
            f"symbols: are paid for in {quote} and {' and '.join(others)}, and an account has one "
            "asset; make a bot for each of them"
        )
    return Owner(
        namespace=configuration.namespace,
        bot=configuration.owner,
        exchange=configuration.exchange.id,
        mode="Paper",
        quote=quote,
    )


def _start_of(configuration: RunConfiguration) -> RunStart:
    return RunStart(
        purpose=PURPOSE,
        pod_uid=os.environ.get(ENV_POD_UID) or NO_POD,
        run_digest=configuration.digest,
        configuration=to_canonical_json(configuration.to_json()),
        model_version=inference_of(configuration).model_version,
        git_commit=git_commit(),
        started_ms=_now_ms(),
    )


def _wait_for_marker(
    configuration: RunConfiguration, store: Store, reporter: Reporter
) -> Marker | None:
    """Return the marker of this run, waited for as long as the deadline allows.

    Without a pod there is nobody to wait for.
    """
    pod_uid = os.environ.get(ENV_POD_UID)
    while pod_uid and _left(configuration, reporter) > SPARE_SECONDS:
        marker = load_marker(store, pod_uid, configuration.digest)
        if marker is not None:
            return marker
        time.sleep(POLL_SECONDS)
    return load_marker(store, pod_uid, configuration.digest) if pod_uid else None


def _observe(
    configuration: RunConfiguration,
    settled_ms: int | None,
    marker: Marker | None,
    reporter: Reporter,
) -> Unsettled:
    """Ask for the candles up to the one that was decided on: the next is the next run's."""
    policy = RetryPolicy(attempts=3, budget_seconds=max(1.0, _left(configuration, reporter)))
    client = ExchangeClient(configuration.exchange, configuration.timeframe, policy, reporter.log)
    decided_ms = None if marker is None else marker.candle_ms
    return observe_unsettled(client, configuration.symbols, settled_ms, decided_ms)


def _left(configuration: RunConfiguration, reporter: Reporter) -> float:
    """Return the seconds that are left of the run's deadline."""
    return configuration.execution.deadline_seconds - (time.monotonic() - reporter.started)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
