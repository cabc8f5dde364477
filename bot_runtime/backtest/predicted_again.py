"""A journal's predictions computed again from candles, by the versions that made them.

Both agree within the tolerances that a version is published with. The band of p10 and p90 adapts to
outcomes: it can be followed from a version's first decision on, and as long as the journal has all
decisions that the inference has taken.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from bot_runtime.backtest.prediction_differences import (
    decided_otherwise,
    find_differences,
    followed_until,
    places_of,
    with_band_of,
    with_history,
)
from bot_runtime.backtest.replay import Settled, Stretch, predictions_of, settled_in, stretches
from bot_runtime.backtest.told import Told, adapted, say
from bot_runtime.journal.entries import DecisionRow
from bot_runtime.journal.reading import Reader
from bot_runtime.market.candles import Candles, merge, utc
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.process.threads import cpu_count
from bot_runtime.serving.predictions import Predictions
from bot_runtime.serving.version import ServedVersion, check_inputs, load_version
from bot_runtime.store.layout import Store
from bot_runtime.trading.positions import NEVER
from bot_runtime.trading.session_decisions import WITHOUT_VIEW
from bot_runtime.trading.strategy import Strategy

MOST_OTHERWISE: Final = 1e-4
"""Share of decisions that may differ: a number may lie within its tolerance of a threshold."""


@dataclass(slots=True)
class PredictedAgain:
    """What came of one version's predictions.

    Attributes:
        decisions: that it took; `checked` are those of which the candles before are known.
        beyond: predictions that are not what the version makes of the candles, in words.
        otherwise: decisions that differ.
        notes: what could not be checked, and why.
    """

    version: str
    decisions: int = 0
    checked: int = 0
    beyond: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Tell whether nothing speaks against the journal."""
        return not self.beyond and len(self.otherwise) <= MOST_OTHERWISE * self.checked


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of every symbol.

    Attributes:
        untold: closes of the candles whose decisions the journal does not have, if there were any.
        more: candles that the journal does not have.
    """

    settled: Mapping[str, Settled]
    untold: Mapping[str, list[int]]
    more: Mapping[str, Candles]

    def decisions(self, stretch: Stretch, symbol: str) -> list[DecisionRow]:
        own = self.settled.get(symbol, Settled())
        return own.decided(stretch.begin_ms, stretch.end_ms)

    def candles(self, symbol: str, until_ms: int, interval_ms: int) -> Candles:
        """Return the candles that close up to a time; those that were settled on as they were."""
        own = self.settled.get(symbol, Settled()).candles_of(0, until_ms + 1, interval_ms)
        more = self.more.get(symbol)
        return own if more is None else merge([more.between(0, until_ms), own])


def predict_again(
    journal: Reader, store: Store, more: Mapping[str, Candles]
) -> Iterator[PredictedAgain]:
    """Yield what came of every version of a journal; `more` are candles that it does not have."""
    known = _Known(settled_in(journal), _untold(journal), more)
    of_version: dict[str, list[Stretch]] = {}
    for stretch in stretches(journal):
        inference = stretch.configuration.inference
        assert inference is not None, "whoever trades serves a version"
        of_version.setdefault(inference.model_version, []).append(stretch)
    for name, own in of_version.items():
        found = PredictedAgain(name)
        try:
            version = _load(store, name, own)
        except ArtifactInvalidError as e:
            taken = [known.decisions(part, s) for part in own for s in part.configuration.symbols]
            found.decisions = sum(map(len, taken))
            found.notes.append(f"{found.decisions} decisions of {name} are not checked: {e}")
        else:
            for symbols, part in groupby(own, key=lambda stretch: stretch.configuration.symbols):
                _check(found, version, symbols, list(part), known)
            if found.checked < found.decisions:
                found.notes.append(
                    f"{found.decisions - found.checked} decisions of {name} are not checked: the "
                    "candles before them are not known; add --ask to ask the exchange for them"
                )
        yield found


def _load(store: Store, name: str, own: Sequence[Stretch]) -> ServedVersion:
    if not store.version(name).is_dir():
        raise ArtifactInvalidError("it is gone from the store")
    version = load_version(store, name, cpu_count())
    for stretch in own:
        check_inputs(version, stretch.configuration)
    return version


def _untold(journal: Reader) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row in journal.all(DecisionRow):
        if row.outcome in WITHOUT_VIEW:
            found.setdefault(row.symbol, []).append(row.candle_ms)
    return found


def _check(
    found: PredictedAgain,
    version: ServedVersion,
    symbols: Sequence[str],
    part: Sequence[Stretch],
    known: _Known,
) -> None:
    """Check the decisions of stretches in a row, of one version and the same symbols."""
    strategies = [Strategy.of_run(stretch.configuration) for stretch in part]
    interval_ms, memory = strategies[0].interval_ms, max(s.memory for s in strategies)
    horizon_ms = strategies[0].horizon_steps * interval_ms
    until_ms = part[-1].end_ms + horizon_ms
    candles = {symbol: known.candles(symbol, until_ms, interval_ms) for symbol in symbols}
    if not any(map(len, candles.values())):
        return
    said = say(version, candles, part[0].begin_ms - memory * interval_ms, lambda _: None)
    for symbol, every in said.items():
        told = _remembering(version, candles[symbol], every)
        compared, unknown = list[DecisionRow](), list[int]()
        for stretch, strategy in zip(part, strategies, strict=True):
            rows = known.decisions(stretch, symbol)
            able = with_history(rows, told, strategy)
            found.decisions += len(rows)
            found.checked += len(able)
            found.otherwise += decided_otherwise(able, told, strategy)
            compared += able
            unknown += sorted({row.candle_ms for row in rows} - {row.candle_ms for row in able})
        if compared:
            own = told.at(places_of(compared, told, interval_ms))
            banded = own.predictions, adapted(version, candles[symbol], own)
            unknown += [at for at in known.untold.get(symbol, []) if at >= part[0].begin_ms]
            _compare(found, version, compared, banded, min(unknown, default=NEVER))


def _remembering(version: ServedVersion, candles: Candles, told: Told) -> Told:
    """Return what was said where the candles reach back as far as the version's memory."""
    if len(candles) == 0:
        return told
    memory_ms = (version.memory_length - 1) * candles.interval_ms
    return told.within(int(candles.open_time_ms[0]) + memory_ms, NEVER)


def _compare(
    found: PredictedAgain,
    version: ServedVersion,
    rows: list[DecisionRow],
    said: tuple[Predictions, Predictions],
    unknown_ms: int,
) -> None:
    """Compare one symbol's predictions with what was said, without and with the adapted band.

    `unknown_ms` is the first candle whose decision the band may know of, and nobody else does.
    """
    journaled, symbol, (alone, adaptive) = predictions_of(rows), rows[0].symbol, said
    end = followed_until(version, journaled, alone, [row.candle_ms for row in rows], unknown_ms)
    if end < len(rows):
        found.notes.append(
            f"p10 and p90 of {symbol} are not checked from {utc(rows[end].candle_ms)} on: their "
            "band has adapted to decisions that the journal does not have"
        )
    expected = with_band_of(adaptive, journaled, end)
    for text in find_differences(version, journaled, expected):
        found.beyond.append(f"{symbol}, decisions from {utc(rows[0].candle_ms)} on: {text}")
