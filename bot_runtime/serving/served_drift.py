"""Drift at inference: references and states beside the version in the store, one of each a symbol.

    versions/<version>/references/<symbol>.json    written once, by the evaluation
    versions/<version>/drift/<symbol>.json         what inference has seen since

Every run counts its row, settles the probabilities whose horizon has ended by the candles that it
has fetched anyway, and says in the signal what the newest window of rows looks like.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from pydantic import Field, ValidationError

from bot_runtime.arrays import Values
from bot_runtime.contract.base import Model
from bot_runtime.contract.signal import Signal
from bot_runtime.market.candles import Candles
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.drift import Block, Reference, add_outcome, add_row, bin_rows, judge_drift
from bot_runtime.serving.outcomes import rises, settle
from bot_runtime.store.files import load_json, save_bytes
from bot_runtime.store.layout import Store

TOLD_MAX: Final = 300
"""More than the longest horizon has candles."""


class ToldProbability(Model):
    """A probability whose horizon has not ended.

    Attributes:
        barrier: distance from `close`, as a share of it, that decides the trend when a close
            reaches it; None where the sign at the horizon's end does.
    """

    bar_close_ms: int
    close: float = Field(gt=0)
    prob_up: float = Field(ge=0, le=1)
    barrier: float | None = None


class DriftState(Model):
    """What inference has seen of one symbol; `counted_ms` is the close of the newest row."""

    counted_ms: int = 0
    blocks: tuple[Block, ...] = ()
    told: tuple[ToldProbability, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What a run has seen: candles, and the features of the newest one where it was decided on.

    Attributes:
        features: (F,), None where the feed was not trusted.
        barrier: as in ToldProbability.
    """

    candles: Candles
    features: Values | None
    barrier: float | None


def watch(store: Store, signal: Signal, row: Row | None, reporter: Reporter) -> Signal:
    """Return the signal with its drift, and save what is known now.

    `signal` has the version's own band. Where the version has no reference of the symbol nothing is
    watched. A repeated run on the same candle counts once. Raises StoreUnavailableError.
    """
    version, symbol = signal.version.model_version, signal.symbol
    reference = _load(Reference, store.reference(version, symbol), "it is not watched", reporter)
    if reference is None:
        return signal
    path = store.drift(version, symbol)
    state = _load(DriftState, path, "it begins anew", reporter) or DriftState()
    if row is not None:
        state = see(settle_drift(state, row.candles, signal.horizon_steps), reference, signal, row)
        save_bytes(path, f"{state.model_dump_json(by_alias=True)}\n".encode())
    drift = judge_drift(reference, state.blocks, signal.horizon_steps)
    return signal.model_copy(update={"drift": drift})


def see(state: DriftState, reference: Reference, signal: Signal, row: Row) -> DriftState:
    """Return the state that has counted the row and waits for its outcome."""
    newest = int(row.candles.close_time_ms[-1])
    predicted = (signal.prob_up, signal.p50, signal.p10, signal.p90, signal.risk_score)
    if row.features is None or newest <= state.counted_ms or None in predicted:
        return state
    prob_up, p50, p10, p90, risk = np.array(predicted, dtype=np.float64)
    values = np.array([*row.features, prob_up, p50, p90 - p10, risk])
    bins = bin_rows([column.edges for column in reference.columns], values[None])[0]
    told = ToldProbability(
        bar_close_ms=newest,
        close=float(row.candles.close[-1]),
        prob_up=float(prob_up),
        barrier=row.barrier,
    )
    return DriftState(
        counted_ms=newest,
        blocks=add_row(state.blocks, bins, reference.block_rows),
        told=(*state.told, told)[-TOLD_MAX:],
    )


def settle_drift(state: DriftState, candles: Candles, horizon_steps: int) -> DriftState:
    """Return the state after every outcome that the candles show; what they miss is forgotten."""
    blocks = state.blocks
    ended, waiting = settle(state.told, candles, horizon_steps)
    for told, closes in ended:
        if len(closes) == horizon_steps and blocks:
            blocks = add_outcome(blocks, told.prob_up, rose=_rose(told, closes))
    return state.model_copy(update={"blocks": blocks, "told": waiting})


def _rose(told: ToldProbability, closes: Values) -> bool:
    barrier = math.inf if told.barrier is None else told.barrier
    return bool(rises(np.array([[told.close, *closes]]), np.array([barrier]))[0])


_M = TypeVar("_M", Reference, DriftState)


def _load(kind: type[_M], path: Path, otherwise: str, reporter: Reporter) -> _M | None:
    if not path.is_file():
        return None
    try:
        return kind.model_validate(load_json(path))
    except (ArtifactInvalidError, ValidationError):
        place = f"{path.parent.name}/{path.name}"
        reporter.warn(f"{place}: found no {kind.__name__}; drift: {otherwise}")
        return None
