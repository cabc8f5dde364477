"""What a study tries: timeframes that the candles allow, times horizons; both policies decide."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, get_args

from bot_runtime.backtest.walk_forward import Fold, folds_of
from bot_runtime.contract.intervals import DAY_MS, Timeframe, seconds_of
from bot_runtime.contract.spec import ModelSpec, Policy
from bot_runtime.contract.trading import TradingSettings
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.market.candles import Candles
from bot_runtime.market.coarser_candles import coarsen
from bot_runtime.market.filters import Filters
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.store.layout import file_stem
from bot_runtime.store.trials import Trial
from bot_runtime.trading.strategy import Strategy

HORIZONS: Final = (1, 4, 12)
"""Candles ahead, beside the bot's own."""
COARSER: Final[tuple[Timeframe, ...]] = ("15m", "1h", "4h")
"""Timeframes beside the bot's own and those that the store has, where they are coarser."""
QUICK: Final = "GradientBoosting"
"""The one candidate that is fitted, where the bot has it: a network would take days."""
Stored = Mapping[Timeframe, Mapping[str, Candles]]


@dataclass(frozen=True, slots=True)
class StudyAsked:
    """A bot whose settings are tried; `filters` are of the symbols where they are known."""

    spec: TradingBotSpec
    settings: TradingSettings
    filters: Mapping[str, Filters] = field(default_factory=dict)

    @property
    def model(self) -> ModelSpec:
        """Return the bot's model with the candidates that are fitted."""
        model = self.spec.model
        if QUICK not in model.candidates:
            return model
        return model.model_copy(update={"candidates": (QUICK,)})


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One timeframe and horizon: what is fitted, fold by fold."""

    timeframe: Timeframe
    model: ModelSpec
    candles: Mapping[str, Candles] = field(repr=False)
    folds: tuple[Fold, ...] = field(repr=False)

    def __str__(self) -> str:
        return f"{self.timeframe}, horizonSteps {self.model.horizon_steps}"

    def strategy(self, policy: Policy, asked: StudyAsked) -> Strategy:
        """Return the bot's strategy with another policy, on this timeframe and horizon."""
        decision = asked.spec.decision.model_copy(update={"policy": policy})
        return Strategy.of(decision, self.model, self.timeframe, asked.settings)

    def trial(self, policy: Policy, asked: StudyAsked) -> Trial:
        """Return what counts as tried: the setting, whatever the candles are."""
        spec = asked.spec
        return Trial.of(
            self.timeframe,
            self.model.horizon_steps,
            policy,
            {
                "exchange": [spec.exchange.id, spec.exchange.endpoint],
                "symbols": list(spec.symbols),
                "lookback": spec.training.lookback,
                "model": self.model.to_json(),
                "decision": spec.decision.model_copy(update={"policy": policy}).to_json(),
                "settings": asked.settings.to_json(),
            },
        )


def plan_lessons(asked: StudyAsked, stored: Stored) -> tuple[Lesson, ...]:
    """Return everything that is fitted, by timeframe and horizon.

    Raises DataUnusableError where no timeframe has the candles of one fold.
    """
    model, lookback_ms = asked.model, seconds_of(asked.spec.training.lookback) * 1000
    horizons = sorted({*HORIZONS, model.horizon_steps})
    lessons = []
    for timeframe, candles in _series(asked.spec.timeframe, stored).items():
        folds = folds_of(candles, lookback_ms)
        for steps in horizons if folds else ():
            own = model.model_copy(update={"horizon_steps": steps})
            lessons.append(Lesson(timeframe, own, candles, folds))
    if not lessons:
        raise DataUnusableError(_too_few(asked, stored))
    return tuple(lessons)


def _series(own: Timeframe, stored: Stored) -> dict[Timeframe, Mapping[str, Candles]]:
    """Return the candles of every timeframe that is tried, the finest first.

    What the store does not have is made of the next finer candles that fit into it.
    """
    coarser = {t for t in COARSER if seconds_of(t) > seconds_of(own)}
    found = {}
    for timeframe in get_args(Timeframe):
        if timeframe in stored:
            found[timeframe] = stored[timeframe]
        elif timeframe in {own, *coarser}:
            length = seconds_of(timeframe)
            fitting = [t for t in stored if length % seconds_of(t) == 0 and t != timeframe]
            if fitting:
                finer = stored[max(fitting, key=seconds_of)]
                made = {symbol: coarsen(part, length * 1000) for symbol, part in finer.items()}
                if all(len(part) for part in made.values()):
                    found[timeframe] = made
    return found


def _too_few(asked: StudyAsked, stored: Stored) -> str:
    spec = asked.spec
    if not stored:
        return (
            f"the store has no timeframe with candles of {' and '.join(spec.symbols)} from "
            f"{spec.exchange.id}; run `python -m bot_runtime run` first, or put files into its "
            f"folder candles/, named like {file_stem(spec.symbols[0])}-{spec.timeframe}.csv"
        )
    longest = max(
        (min(part.interval_ms * len(part) for part in candles.values()), timeframe)
        for timeframe, candles in stored.items()
    )
    return (
        f"too few candles for one fold: the most are {longest[0] / DAY_MS:.3g} days, of "
        f"{longest[1]}, and a fold learns from four fifths of training.lookback, "
        f"{spec.training.lookback}, before it decides; put more into the store's folder candles/, "
        "or write a shorter lookback"
    )
