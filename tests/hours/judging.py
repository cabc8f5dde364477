"""What a bot's hours have come to, from what was kept of them: figures, and what is wrong."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

from bot_runtime.backtest.journal_differences import compare_with_replay
from bot_runtime.journal.entries import CandleRow, DecisionRow, LimitRow
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.order_entries import OrderRow, TradeRow
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.market.candles import utc
from bot_runtime.store.layout import Store
from bot_runtime.trading.session_decisions import MISSED, WITHOUT_VIEW
from tests.cluster.cluster import Cluster
from tests.e2e.journals import CANDLE_MS

STATUS_WRITES_MAX: Final = 2.0
"""For each candle, of the operator."""
AT_ITS_END_MS: Final = 3 * CANDLE_MS
"""A journal of the whole time has settled up to so long before its end."""
AFTERMATH_SECONDS: Final = 180
"""After a disturbance: its runs are over and the next one is on time."""
STATUS_WRITES: Final = ("patch tradingbots status", "update tradingbots status")
Kept = dict[str, Any]


def judge(folder: Path, cluster: Cluster | None) -> int:
    """Print figures as a table, and what is wrong; return 1 where anything is.

    The journal may be of hours that are not over yet, or were cut off. `cluster` has the exchange
    that older candles are asked of; None: it is down, and predictions are not computed again.
    """
    record, writes, objects = (_load(folder / f"{n}.json") for n in ("record", "writes", "objects"))
    journal_file = Store(folder).journal
    with read_journal(SqliteFile(journal_file)) as journal:
        closes = [row.candle_ms for row in journal.all(CandleRow)]
        missed = [row.candle_ms for row in journal.all(DecisionRow) if row.outcome == MISSED]
        each_written = sum(writes.get(name, 0) for name in STATUS_WRITES) / len(closes)
        figures = [
            *_of_candles(journal, closes),
            ("missed while nothing was disturbed", len(unexplained(missed, record["done"]))),
            *_of_runs(list(journal.all(RunRow))),
            *_of_trades(journal),
            ("bytes of the journal for each candle", round(_bytes(journal_file) / len(closes))),
            ("writes of the bot's status for each candle", f"{each_written:.2f}"),
            *_of_objects(objects["items"]),
            ("disturbances", len(record["done"])),
        ]
        faults = [
            *gaps(closes, [row.candle_ms for row in journal.all(DecisionRow)]),
            *compare_with_replay(journal).differences,
        ]
        if not any(True for _ in journal.all(TradeRow)):
            faults.append("nothing was bought and sold again")
    faults += [f"{d['name']}: {d['error']}" for d in record["done"] if d["error"]]
    if each_written > STATUS_WRITES_MAX:
        faults.append(f"the bot's status is written more than {STATUS_WRITES_MAX:g} times a candle")
    if "ended" not in record:
        faults.append("the hours are not over, or were cut off")
    elif closes[-1] < record["until"] * 1000 - AT_ITS_END_MS:
        faults.append(f"nothing is settled after {utc(closes[-1])}")
    if (store := folder / "store").is_dir():
        faults += _verify(store, cluster)
    text = "\n".join(["| figure | value |", "|---|---|", *(f"| {a} | {b} |" for a, b in figures)])
    (folder / "summary.md").write_text(f"{text}\n")
    print(text, *(f"WRONG: {fault}" for fault in faults), sep="\n")
    return 1 if faults else 0


def gaps(closes: Sequence[int], decided: Iterable[int]) -> Iterator[str]:
    """Yield what is wrong with a journal's candles, or with the decisions on them, by close."""
    expected = range(closes[0], closes[-1] + 1, CANDLE_MS)
    for what, found in (("candle", Counter(closes)), ("decision", Counter(decided))):
        other = [ms for ms in sorted({*expected, *found}) if found[ms] != (ms in expected)]
        if other:
            yield f"{len(other)} closes have not one {what}, the first is {utc(other[0])}"


def unexplained(missed: Iterable[int], done: Sequence[Kept]) -> list[int]:
    """Return the candles, by close in ms, that closed while no disturbance was felt.

    What is taken away is felt until it is back: the disturbance that follows.
    """
    spans = [(one["from"], one["to"] + AFTERMATH_SECONDS) for one in done]
    spans += [
        (away["from"], back["to"] + AFTERMATH_SECONDS)
        for away, back in pairwise(done)
        if away["name"].endswith("away")
    ]
    return [
        ms for ms in missed if not any(a <= ms / 1000 + 60 and ms / 1000 <= b for a, b in spans)
    ]


def _of_candles(journal: Reader, closes: Sequence[int]) -> Iterator[tuple[str, object]]:
    yield "candles", len(closes)
    yield "first close", utc(closes[0])
    yield "last close", utc(closes[-1])
    outcomes = Counter(row.outcome for row in journal.all(DecisionRow))
    yield "decided on", sum(n for name, n in outcomes.items() if name not in WITHOUT_VIEW)
    yield from ((f"not decided on: {name}", outcomes[name]) for name in sorted(WITHOUT_VIEW))


def _of_runs(runs: Sequence[RunRow]) -> Iterator[tuple[str, object]]:
    yield "runs", len(runs)
    verdicts = Counter(run.ended_verdict or "killed" for run in runs)
    yield from ((f"runs: {verdict}", n) for verdict, n in sorted(verdicts.items()))
    ended = [
        (run.started_ms % CANDLE_MS + run.ended_after_ms) / 1000
        for run in runs
        if run.ended_after_ms is not None
    ]
    last_hundredth = quantiles(ended, n=100, method="inclusive")[-1]
    yield "a run ends after the close: median", f"{median(ended):.1f} s"
    yield "a run ends after the close: 99 in 100", f"{last_hundredth:.1f} s"
    yield "a run ends after the close: the last", f"{max(ended):.1f} s"


def _of_trades(journal: Reader) -> Iterator[tuple[str, object]]:
    purposes = Counter(row.purpose for row in journal.all(OrderRow))
    yield from ((f"orders: {purpose}", n) for purpose, n in sorted(purposes.items()))
    yield "complete trades", sum(1 for _ in journal.all(TradeRow))
    limits = Counter(f"limits: {row.limit} {row.event}" for row in journal.all(LimitRow))
    yield from sorted(limits.items())


def _of_objects(objects: Sequence[Kept]) -> Iterator[tuple[str, object]]:
    kinds = Counter(found["kind"] for found in objects)
    yield "pods left, those of operator and exchange among them", kinds["Pod"]
    yield "Jobs left", kinds["Job"]


def _bytes(journal: Path) -> int:
    return sum(path.stat().st_size for path in journal.parent.iterdir())


def _verify(store: Path, cluster: Cluster | None) -> Iterator[str]:
    """Ask `journal verify`, which computes the predictions again too."""
    command = [sys.executable, "-m", "bot_runtime", "journal", "verify"]
    command.append(f"--store={store.resolve()}")
    if cluster is not None:
        command = cluster.inside(*command, "--ask")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr)
    if done.returncode:
        yield f"journal verify ended with {done.returncode}"


def _load(path: Path) -> Kept:
    found: Kept = json.loads(path.read_text())
    return found
