"""The policy VolatilityManaged: hold the asset with a share that follows its predicted volatility.

wanted  = min(maxPosition, positionVolatility / predicted volatility over the horizon),
          0 where risk_score > riskMax
held    = wanted, changed only where it has moved by more than BAND of maxPosition, or to 0

Moreira and Muir, Volatility-Managed Portfolios (2017); Harvey et al., The Impact of Volatility
Targeting (2018). It buys a smaller fall, not more return.

What is held is a function of the candles, not of which runs happened: chains of held shares begin
at every candle whose number is a multiple of CHAIN, and a candle takes the chain that began before
the last such one. So whoever sees MEMORY candles before a candle sees its share, and chains that
begin apart soon agree: a move beyond the band sets both.
"""

from typing import Final

import numpy as np

from bot_runtime.arrays import Counts, Values
from bot_runtime.contract.trading import RuleName
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.rule_results import RuleColumn, column
from bot_runtime.trading.strategy import CHAIN, Strategy

BAND: Final = 0.2
"""Share of maxPosition by which the wanted share has to move before what is held does."""


def wanted_shares(
    predictions: Predictions, strategy: Strategy
) -> tuple[tuple[RuleColumn, ...], tuple[RuleColumn, ...], Values]:
    """Return the rule of the risk, the bounds of the share, and the wanted share (n,)."""
    risk, most = strategy.risk, strategy.decision.risk_max
    passed = predictions.risk_score <= most
    with np.errstate(divide="ignore"):
        target = risk.position_volatility / strategy.over_horizon(predictions.volatility)
    bounds = tuple(
        column(rule, share, 0.0, share > 0.0)
        for rule, share in (
            (RuleName.VOLATILITY_TARGET, np.minimum(target, 1.0)),
            (RuleName.MAX_POSITION, np.full(len(target), risk.max_position)),
        )
    )
    wanted = np.where(passed, np.minimum(target, risk.max_position), 0.0)
    return (column(RuleName.RISK_MAX, predictions.risk_score, most, passed),), bounds, wanted


def held_shares(wanted: Values, candle: Counts, band: float) -> Values:
    """Return the share (n,) to hold at each row, changed only where it moved by more than `band`.

    `candle` (n,) numbers the rows' candles, rising; candles may be missing. Rows before the second
    multiple of CHAIN take the chain that begins at the first row.
    """
    held = np.empty(len(wanted))
    older = newer = 0.0
    number = None
    for row, (share, chain) in enumerate(
        zip(wanted.tolist(), (candle // CHAIN).tolist(), strict=True)
    ):
        if chain != number:
            # A chain that no candle began is as good as one that begins here.
            older = newer if number is not None and chain == number + 1 else share
            newer, number = share, chain
        older, newer = _moved(older, share, band), _moved(newer, share, band)
        held[row] = older
    return held


def _moved(held: float, wanted: float, band: float) -> float:
    return wanted if abs(wanted - held) > band or wanted == 0.0 else held
