"""The adaptive band at inference: its state beside the version in the store, one file a symbol.

    versions/<version>/bands/<symbol>.json

Every run settles the bands whose horizon has ended, by the candles that it has fetched anyway, and
leaves its own to be settled. A band that no later run sees the end of is forgotten.
"""

from collections.abc import Sequence
from typing import Final

from pydantic import Field, ValidationError

from bot_runtime.contract.base import Model
from bot_runtime.contract.signal import Signal
from bot_runtime.market.candles import Candles
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.adaptive_band import AdaptiveBand
from bot_runtime.serving.outcomes import settle
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store

LIVE_ROWS: Final = 500
"""Newest outcomes that the live coverage is counted over."""
LEAST_LIVE_ROWS: Final = 50
"""Fewest outcomes that make a coverage."""


class ToldBand(Model):
    """A band that was told and whose horizon has not ended: simple returns from `close`."""

    bar_close_ms: int
    close: float = Field(gt=0)
    p10: float
    p90: float


class BandState(Model):
    """What is known of one symbol's band.

    Attributes:
        lower: what p10 has moved down, in units of the volatility over the horizon; `upper`: p90
            likewise, up.
        hits: newest outcome last, 1 within its band, 0 outside.
        told: bands to settle, oldest first.
    """

    lower: float = 0.0
    upper: float = 0.0
    hits: str = Field(default="", pattern="^[01]*$", max_length=LIVE_ROWS)
    told: tuple[ToldBand, ...] = ()

    @property
    def live_coverage(self) -> float | None:
        """Share of the newest outcomes within their bands; None before there are enough."""
        if len(self.hits) < LEAST_LIVE_ROWS:
            return None
        return self.hits.count("1") / len(self.hits)


def load_band(store: Store, version: str, symbol: str, reporter: Reporter) -> BandState:
    """Return the symbol's state; one that is not there or cannot be read begins anew."""
    path = store.band(version, symbol)
    if not path.is_file():
        return BandState()
    try:
        return BandState.model_validate(load_json(path))
    except (ArtifactInvalidError, ValidationError):
        reporter.warn(f"{path.parent.name}/{path.name}: is no state of a band; it begins anew")
        return BandState()


def save_band(store: Store, version: str, symbol: str, state: BandState) -> None:
    """Write the symbol's state, atomically; raises StoreUnavailableError."""
    save_json(store.band(version, symbol), state.to_json())


def settle_band(state: BandState, candles: Candles, horizon_steps: int) -> BandState:
    """Return the state after every outcome that the candles show."""
    band, hits = AdaptiveBand(state.lower, state.upper), state.hits
    ended, waiting = settle(state.told, candles, horizon_steps)
    for told, closes in ended:
        outcome = float(closes[-1]) / told.close - 1.0
        band.learn(told.p10, told.p90, outcome)
        hits += "1" if told.p10 <= outcome <= told.p90 else "0"
    return BandState(lower=band.lower, upper=band.upper, hits=hits[-LIVE_ROWS:], told=waiting)


def follow(
    state: BandState, signal: Signal, candles: Candles, unit: float
) -> tuple[Signal, BandState]:
    """Return the signal with the band as it has adapted, and the state that knows of it.

    `unit` is the volatility over the horizon at the signal's candle. A repeated run on the same
    candle tells the same band and is counted once.
    """
    state = settle_band(state, candles, signal.horizon_steps)
    if signal.p10 is None or signal.p50 is None or signal.p90 is None:
        return signal, state
    p10, p90 = AdaptiveBand(state.lower, state.upper).adjust(
        signal.p10, signal.p50, signal.p90, unit
    )
    told = ToldBand(
        bar_close_ms=int(candles.close_time_ms[-1]),
        close=float(candles.close[-1]),
        p10=p10,
        p90=p90,
    )
    calibration = signal.calibration.model_copy(update={"live_coverage": state.live_coverage})
    adapted = signal.model_copy(update={"p10": p10, "p90": p90, "calibration": calibration})
    return adapted, state.model_copy(update={"told": _with(state.told, told)})


def _with(waiting: Sequence[ToldBand], told: ToldBand) -> tuple[ToldBand, ...]:
    others = (band for band in waiting if band.bar_close_ms != told.bar_close_ms)
    return (*others, told)
