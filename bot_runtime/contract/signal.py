"""The signal contract: what an inference run decides, in full and shortened for a status."""

import re
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot_runtime.contract.base import Time
from bot_runtime.contract.trading import RuleName

CONTRACT_VERSION = 1
SUPPORTED_CONTRACT_VERSIONS = (1,)
"""Versions that this release reads: N and N-1 once there is an N-1."""

SIGNAL_VERSION: Final = 2
"""Version of signal.json, which has a life of its own: 2 has `volatility` and `rules`."""

SHORT_SIGNAL_MAX_BYTES = 350
REASON_MAX: Final = 160
_CUT = "…"
_FIRST_WORD: Final = re.compile(r"([A-Za-z]+)(?:[\s:,;]|\Z)")

Decision = Literal["LONG", "SHORT", "NO_TRADE"]


class DecisionReason(StrEnum):
    """Why a decision was taken."""

    LONG_SIGNAL = "LongSignal"
    SHORT_SIGNAL = "ShortSignal"
    RISK_ABOVE_MAX = "RiskAboveMax"
    PROB_BELOW_MIN = "ProbBelowMin"
    RETURN_BELOW_MIN = "ReturnBelowMin"
    REGIME_REFUSES = "RegimeRefuses"
    VOLATILITY_TARGET = "VolatilityTarget"
    FEED_STALE = "FeedStale"
    FEED_GAP = "FeedGap"
    FEED_SKEW = "FeedSkew"
    EXCHANGE_UNAVAILABLE = "ExchangeUnavailable"


FEED_REASONS = frozenset(
    {
        DecisionReason.FEED_STALE,
        DecisionReason.FEED_GAP,
        DecisionReason.FEED_SKEW,
        DecisionReason.EXCHANGE_UNAVAILABLE,
    }
)
"""Reasons that speak of the exchange's candles, not of the models: they degrade the bot."""

_REASONS: Final = {reason.value: reason for reason in DecisionReason}


def reason_text(reason: DecisionReason, found: str) -> str:
    """Return a signal's `reason`: the word, then the numbers; at most 160 characters."""
    return f"{reason}: {found}"[:REASON_MAX]


def signal_in(text: str) -> str:
    """Return the signal's reason that a decision's text begins with, before what was ordered.

    >>> signal_in("LongSignal: probability 0.612. An entry of 0.01058 at the next open.")
    'LongSignal: probability 0.612'
    """
    return text.partition(". ")[0]


def reason_in(text: str) -> DecisionReason | None:
    """Return the reason that a signal's text begins with.

    A message has no room to say it twice, and older files have the text alone. None where the first
    word is one of a later release, or is cut off: such a text is for people.

    >>> reason_in("FeedStale: no candle in the window, expected 2026-01-02T03:05:00Z")
    <DecisionReason.FEED_STALE: 'FeedStale'>
    """
    word = _FIRST_WORD.match(text)
    return _REASONS.get(word[1]) if word else None


def _reason_of_older(fields: dict[str, Any]) -> DecisionReason | None:
    return reason_in(fields.get("reason", ""))


class SignalModel(BaseModel):
    """Base of the signal's parts: the contract's own snake_case names, frozen, closed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SignalVersion(SignalModel):
    """Provenance of a signal: content, never a name that moves such as `latest`."""

    model_version: str = Field(max_length=80, pattern="^[a-z0-9][a-z0-9-]*-[0-9a-f]{8}$")
    git_commit: str = Field(max_length=64)


class Calibration(SignalModel):
    """How the probability and the quantiles were calibrated, on how many rows."""

    method: str
    n: int = Field(ge=0)
    live_coverage: float | None = Field(default=None, ge=0, le=1)


class Drift(SignalModel):
    """How the newest rows that were decided on differ from those the version was judged on.

    Each figure stands before its limit; `calibration` is None where too few outcomes are known, and
    `features` are those that have moved farthest.
    """

    rows: int = Field(ge=0)
    feature_psi: float = Field(ge=0)
    feature_limit: float = Field(gt=0)
    prediction_psi: float = Field(ge=0)
    prediction_limit: float = Field(gt=0)
    calibration: float | None = Field(default=None, ge=0)
    calibration_limit: float = Field(gt=0)
    features: tuple[str, ...] = ()

    @property
    def found(self) -> str | None:
        """What is farthest beyond its limit, with both figures; None where nothing is."""
        figures = (
            ("features", self.feature_psi, self.feature_limit),
            ("predictions", self.prediction_psi, self.prediction_limit),
            ("calibration", self.calibration, self.calibration_limit),
        )
        beyond = [
            (value / limit, f"{name} {value:.3g} > {limit:.3g}")
            for name, value, limit in figures
            if value is not None and value > limit
        ]
        return max(beyond)[1] if beyond else None


class SignalRule(SignalModel):
    """One rule of the decision: `value` was found, `threshold` asked for."""

    rule: RuleName
    value: float
    threshold: float
    passed: bool


class Signal(SignalModel):
    """One symbol's decision: `signal.json`.

    Returns are simple returns over the horizon (0.01 = 1 %); times are RFC 3339 in UTC.
    Predictions are None where the feed could not be trusted: nothing was predicted then.
    Numbers are those that the decision was made by, to the last bit: the container that trades
    computes the same view of them. `p10` and `p90` are the band as it has adapted by then.
    `volatility` is one candle's, predicted; `position_size` the share of the equity that a LONG
    asks for; `rules` all that was asked of the decision and of that share. A file of version 1
    lacks `volatility` and `rules`.
    `decision_reason` is the word that `reason` begins with; a file of an older image lacks it.
    """

    contract_version: Literal[1, 2] = SIGNAL_VERSION
    ts: str
    symbol: str
    timeframe: str
    horizon_steps: int
    bar_close_ts: str | None
    decision: Decision
    reason: str = Field(max_length=REASON_MAX)
    decision_reason: DecisionReason | None = Field(default_factory=_reason_of_older)
    prob_up: float | None = Field(default=None, ge=0, le=1)
    expected_return: float | None = None
    p10: float | None = None
    p50: float | None = None
    p90: float | None = None
    risk_score: float | None = Field(default=None, ge=0, le=1)
    volatility: float | None = Field(default=None, ge=0)
    risk_allowed: bool = False
    confidence: float = Field(default=0.0, ge=0, le=1)
    regime: str = "UNKNOWN"
    position_size: float = Field(default=0.0, ge=0, le=1)
    rules: tuple[SignalRule, ...] = ()
    bars_missing: int = Field(default=0, ge=0)
    clock_skew_ms: int = 0
    calibration: Calibration
    drift: Drift | None = None
    run_digest: str = Field(max_length=64)
    version: SignalVersion

    def shortened(self) -> "ShortSignal":
        """Return the part that fits a status: at most 350 bytes as JSON, its reason cut to fit."""
        short = ShortSignal(
            ts=self.ts,
            symbol=self.symbol,
            bar_close_ts=self.bar_close_ts,
            decision=self.decision,
            reason=self.reason,
            prob_up=_short(self.prob_up),
            expected_return=_short(self.expected_return),
            risk_score=_short(self.risk_score),
            confidence=_short(self.confidence),
            drift=self.drift.found if self.drift else None,
        )
        excess = len(short.model_dump_json(exclude_none=True).encode()) - SHORT_SIGNAL_MAX_BYTES
        if excess <= 0:
            return short
        kept = self.reason.encode()[: -excess - len(_CUT.encode())].decode(errors="ignore")
        return short.model_copy(update={"reason": kept.rstrip() + _CUT})


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.6g}"


class ShortSignal(SignalModel):
    """A signal as it travels in the termination message; numbers are strings of 6 digits."""

    symbol: str = Field(max_length=41, description="Market that the decision is about.")
    decision: Decision = Field(description="What was decided: LONG, SHORT or NO_TRADE.")
    reason: str = Field(
        max_length=REASON_MAX, description="Why: a word of a closed list, then numbers."
    )
    ts: Time = Field(description="When the decision was taken.")
    bar_close_ts: str | None = Field(
        default=None, max_length=32, description="Close of the newest candle it was decided on."
    )
    prob_up: str | None = Field(
        default=None, max_length=16, description="Probability of a rise over the horizon, 0 to 1."
    )
    expected_return: str | None = Field(
        default=None,
        max_length=16,
        description="Median of the simple return over the horizon (0.01 = 1 %).",
    )
    risk_score: str | None = Field(
        default=None,
        max_length=16,
        description="Share of the training rows that were calmer, 0 to 1.",
    )
    confidence: str | None = Field(
        default=None, max_length=16, description="Confidence in the decision, 0 to 1."
    )
    drift: str | None = Field(
        default=None,
        max_length=40,
        description=(
            "How the market differs from the one that the version was judged on: features, "
            "predictions or calibration, figure > limit; unset where it does not."
        ),
    )

    @property
    def decision_reason(self) -> DecisionReason | None:
        """The reason in its text; None where that begins with a word of a later release."""
        return reason_in(self.reason)
