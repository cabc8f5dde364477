"""`journal verify`: is a journal what its own material makes of it? Asked after a restore, say."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bot_runtime.backtest.journal_differences import Compared, compare_with_replay
from bot_runtime.backtest.replay import settled_in, stretches
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.retries import RetryPolicy
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.reading import Reader
from bot_runtime.local.journal_place import JournalAsked, journal_of
from bot_runtime.local.named_store import named_store
from bot_runtime.market.candles import Candles, leave_out_broken
from bot_runtime.process.errors import StepError
from bot_runtime.process.output import write_out
from bot_runtime.store.layout import Store

HISTORY: Final = 2_000
"""Candles before the journal's first that are asked for: predictions look back on them."""
SHOWN: Final = 10
"""Differences of a kind that are shown; the others are counted."""
POLICY: Final = RetryPolicy(attempts=3, budget_seconds=120)


@dataclass(frozen=True, slots=True)
class VerifyAsked:
    """What the command line asks for; `ask` whether the exchange is asked for older candles."""

    journal: JournalAsked
    ask: bool = False


def verify_journal(asked: VerifyAsked) -> int:
    """Print what was checked and what differs, and return the exit code.

    It is that of a file that cannot be trusted where something differs.
    """
    try:
        store = named_store(asked.journal.store)
        with read_journal(journal_of(asked.journal)) as journal:
            agrees = True
            for is_fine, line in _check(journal, store, ask=asked.ask):
                agrees = agrees and is_fine
                write_out(sys.stdout, f"{line}\n")
    except StepError as e:
        print(f"bot-runtime: {e}", file=sys.stderr)
        return int(e.exit_code)
    return int(ExitCode.OK if agrees else ExitCode.ARTIFACT_INVALID)


def _check(journal: Reader, store: Store, *, ask: bool) -> Iterator[tuple[bool, str]]:
    """Yield lines, each with whether it speaks for the journal."""
    identity = journal.identity
    bot = f"{identity.owner.namespace}/{identity.owner.bot}"
    yield True, f"journal {identity.journal_id} of {bot}, up to run {identity.sequence}"
    yield from _rows(compare_with_replay(journal))
    yield from _predictions(journal, store, ask=ask)


def _rows(compared: Compared) -> Iterator[tuple[bool, str]]:
    gone_through = (
        f"{compared.candles:,} candles, {compared.decisions:,} decisions and {compared.fills:,} "
        "fills gone through again"
    )
    if not compared.differences:
        yield True, f"rows: {gone_through}: they are what led to them"
        return
    yield False, f"rows: {gone_through}; the first of each kind that differ:"
    yield from ((False, f"  {text}") for text in compared.differences)


def _predictions(journal: Reader, store: Store, *, ask: bool) -> Iterator[tuple[bool, str]]:
    try:
        from bot_runtime.backtest.predicted_again import predict_again
    except ImportError as e:
        text = f"{e.name} is not installed; take the image that trains"
        yield True, f"predictions: not checked: {text}"
        return
    more: dict[str, Candles] = {}
    if ask:
        try:
            more = _older_candles(journal)
        except StepError as e:
            yield True, f"predictions: older candles could not be asked for: {e}"
    for found in predict_again(journal, store, more):
        yield (
            found.agrees,
            f"predictions of {found.version}: {found.checked:,} of {found.decisions:,} decisions "
            f"computed again, {len(found.otherwise):,} would be others",
        )
        yield from ((False, f"  {text}") for text in _first(found.beyond))
        yield from ((found.agrees, f"  decision of {text}") for text in _first(found.otherwise))
        yield from ((True, f"  {text}") for text in found.notes)


def _first(texts: list[str]) -> Iterable[str]:
    left = len(texts) - SHOWN
    return texts if left <= 0 else [*texts[:SHOWN], f"and {left:,} more"]


def _older_candles(journal: Reader) -> dict[str, Candles]:
    """Return the candles that closed before the journal's, and those that it misses."""
    settled, found = settled_in(journal), dict[str, Candles]()
    symbols: dict[str, RunConfiguration] = {}
    for stretch in stretches(journal):
        symbols |= dict.fromkeys(stretch.configuration.symbols, stretch.configuration)
    for symbol, run in symbols.items():
        own = settled.get(symbol)
        if own is None:
            continue
        client = ExchangeClient(run.exchange, run.timeframe, POLICY, lambda *_, **__: None)
        client.load_markets([symbol])
        first_ms, last_ms = own.candles[0].candle_ms, own.candles[-1].candle_ms
        begin_ms = first_ms - HISTORY * client.interval_ms
        found[symbol] = leave_out_broken(client.candles(symbol, begin_ms, last_ms))
    return found
