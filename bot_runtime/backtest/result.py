"""What a backtest found: the account, what holding the assets would have earned, and the notes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot_runtime.arrays import Values
from bot_runtime.scoring.ratios import annual_sharpe, drawdowns, returns_of
from bot_runtime.trading.account import Account, Track
from bot_runtime.trading.performance import Performance
from bot_runtime.trading.strategy import Strategy

Report = Callable[[str, float], None]
"""Is told what is done at the moment, and which share of it is."""


@dataclass(frozen=True, slots=True)
class Span:
    """Candles that one version decided on: from the close of the first to that of the last."""

    version: str
    begin_ms: int
    end_ms: int
    candles: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """One month, or one regime: what the account and the assets earned in it.

    Attributes:
        net, held: return of the account and of holding, a share (0.01 = 1 %).
        drawdown: deepest fall of the account within it.
        trades: positions that were closed in it, or entered in the regime.
    """

    name: str
    candles: int
    net: float
    held: float
    drawdown: float
    trades: int


@dataclass(frozen=True, slots=True)
class Shifted:
    """The account whose signals came `candles` later than they did; earlier where negative."""

    candles: int
    net_return: float
    sharpe: float


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """Everything that a report of a backtest tells.

    Attributes:
        held: equity of buying all symbols in equal parts at the first close, at one side's costs,
            and holding them, (n,), in the quote asset.
        shifted: the same signals one candle late and one candle early.
        notes: what the reader has to know: candles that are left out, what was assumed.
    """

    bot: str
    strategy: Strategy
    tracks: Mapping[str, Track]
    account: Account
    performance: Performance
    held: Values
    spans: tuple[Span, ...]
    months: tuple[Stretch, ...]
    regimes: tuple[Stretch, ...]
    shifted: tuple[Shifted, ...]
    notes: tuple[str, ...]

    @property
    def held_net(self) -> Values:
        """Return what each candle earned by holding, a share of the equity before it, (n,)."""
        return returns_of(self.account.capital, self.held)

    @property
    def held_performance(self) -> tuple[float, float, float]:
        """Return the return, the annual Sharpe ratio and the drawdown of holding."""
        return performance_of_holding(self.account, self.held)


def performance_of_holding(account: Account, held: Values) -> tuple[float, float, float]:
    """Return the return, the annual Sharpe ratio and the drawdown of the equity `held` (n,)."""
    return (
        float(held[-1]) / account.capital - 1.0,
        annual_sharpe(returns_of(account.capital, held), account.interval_ms),
        float(drawdowns(account.capital, held).max()),
    )
