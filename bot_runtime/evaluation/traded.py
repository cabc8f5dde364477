"""What trading on a version's predictions would have come to on unseen candles."""

from dataclasses import dataclass

from bot_runtime.arrays import Rows
from bot_runtime.evaluation.frontier import Frontier, find_frontier
from bot_runtime.evaluation.gate import CONSTANT_SHARE, STAYING_OUT, Duel
from bot_runtime.evaluation.judge import trading_duel
from bot_runtime.evaluation.tracks import constant_share, tracks_of
from bot_runtime.evaluation.tradable_share import TradingRecord, decisions_of, record_of
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Account, follow
from bot_runtime.trading.performance import Performance, performance_of
from bot_runtime.trading.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Traded:
    """Decisions, the account that follows them, and whether other thresholds would earn more.

    Attributes:
        duel: the account against one that would have cost no thought: staying out, and under the
            policy VolatilityManaged a constant share.
    """

    record: TradingRecord
    account: Account
    performance: Performance
    duel: Duel
    frontier: Frontier


def trade_on(
    told: Predictions, data: TrainingData, rows: Rows, strategy: Strategy, trials: int
) -> Traded:
    """Return what trading on predictions at `rows`, sorted by time, would have come to.

    `trials` is how many variants the version was chosen from.
    """
    tracks = tracks_of(told, data, rows, strategy)
    account = follow(tracks, strategy)
    its, against = None, STAYING_OUT
    if strategy.is_managed:
        its, against = constant_share(account, tracks, strategy), CONSTANT_SHARE
    decided = decisions_of(told, data, rows, strategy)
    return Traded(
        record=record_of(decided, data.labels.simple_return[rows], strategy.decision),
        account=account,
        performance=performance_of(account, trials),
        duel=trading_duel(account, its, against, strategy.horizon_steps),
        frontier=find_frontier(told, data, rows, strategy),
    )
