"""Journals for tests: a scripted bot that trades two symbols, and what must hold of its rows.

What happens at a candle follows from the seed and the candle's number alone, so that whoever goes
on after a kill does what would have been done without it.
"""

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import (
    AccountRow,
    CandleRow,
    DecisionRow,
    EquityRow,
    MarketRow,
    Rows,
    Rule,
)
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.order_entries import (
    FillRow,
    LedgerRow,
    OrderEventRow,
    OrderRow,
    TradeRow,
)
from bot_runtime.journal.reading import Reader
from bot_runtime.journal.row_coding import TABLES
from bot_runtime.journal.run_entries import Owner, RunEnd, RunRow, RunStart
from bot_runtime.journal.writing import Journal
from tools.tree import ROOT

OWNER = Owner("bots", "steady", "binance", "Paper", "USDT")
SYMBOLS = ("BTC/USDT", "ETH/USDT")
MINUTE_MS = 60_000
BEGIN_MS = 1_760_000_040_000 // MINUTE_MS * MINUTE_MS
CAPITAL = Decimal(10_000)
STEP = Decimal("0.01")
MARKET = MarketRow("", BEGIN_MS, STEP, Decimal("0.00001"), Decimal("0.00001"), Decimal(5))
RULES = (Rule("RiskMax", 0.3, 0.7, passed=True), Rule("ProbMin", 0.51, 0.58, passed=False))


def start(candle_ms: int, digest: str = "d" * 64) -> RunStart:
    """Return a run of a candle as it begins."""
    pod = str(UUID(int=candle_ms))
    configuration = '{"timeframe": "1m"}'
    return RunStart("Candle", pod, digest, configuration, "steady-0a1b2c3d", "c0ffee", candle_ms)


def idle(candle_ms: int, symbol: str = SYMBOLS[0], outcome: str = "ProbBelowMin") -> Rows:
    """Return the rows of a candle at which nothing is done, with values of full length."""
    draw = random.Random(candle_ms).random
    decision = DecisionRow(
        symbol, candle_ms, outcome, "NO_TRADE", 0.0, "RANGE_SIDEWAYS",
        draw(), draw(), draw(), draw(), draw(), draw(),
        f"{outcome}: LONG probability {draw():.3f} < 0.58", RULES,
    )  # fmt: skip
    return Rows(
        candles=(CandleRow(symbol, candle_ms, *(draw() * 1e5 for _ in range(5))),),
        decisions=(decision,),
        equity=(EquityRow(candle_ms, CAPITAL, CAPITAL),),
        accounts=(AccountRow(candle_ms, "{}"),),
    )


def carry_out(journal: Journal, candle_ms: int, rows: Rows) -> int:
    """Write one run."""
    run_id = journal.begin_run(start(candle_ms))
    journal.finish(run_id, rows, RunEnd(candle_ms + 4_321, "Done"))
    return run_id


def on_its_own(what: str, folder: Path) -> dict[str, object]:
    """Return what came of something that needs a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.bot_runtime.journal_in_process", what, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


class Bot:
    """The scripted bot; all that it remembers is in the journal."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database, self.seed = database, seed

    def run(self) -> int:
        """Do the next candle as a process of its own would, and return it."""
        with open_journal(self.database, OWNER, BEGIN_MS) as journal:
            newest = journal.last_settled(SYMBOLS[0])
            candle_ms = BEGIN_MS if newest is None else newest + MINUTE_MS
            run_id = journal.begin_run(start(candle_ms))
            kept = journal.last_state()
            state = json.loads(kept.state) if kept else {"cash": str(CAPITAL), "symbols": {}}
            rows = self._rows(candle_ms, state)
            if newest is None:
                rows = rows._replace(markets=tuple(MARKET._replace(symbol=s) for s in SYMBOLS))
            journal.finish(run_id, rows, RunEnd(candle_ms + 1_000, "Done"))
        return candle_ms

    def _rows(self, candle_ms: int, state: dict[str, Any]) -> Rows:
        found: dict[str, list[Any]] = defaultdict(list)
        cash, worth = Decimal(state["cash"]), Decimal(0)
        for symbol in SYMBOLS:
            candle = self._candle(symbol, candle_ms)
            found["candles"].append(candle)
            own = state["symbols"].setdefault(symbol, {"held": "0", "order": None, "entry": None})
            if own["order"]:
                cash += self._fill(found, own, candle)
            self._decide(found, own, candle)
            worth += Decimal(own["held"]) * Decimal(str(candle.close))
        state["cash"] = str(cash)
        found["equity"].append(EquityRow(candle_ms, cash, cash + worth))
        found["accounts"].append(AccountRow(candle_ms, json.dumps(state)))
        return Rows(**{name: tuple(rows) for name, rows in found.items()})

    def _draw(self, *what: object) -> random.Random:
        return random.Random(f"{self.seed} {what}")

    def _candle(self, symbol: str, candle_ms: int) -> CandleRow:
        draw = self._draw(symbol, candle_ms)
        opened, closed = (round(draw.uniform(100, 200), 2) for _ in range(2))
        return CandleRow(symbol, candle_ms, opened, 200.0, 100.0, closed, draw.random())

    def _fill(self, found: dict[str, list[Any]], own: dict[str, Any], candle: CandleRow) -> Decimal:
        """Fill an order at the candle's open; return the money that it brings."""
        order_id, is_buy = own["order"], own["order"].startswith("buy")
        symbol, price = candle.symbol, Decimal(str(candle.open))
        quantity, at_ms = Decimal("0.12345") if is_buy else Decimal(own["held"]), candle.candle_ms
        paid, side = quantity * price, "Buy" if is_buy else "Sell"
        fee = (paid / 1000).quantize(Decimal("1e-8"))
        brought = (-paid if is_buy else paid) - fee
        fill = FillRow(
            symbol, f"{order_id}-1", order_id, side, price, quantity, paid, fee, "USDT", fee,
            maker=False, model_price=price, at_ms=at_ms - MINUTE_MS, candle_ms=at_ms,
            market_ms=BEGIN_MS,
        )  # fmt: skip
        found["fills"].append(fill)
        base, source = symbol.split("/")[0], f"{symbol} {fill.trade_id}"
        found["ledger"].append(LedgerRow(source, base, quantity if is_buy else -quantity))
        found["ledger"].append(LedgerRow(source, "USDT", brought))
        event = OrderEventRow(order_id, at_ms - MINUTE_MS, "Filled", quantity, paid, "Paper")
        found["order_events"].append(event)
        if not is_buy:
            trade = TradeRow(
                own["entry"], symbol, own["since"], at_ms, quantity, Decimal(own["paid"]), brought,
                fee, brought - Decimal(own["paid"]), "Signal", 1, "BULL_TREND",
            )  # fmt: skip
            found["trades"].append(trade)
        entry = {"entry": order_id, "since": at_ms, "paid": str(-brought)} if is_buy else {}
        own.update({"held": str(quantity) if is_buy else "0", "order": None, **entry})
        return brought

    def _decide(self, found: dict[str, list[Any]], own: dict[str, Any], candle: CandleRow) -> None:
        symbol, at_ms = candle.symbol, candle.candle_ms
        draw = self._draw("view", symbol, at_ms)
        wants, is_flat = draw.random() < 0.4, own["held"] == "0"
        side = ("LONG" if is_flat else "SHORT") if wants else "NO_TRADE"
        outcome = {"LONG": "LongSignal", "SHORT": "ShortSignal"}.get(side, "ProbBelowMin")
        decision = DecisionRow(
            symbol, at_ms, outcome, side, 0.1, "BULL_TREND",
            draw.random(), draw.random(), draw.random(), draw.random(), draw.random(),
            draw.random(), f"{outcome}: found {draw.random():.3f}", RULES,
        )  # fmt: skip
        found["decisions"].append(decision)
        if wants:
            own["order"] = f"{'buy' if is_flat else 'sell'}-{symbol}-{at_ms}"
            position = own["order"] if is_flat else own["entry"]
            order = OrderRow(
                own["order"], position, "Entry" if is_flat else "Signal", symbol,
                Decimal("0.12345"), 0.1, "BULL_TREND", 0.02, None, 0, at_ms,
            )  # fmt: skip
            found["orders"].append(order)


def assert_whole(journal: Reader) -> None:
    """Assert what must hold of the scripted bot's rows, whatever was killed before."""
    runs = list(journal.all(RunRow))
    done = {run.run_id for run in runs if run.ended_verdict == "Done"}
    assert [run.run_id for run in runs] == list(range(1, len(runs) + 1))
    assert {run.ended_verdict for run in runs} <= {"Done", None}
    rows_of = {table.name: _runs_of(journal, table) for table in set(TABLES.values())}
    del rows_of["runs"]
    for name, counted in rows_of.items():
        assert set(counted) <= done, f"{name}: an unfinished run has rows"
    assert rows_of["candles"] == dict.fromkeys(done, len(SYMBOLS))
    _assert_candles(journal, len(done))
    _assert_money(journal)


def _runs_of(journal: Reader, table: Any) -> Counter[int]:
    return Counter(journal.execute(select(table.c.run_id)).scalars())


def _assert_candles(journal: Reader, number: int) -> None:
    """Each symbol has each candle once, and one decision at each."""
    expected = [(s, BEGIN_MS + n * MINUTE_MS) for s in SYMBOLS for n in range(number)]
    assert sorted((c.symbol, c.candle_ms) for c in journal.all(CandleRow)) == sorted(expected)
    assert sorted((d.symbol, d.candle_ms) for d in journal.all(DecisionRow)) == sorted(expected)


def _assert_money(journal: Reader) -> None:
    """Each order is filled once; ledger = fold of fills; equity = capital, ledger and holdings."""
    orders, fills = list(journal.all(OrderRow)), list(journal.all(FillRow))
    filled = Counter(fill.client_order_id for fill in fills)
    assert set(filled.values()) <= {1}
    assert filled.keys() <= {order.client_order_id for order in orders}
    assert len(orders) - len(fills) == len(journal.open_orders(BEGIN_MS, ("Filled",)))
    booked = {(row.source, row.asset): row.delta for row in journal.all(LedgerRow)}
    expected, by_candle = {}, defaultdict(list)
    for fill in fills:
        sign = 1 if fill.side == "Buy" else -1
        money = -sign * fill.price * fill.quantity - fill.fee
        source = f"{fill.symbol} {fill.trade_id}"
        expected[source, fill.symbol.split("/")[0]] = sign * fill.quantity
        expected[source, "USDT"] = money
        by_candle[fill.candle_ms].append((fill.symbol, sign * fill.quantity, money))
    assert booked == expected
    equity = {row.candle_ms: row for row in journal.all(EquityRow)}
    closes = {(c.symbol, c.candle_ms): Decimal(str(c.close)) for c in journal.all(CandleRow)}
    cash, held, marked = CAPITAL, dict.fromkeys(SYMBOLS, Decimal(0)), None
    for candle_ms in count(BEGIN_MS, MINUTE_MS):
        if (SYMBOLS[0], candle_ms) not in closes:
            break
        for symbol, quantity, money in by_candle[candle_ms]:
            held[symbol] += quantity
            cash += money
        worth = sum(held[symbol] * closes[symbol, candle_ms] for symbol in SYMBOLS)
        marked = equity.get(candle_ms, marked)
        assert marked is not None
        assert (marked.cash, marked.equity) == (cash, cash + worth)
    state = journal.last_state()
    assert (Decimal(json.loads(state.state)["cash"]) if state else CAPITAL) == cash
