"""One side of `backtest`, in a process of its own: `python -m benchmarks.backtest_side SIDE ...`.

`own` follows the decisions by the product's account, `plain` by a loop over lists, `theirs` by
backtesting.py, which has to be importable; `inputs` makes candles and predictions alone. FILE takes
what was measured, as JSON.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.backtest_rules import (
    CAPITAL,
    INTERVAL_MS,
    START_MS,
    UNIT,
    Outcome,
    Series,
    Traded,
    plain_loop,
    strategy,
    track_of,
)
from bot_runtime.trading.account import Account, follow

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Found:
    """What a side gives: processor seconds of each run, peak MiB by then, and how to read it."""

    seconds: list[float]
    peak_mib: float
    outcome: Callable[[], Outcome]


def own(series: Series, runs: int) -> Found:
    """Follow the decisions on the precomputed predictions by the product's account."""
    tracks, rules = {"BTC/USDT": track_of(series)}, strategy()
    seconds, account = _timed(lambda: follow(tracks, rules), runs)
    return Found(seconds, _peak_mib(), lambda: _outcome_of(account))


def inputs(series: Series, runs: int) -> Found:
    """Make what `own` is given."""
    seconds, _ = _timed(lambda: track_of(series), runs)
    return Found(seconds, _peak_mib(), lambda: Outcome([], CAPITAL))


def plain(series: Series, runs: int) -> Found:
    """Follow the rules in a plain loop."""
    columns = (series.open, series.high, series.low, series.close, series.probability)
    lists = [column.tolist() for column in columns]
    seconds, found = _timed(lambda: plain_loop(zip(*lists, strict=True)), runs)
    return Found(seconds, _peak_mib(), lambda: Outcome(found.trades, found.equity[-1] * UNIT))


def theirs(series: Series, runs: int) -> Found:
    """Follow the rules by backtesting.py."""
    from benchmarks import backtesting_strategy

    seconds, found = _timed(backtesting_strategy.test_of(series).run, runs)
    return Found(seconds, _peak_mib(), lambda: backtesting_strategy.outcome_of(found))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _timed(work: Callable[[], _T], runs: int) -> tuple[list[float], _T]:
    """Return the processor seconds of each run, all on one thread, and what the last returned."""
    seconds = []
    while True:
        began = time.process_time()
        found = work()
        seconds.append(time.process_time() - began)
        if len(seconds) == runs:
            return seconds, found


def _outcome_of(account: Account) -> Outcome:
    """Return the account's trades: an entry and an exit are one fill each, in turn."""
    bars = [
        ((account.trades[name] - START_MS) // INTERVAL_MS).tolist()
        for name in ("opened_ms", "closed_ms")
    ]
    prices = account.fills["ticks"].astype(float).tolist()
    columns = (*bars, account.trades["lots"].astype(int).tolist(), prices[::2], prices[1::2])
    trades = [Traded(*trade) for trade in zip(*columns, strict=False)]
    return Outcome(trades, float(account.equity[-1]))


SIDES = {"own": own, "inputs": inputs, "plain": plain, "theirs": theirs}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("bars", type=int)
    parser.add_argument("runs", type=int)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args()
    measured = SIDES[asked.side](Series.made(asked.bars), asked.runs)
    told = {"seconds": measured.seconds, "peak_mib": measured.peak_mib}
    asked.file.write_text(json.dumps({**told, "outcome": measured.outcome()}), encoding="utf-8")
