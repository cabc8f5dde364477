"""What an account has earned, and at which risk: the figures of the gate and of a backtest."""

from dataclasses import dataclass, fields

import numpy as np

from bot_runtime.scoring.overfitting import deflated_sharpe
from bot_runtime.scoring.ratios import (
    YEAR_MS,
    annual_return,
    annual_sharpe,
    annual_sortino,
    calmar,
    drawdowns,
)
from bot_runtime.trading.account import Account


@dataclass(frozen=True, slots=True)
class Performance:
    """The figures of one account; shares are of the equity or the capital (0.01 = 1 %).

    Attributes:
        net_return: of the whole time, after costs; `annual_return`: compound, of a year.
        sharpe, sortino, calmar: of a year.
        drawdown: deepest fall of the equity from its highest.
        turnover: what was bought and sold in a year, by the mean equity.
        exposure: mean share of the equity in positions.
        fees: all of them, a share of the capital.
        trades: closed positions; `won`: the share of them with a profit, NaN where there are none.
        deflated_sharpe: probability that skill is in it, given how many variants were tried.
    """

    net_return: float
    annual_return: float
    sharpe: float
    sortino: float
    calmar: float
    drawdown: float
    turnover: float
    exposure: float
    fees: float
    trades: int
    won: float
    deflated_sharpe: float

    def to_text(self) -> dict[str, str]:
        """Return the numbers as the store has them: six significant digits."""
        return {f.name: f"{getattr(self, f.name):.6g}" for f in fields(self)}


def performance_of(account: Account, trials: int = 1) -> Performance:
    """Return the figures of an account; `trials` is how many variants it was chosen from."""
    capital, equity, net = account.capital, account.equity, account.net
    years = len(equity) * account.interval_ms / YEAR_MS
    profit = account.trades["profit"]
    return Performance(
        net_return=float(equity[-1]) / capital - 1.0,
        annual_return=annual_return(capital, equity, account.interval_ms),
        sharpe=annual_sharpe(net, account.interval_ms),
        sortino=annual_sortino(net, account.interval_ms),
        calmar=calmar(capital, equity, account.interval_ms),
        drawdown=float(drawdowns(capital, equity).max()),
        turnover=float(account.traded.sum() / np.mean(equity)) / years,
        exposure=float(np.mean(account.invested)),
        fees=float(account.fills["fee"].sum()) / 1e8 / capital,
        trades=len(profit),
        won=float(np.mean(profit > 0.0)) if len(profit) else float("nan"),
        deflated_sharpe=deflated_sharpe(net, trials),
    )
