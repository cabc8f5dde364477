"""`journal`: a run at 1,000,000 rows beside one at 1,000, and what an idle candle costs.

Both journals are filled with idle candles, one of a hundred with an order. Then runs are taken in
turn in both, with every question that a run asks, and two commits each.
"""

import random
import sqlite3
import tempfile
import time
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Final
from uuid import UUID

from benchmarks.figures import Figure
from bot_runtime.journal.entries import AccountRow, CandleRow, DecisionRow, EquityRow, Rows, Rule
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.order_entries import OrderEventRow, OrderRow
from bot_runtime.journal.run_entries import Owner, RunEnd, RunStart
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.journal.writing import Journal

FEW, MANY = 1_000, 1_000_000
ROWS_OF_A_CANDLE = 2
"""Its run's, and its own with the decision."""
RUNS = 300
WINDOW = 500
"""Candles that a run reads, for correlations."""
YEAR = 365 * 24 * 60
MINUTE_MS = 60_000
BEGIN_MS = 1_760_000_040_000 // MINUTE_MS * MINUTE_MS
OWNER = Owner("bots", "steady", "binance", "Paper", "USDT")
SYMBOL = "BTC/USDT"
CAPITAL = Decimal(10_000)
RULES = tuple(Rule(name, 0.31, 0.58, passed=True) for name in ("RiskMax", "Regime", "ProbMin"))
_NUMBERS: Final = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
_DRAWN: Final = "abs(random()) / 9.3e18"
FILL: Final = (
    "INSERT INTO runs SELECT i, purpose, randomblob(16), configuration_id, model_version, "
    "git_commit, started_ms + 60000 * (i - 1), ended_after_ms, ended_verdict, NULL "
    "FROM n, runs WHERE run_id = 1",
    f"INSERT INTO candles SELECT symbol, candle_ms + 60000 * (i - 1), i, {_DRAWN}, {_DRAWN}, "
    f"{_DRAWN}, {_DRAWN}, {_DRAWN}, outcome, side, share, regime, {_DRAWN}, {_DRAWN}, {_DRAWN}, "
    f"{_DRAWN}, {_DRAWN}, {_DRAWN} FROM n, candles WHERE run_id = 1",
    "INSERT INTO orders SELECT 'order ' || i, i, position_id, purpose, symbol, quantity, share, "
    "regime, stop, target, holding_ms, candle_ms + 60000 * (i - 1) "
    "FROM n, orders WHERE run_id = 1 AND i % 100 = 0",
    "INSERT INTO order_events SELECT NULL, i, 'order ' || i, at_ms, state, executed, "
    "quote_executed, source, NULL, NULL FROM n, order_events WHERE run_id = 1 AND i % 100 = 0",
)
"""Rows like those of the first run."""


def measure() -> list[Figure]:
    """Return how much longer a run takes in a large journal, and what an idle candle costs."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        paths = [Path(folder, name, "journal.db") for name in ("few", "many")]
        empty, *sizes = [_filled(paths[0], FEW), _filled(paths[1], MANY)]
        few, many = (
            opened.enter_context(open_journal(SqliteFile(path), OWNER, 1)) for path in paths
        )
        pairs = [(_seconds(few), _seconds(many)) for _ in range(RUNS)]
    quick, slow = (median(seconds) for seconds in zip(*pairs, strict=True))
    each = (sizes[0] - empty) / ((MANY - FEW) // ROWS_OF_A_CANDLE)
    print(f"   a run: {quick * 1000:.2f} ms at {FEW:,} rows, {slow * 1000:.2f} ms at {MANY:,}")
    print(f"   an idle candle: {each:.0f} bytes; a year at 1m: {each * YEAR / 1e6:.0f} MB")
    return [
        Figure("time of a run at 10^6 rows / at 10^3", slow / quick, 1.5, at_least=False),
        Figure("bytes of an idle candle", each, 200, at_least=False),
    ]


def _filled(path: Path, rows: int) -> int:
    """Make a journal of so many rows, and return its bytes."""
    with open_journal(SqliteFile(path), OWNER, BEGIN_MS) as journal:
        order = OrderRow(
            "order 1",
            "order 1",
            "Entry",
            SYMBOL,
            CAPITAL,
            0.1,
            "BULL_TREND",
            None,
            None,
            0,
            BEGIN_MS,
        )
        event = OrderEventRow("order 1", BEGIN_MS, "Filled", CAPITAL, CAPITAL, "Paper")
        _run(journal, Rows(orders=(order,), order_events=(event,)))
    file = sqlite3.connect(path)
    with file:
        for statement in FILL:
            file.execute(_NUMBERS + statement, (rows // ROWS_OF_A_CANDLE,))
    file.close()
    return path.stat().st_size


def _seconds(journal: Journal) -> float:
    began = time.perf_counter()
    _run(journal, Rows())
    return time.perf_counter() - began


def _run(journal: Journal, rows: Rows) -> None:
    """Ask what a run asks, and write what it writes where nothing happens."""
    newest = journal.last_settled(SYMBOL)
    candle_ms = BEGIN_MS if newest is None else newest + MINUTE_MS
    pod, digest = str(UUID(int=candle_ms)), "d" * 64
    start = RunStart("Candle", pod, digest, "{}", "steady-0a1b2c3d", "c0ffee", candle_ms)
    run_id = journal.begin_run(start)
    journal.last_state()
    journal.market(SYMBOL)
    journal.candles(SYMBOL, WINDOW)
    journal.decided(SYMBOL, candle_ms)
    journal.open_orders(candle_ms - MINUTE_MS, ("Filled",))
    draw = random.Random(candle_ms).random
    decision = DecisionRow(
        SYMBOL, candle_ms, "ProbBelowMin", "NO_TRADE", 0.0, "BULL_TREND", draw(), draw(), draw(),
        draw(), draw(), draw(), "ProbBelowMin: LONG probability 0.512 < 0.58", RULES,
    )  # fmt: skip
    settled = Rows(
        candles=(CandleRow(SYMBOL, candle_ms, draw(), draw(), draw(), draw(), draw()),),
        decisions=(decision,),
        equity=(EquityRow(candle_ms, CAPITAL, CAPITAL),),
        accounts=(AccountRow(candle_ms, "{}"),),
        orders=rows.orders,
        order_events=rows.order_events,
    )
    journal.finish(run_id, settled, RunEnd(candle_ms + 4_321, "Done"))
    journal.unsent()
