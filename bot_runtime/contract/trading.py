"""What a bot may stake and lose: capital, regimes and risk, as the author of a bot writes them.

Shares are of the equity (0.25 = a quarter) unless said otherwise; money is a decimal string in the
quote asset.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from bot_runtime.contract.base import Model, Time
from bot_runtime.contract.newer_fields import newer
from bot_runtime.contract.rules import Rule, matches

Regime = Literal["BULL_TREND", "RANGE_SIDEWAYS", "BEAR_TREND", "CRISIS_HIGH_VOL"]
REGIMES: Final[tuple[Regime, ...]] = get_args(Regime)


class RuleName(StrEnum):
    """Every rule that a decision, a size or an entry has to pass."""

    RISK_MAX = "RiskMax"
    REGIME = "Regime"
    PROB_MIN = "ProbMin"
    MIN_EXPECTED_RETURN = "MinExpectedReturn"
    KELLY = "Kelly"
    VOLATILITY_TARGET = "VolatilityTarget"
    CVAR = "Cvar"
    MAX_POSITION = "MaxPosition"
    UTILITY = "Utility"
    STOP_DISTANCE = "StopDistance"
    STALE_DATA = "StaleData"
    DAILY_LOSS = "DailyLoss"
    WEEKLY_LOSS = "WeeklyLoss"
    DRAWDOWN = "Drawdown"
    LOSS_STREAK = "LossStreak"
    STOP_COOLDOWN = "StopCooldown"
    EXPOSURE = "Exposure"
    CAPITAL = "Capital"
    MIN_ORDER = "MinOrder"


Money = Annotated[
    str,
    Field(max_length=21),
    matches(
        r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?",
        "is not an amount of money: write digits in quotes, such as '1000' or '0.25', with at most "
        "12 before the point and 8 behind it",
    ),
]
"""Amount in the quote asset; text, so that no digit is lost."""

PositiveMoney = Annotated[
    Money,
    Rule(
        "self.matches('[1-9]')",
        "is nothing: write an amount above 0, such as '1000'",
        lambda text: Decimal(text) > 0,
        quotes=True,
    ),
]


class RegimeSpec(Model):
    """How a regime of the market changes entries; what is open stays as it is."""

    name: Regime = Field(description="Regime, as a signal names it.")
    size: float = Field(
        default=1.0, ge=0, le=1, description="Factor of an entry's size, 0 to 1; 1 leaves it."
    )
    prob_min_add: float = Field(
        default=0.0,
        ge=0,
        le=0.3,
        description="Share that is added to decision.probMin for an entry (0.02 = 2 % more).",
    )
    entries: bool = Field(
        default=True, description="False: nothing is bought in this regime; exits go on."
    )


DEFAULT_REGIMES: tuple[RegimeSpec, ...] = (
    RegimeSpec(name="BULL_TREND"),
    RegimeSpec(name="RANGE_SIDEWAYS", size=0.7, prob_min_add=0.02),
    RegimeSpec(name="BEAR_TREND", size=0.5, prob_min_add=0.03),
    RegimeSpec(name="CRISIS_HIGH_VOL", size=0.0, entries=False),
)
"""What holds for a regime that is not listed."""

Regimes = Annotated[
    tuple[RegimeSpec, ...],
    Field(
        max_length=len(DEFAULT_REGIMES),
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
        },
    ),
    Rule(
        "self.all(r, self.exists_one(s, s.name == r.name))",
        "regimes names one twice: list each regime once",
        lambda regimes: len({regime.name for regime in regimes}) == len(regimes),
    ),
]


class LossStreakSpec(Model):
    """When losses in a row stop entries for a while."""

    trades: int = Field(
        default=4, ge=1, le=1000, description="Closed trades in a row with a net loss that trip it."
    )
    cooldown_candles: int = Field(
        default=12, ge=1, le=100_000, description="Candles without entries after the last of them."
    )


class StopLossSpec(Model):
    """How far below the entry the stop lies."""

    RULES = (
        Rule(
            "!has(self.min) || self.min <= self.max",
            "stopLoss.min is above stopLoss.max: write the nearer bound as min",
            lambda self: self.min <= self.max,
            field=".min",
        ),
    )

    volatilities: float = Field(
        default=2.0,
        gt=0,
        le=100,
        description="Distance in units of the predicted volatility over the horizon.",
    )
    min: float = Field(
        default=0.005, gt=0, le=0.9, description="Least distance, a share of the price."
    )
    max: float = Field(
        default=0.1, gt=0, le=0.9, description="Largest distance, a share of the price."
    )


class TakeProfitSpec(Model):
    """How far above the entry the target lies."""

    volatilities: float = Field(
        gt=0, le=100, description="Distance in units of the predicted volatility over the horizon."
    )


class RiskSpec(Model):
    """How large a position may be, and what stops entries. No limit ever stops an exit."""

    RULES = (
        Rule(
            "!has(self.maxPosition) || self.maxPosition <= self.maxExposure",
            "risk.maxPosition is above risk.maxExposure: no position could reach it; lower it, or "
            "raise maxExposure",
            lambda self: self.max_position <= self.max_exposure,
            field=".maxPosition",
        ),
        Rule(
            "!has(self.dailyLossCap) || self.dailyLossCap <= self.weeklyLossCap",
            "risk.dailyLossCap is above risk.weeklyLossCap: a day would never trip it first; lower "
            "it, or raise weeklyLossCap",
            lambda self: self.daily_loss_cap <= self.weekly_loss_cap,
            field=".dailyLossCap",
        ),
        Rule(
            "!has(self.weeklyLossCap) || self.weeklyLossCap <= self.maxDrawdown",
            "risk.weeklyLossCap is above risk.maxDrawdown: a week would never trip it first; lower "
            "it, or raise maxDrawdown",
            lambda self: self.weekly_loss_cap <= self.max_drawdown,
            field=".weeklyLossCap",
        ),
    )

    kelly_fraction: float = Field(
        default=0.25,
        gt=0,
        le=1,
        description="Share of the growth-optimal (Kelly) size that is taken, above 0 up to 1.",
    )
    max_position: float = Field(
        default=0.25, gt=0, le=1, description="Largest share of the equity in one symbol."
    )
    max_exposure: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description=(
            "Largest share of the equity over all symbols: the root of w'Rw, where R has the "
            "correlations of the last 500 returns, none below 0."
        ),
    )
    position_volatility: float = Field(
        default=0.005,
        gt=0,
        le=1,
        description=(
            "Volatility that one position may bring to the equity over the horizon (0.005 = "
            "0.5 %): the size is at most this by the predicted volatility."
        ),
    )
    cvar_max: float = Field(
        default=0.01,
        gt=0,
        le=1,
        description="Largest expected loss in the worst tenth of outcomes, a share of the equity.",
    )
    daily_loss_cap: float = Field(
        default=0.03,
        gt=0,
        le=1,
        description=(
            "Fall from the equity at 00:00 UTC that stops entries until the next (0.03 = 3 %)."
        ),
    )
    weekly_loss_cap: float = Field(
        default=0.08,
        gt=0,
        le=1,
        description=(
            "Fall from the equity at Monday 00:00 UTC that stops entries until the next "
            "(0.08 = 8 %)."
        ),
    )
    max_drawdown: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description=(
            "Fall from the highest equity that stops entries until resumeAfter (0.15 = 15 %)."
        ),
    )
    loss_streak: LossStreakSpec = Field(
        default_factory=LossStreakSpec, description="When losses in a row stop entries."
    )
    stop_cooldown_candles: int = Field(
        default=2,
        ge=0,
        le=100_000,
        description="Candles without an entry in a symbol after its stop was hit.",
    )
    stop_loss: StopLossSpec = Field(
        default_factory=StopLossSpec, description="How far below the entry the stop lies."
    )
    take_profit: TakeProfitSpec | None = Field(
        default=None, description="How far above the entry the target lies; unset: there is none."
    )
    max_holding_candles: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="Candles after which a position is sold; unset: model.horizonSteps.",
    )
    resume_after: Time | None = Field(
        default=None,
        description="Drawdowns that tripped before this time are forgiven from it on.",
    )


DEFAULT_CAPITAL: Final = "10000"
Capital = Annotated[
    PositiveMoney, Field(description="Amount in the quote asset that the bot may use.")
]
OwnRegimes = Annotated[
    Regimes, Field(description="Regimes that differ from the default table, each by its name.")
]
Risk = Annotated[RiskSpec, Field(description="Sizes of positions and limits of losses.")]


class TradingSettings(Model):
    """What the core of trading reads beside `decision`: one bot's capital, regimes and risk."""

    capital: Capital = newer(DEFAULT_CAPITAL)
    regimes: OwnRegimes = newer(())
    risk: Risk = newer(RiskSpec())

    @property
    def regime_table(self) -> tuple[RegimeSpec, ...]:
        """Return what holds in every regime, in the order of REGIMES."""
        own = {regime.name: regime for regime in self.regimes}
        return tuple(own.get(regime.name, regime) for regime in DEFAULT_REGIMES)
