"""The rules of `backtest` as a strategy of backtesting.py, as its documentation writes one.

backtesting.py is under the AGPL: it is in no lock and no image. `installed` puts it apart, pinned,
for this benchmark alone; nothing else imports this module.
"""

import pandas as pd
from backtesting import Backtest, Strategy

from benchmarks.backtest_rules import (
    CAPITAL,
    FEE,
    HOLDING,
    PROBABILITY,
    UNIT,
    Outcome,
    Series,
    Traded,
    size_of,
    stop_of,
    target_of,
)


def test_of(series: Series) -> Backtest:
    """Return the backtest of a series: prices in ticks, sizes in lots, cash in UNIT."""

    class Rules(Strategy):  # type: ignore[misc]  # it ships no types
        def init(self) -> None:
            self.probability = self.I(lambda: series.probability, name="probability")

        def next(self) -> None:
            if self.position:
                (trade,) = self.trades
                if len(self.data) - trade.entry_bar >= HOLDING:
                    trade.close()
            elif self.probability[-1] >= PROBABILITY:
                close = self.data.Close[-1]
                self.buy(size=size_of(self.equity, close), sl=stop_of(close), tp=target_of(close))

    columns = {"Open": series.open, "High": series.high, "Low": series.low, "Close": series.close}
    frame = pd.DataFrame(columns, index=pd.to_datetime(series.times, unit="ms"))
    return Backtest(frame, Rules, cash=CAPITAL / UNIT, commission=FEE)


def outcome_of(found: pd.Series) -> Outcome:
    """Return what `Backtest.run` has found."""
    trades = found["_trades"]
    names = ("EntryBar", "ExitBar", "Size", "EntryPrice", "ExitPrice")
    columns = [trades[name].tolist() for name in names]
    return Outcome(
        [Traded(*trade) for trade in zip(*columns, strict=True)], found["Equity Final [$]"] * UNIT
    )
