"""What the three models of a version say, of one row and of many."""

from dataclasses import dataclass

from bot_runtime.arrays import Values


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the three models say at one closed candle.

    Returns are simple returns over the horizon (0.01 = 1 %), p10 <= p50 <= p90; `risk_score` is
    the share of training-window rows with a lower predicted risk.
    """

    prob_up: float
    p10: float
    p50: float
    p90: float
    risk_score: float


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions of many rows, every column (n,); `volatility` is one candle's, predicted."""

    prob_up: Values
    p10: Values
    p50: Values
    p90: Values
    risk_score: Values
    volatility: Values

    def __len__(self) -> int:
        return len(self.prob_up)

    def __getitem__(self, row: int) -> Prediction:
        columns = (self.prob_up, self.p10, self.p50, self.p90, self.risk_score)
        return Prediction(*(float(column[row]) for column in columns))
