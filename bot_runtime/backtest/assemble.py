"""A backtest from a store: who decided when, what they said, and the account that followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot_runtime.backtest.look_ahead import check_look_ahead, shift
from bot_runtime.backtest.result import Backtest, Report, Span
from bot_runtime.backtest.stretches import by_month, by_regime, hold
from bot_runtime.backtest.told import Told, tell, tracks_of
from bot_runtime.backtest.versions import Term, describe_gone
from bot_runtime.market.candles import Candles, missing_count, utc
from bot_runtime.market.filters import Filters
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.serving.version import ServedVersion
from bot_runtime.trading.account import Track, follow
from bot_runtime.trading.markets import markets_of
from bot_runtime.trading.performance import performance_of
from bot_runtime.trading.precision import Market
from bot_runtime.trading.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be tested.

    Attributes:
        candles: of every symbol, all that the store has.
        filters: what the exchange's markets take, of the symbols where that is known.
        terms: versions and their times, oldest first.
        from_ms, to_ms: closes of candles that are asked for, [from, to].
    """

    bot: str
    strategy: Strategy
    candles: Mapping[str, Candles]
    filters: Mapping[str, Filters]
    terms: Sequence[Term]
    from_ms: int
    to_ms: int


def run_backtest(asked: Asked, report: Report) -> Backtest:
    """Return what the bot's decisions would have earned.

    Raises DataUnusableError where no version decides on any candle, LookAheadError where a decision
    depends on candles that came later.
    """
    markets = markets_of(asked.candles, asked.strategy.costs, asked.filters)
    terms = [term for term in asked.terms if _is_asked(term, asked)]
    told, spans = _tell_all(asked, terms, report)
    if not spans:
        raise DataUnusableError(_nothing_to_decide(asked))
    whole = {symbol: Told.joined(parts) for symbol, parts in told.items()}
    tracks = tracks_of(asked.candles, markets, whole, asked.strategy)
    report("following the decisions", 0.0)
    account = follow(tracks, asked.strategy)
    report("looking for look-ahead", 0.5)
    _guard(asked, markets, terms)
    held = hold(account, tracks, asked.strategy)
    report("comparing", 0.9)
    return Backtest(
        bot=asked.bot,
        strategy=asked.strategy,
        tracks=tracks,
        account=account,
        performance=performance_of(account),
        held=held,
        spans=tuple(spans),
        months=by_month(account, held),
        regimes=by_regime(account, held, tracks),
        shifted=tuple(shift(tracks, asked.strategy, candles) for candles in (1, -1)),
        notes=tuple(_notes(asked, tracks, spans)),
    )


def _is_asked(term: Term, asked: Asked) -> bool:
    return term.begin_ms <= asked.to_ms and term.end_ms > asked.from_ms


def _tell_all(
    asked: Asked, terms: Sequence[Term], report: Report
) -> tuple[dict[str, list[Told]], list[Span]]:
    """Return what every version said within its term, by symbol, and the spans that it filled."""
    interval_ms = asked.strategy.interval_ms
    told: dict[str, list[Told]] = {symbol: [] for symbol in asked.candles}
    spans = []
    for term in terms:
        if term.version is None:
            continue
        first_ms = max(term.begin_ms, asked.from_ms) - interval_ms
        last_ms = min(term.end_ms - 1, asked.to_ms) - interval_ms
        said = _tell(term, asked.candles, term.unseen_ms, last_ms, report)
        counts = []
        for symbol, one in said.items():
            within = one.within(first_ms, last_ms + 1)
            counts.append(len(within.open_ms))
            told[symbol].append(within)
        if max(counts) > 0:
            times = np.concatenate([parts[-1].open_ms for parts in told.values()]) + interval_ms
            spans.append(Span(term.name, int(times.min()), int(times.max()), max(counts)))
    return told, spans


def _tell(
    term: Term, candles: Mapping[str, Candles], begin_ms: int, last_ms: int, report: Report
) -> dict[str, Told]:
    """Return what a version says of the candles that open up to a time, bands adapting."""
    assert term.version is not None, "who is gone says nothing"
    known = {symbol: part.between(0, last_ms + 1) for symbol, part in candles.items()}
    interval_ms = next(iter(known.values())).interval_ms
    begin_ms = min(begin_ms, last_ms)
    total, done = max(1, (last_ms - begin_ms) // interval_ms), 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        report(f"predicting by {term.name}", min(1.0, done / total))

    return tell(term.version, known, begin_ms, count)


def _guard(asked: Asked, markets: Mapping[str, Market], terms: Sequence[Term]) -> None:
    """Look for look-ahead where the version that decided last did."""
    term = next(term for term in reversed(terms) if term.version is not None)
    version = term.version
    assert version is not None, "the term was chosen for it"
    history_ms = version.memory_length * asked.strategy.interval_ms
    begin_ms = term.unseen_ms - history_ms
    candles = {s: part.between(begin_ms, asked.to_ms + 1) for s, part in asked.candles.items()}

    def again(known: Mapping[str, Candles]) -> dict[str, Track]:
        return track_again(version, known, markets)

    check_look_ahead(again, candles, asked.strategy, version.memory_length)


def track_again(
    version: ServedVersion, candles: Mapping[str, Candles], markets: Mapping[str, Market]
) -> dict[str, Track]:
    """Return everything that a version makes of candles, from the first one on."""
    begin_ms = min(int(part.open_time_ms[0]) for part in candles.values())
    said = tell(version, candles, begin_ms, lambda _: None)
    return {
        symbol: Track(
            candles[symbol],
            markets[symbol],
            np.searchsorted(candles[symbol].open_time_ms, told.open_ms),
            told.predictions,
            told.regimes,
        )
        for symbol, told in said.items()
    }


def _nothing_to_decide(asked: Asked) -> str:
    newest = max(int(part.close_time_ms[-1]) for part in asked.candles.values())
    first = min((term.begin_ms for term in asked.terms if term.version is not None), default=None)
    if first is None:
        return "every version that was promoted is gone from the store: train one again"
    name = asked.terms[-1].name
    return (
        f"no candle from {utc(asked.from_ms)} to {utc(asked.to_ms)} closed while a version was "
        f"promoted: the first one was promoted at {utc(first)}, and the candles end at "
        f"{utc(newest)}. Take --version {name} to test it on candles that it has not learned from, "
        "or come back once newer candles have closed"
    )


def _notes(asked: Asked, tracks: Mapping[str, Track], spans: Sequence[Span]) -> list[str]:
    """Return what the reader has to know before the figures are believed."""
    notes = describe_gone(asked.terms)
    begin = max(asked.from_ms, min(int(p.close_time_ms[0]) for p in asked.candles.values()))
    if spans[0].begin_ms > begin:
        notes.append(
            f"candles from {utc(begin)} to {utc(spans[0].begin_ms)} are left out: no version had "
            "been promoted, or it had learned from them"
        )
    for symbol, track in tracks.items():
        missing = missing_count(track.candles)
        silent = len(track.candles) - len(track.rows)
        if missing:
            notes.append(f"{symbol}: {missing:,} candles are missing; nothing was filled in them")
        if silent > asked.strategy.horizon_steps + 1:
            notes.append(
                f"{symbol}: {silent:,} candles have no decision: their history has a hole, or no "
                "version decided"
            )
        if symbol not in asked.filters:
            notes.append(
                f"{symbol}: prices are multiples of {track.market.tick}, read off the candles; the "
                "smallest order of the exchange is not known, and none was too small"
            )
    return notes
