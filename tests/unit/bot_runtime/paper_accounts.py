"""Paper accounts with a journal of their own, driven candle by candle by a random market."""

import os
import signal as signals
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Engine, event

from bot_runtime.contract.digests import to_canonical_json
from bot_runtime.contract.intervals import TIMEFRAMES, seconds_of
from bot_runtime.contract.runconfig import RunConfiguration, inference_run
from bot_runtime.contract.signal import Calibration, Signal, SignalRule, SignalVersion
from bot_runtime.contract.tradingbot import TradingBotSpec
from bot_runtime.journal.database import Database
from bot_runtime.journal.entries import EquityRow, LimitRow, Rows
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.order_entries import FillRow, TradeRow
from bot_runtime.journal.run_entries import Owner, RunEnd, RunStart
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.journal.writing import Journal
from bot_runtime.market.candles import Candles, utc
from bot_runtime.market.filters import Filters
from bot_runtime.trading.account import Track
from bot_runtime.trading.decision import Views, views_of
from bot_runtime.trading.precision import Market, to_decimal
from bot_runtime.trading.session import Session
from bot_runtime.trading.session_news import News
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.walk import Followed
from tests.unit.bot_runtime.random_markets import RandomMarket

OWNER = Owner("default", "bot", "binance", "Paper", "USDT")
VERSION = "bot-00000000-00000000"

BEGUN, TAKEN, COMMITTING = "begun", "taken", "committing"
"""Where a run may be killed: after its own row, before it writes, and before it commits."""


class Killed(Exception):
    """A run that ended before it could commit."""


@dataclass
class PaperAccount:
    """One bot's journal, and the market that it trades on.

    Attributes:
        changes: fields of the spec that differ from the market's strategy.
        filters: of markets, where they differ from the market's; None where none are told.
        may_enter: whether the volume has room.
    """

    path: Path
    market: RandomMarket
    changes: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, Filters | None] = field(default_factory=dict)
    version: str = VERSION
    may_enter: bool = True
    _journal: Journal | None = None
    _views: dict[str, dict[str, Views]] = field(default_factory=dict)
    """By run digest and symbol."""

    @property
    def database(self) -> Database:
        return SqliteFile(self.path)

    @cached_property
    def tracks(self) -> dict[str, Track]:
        return {f"{name}/USDT": track for name, track in self.market.tracks.items()}

    @cached_property
    def closes(self) -> list[int]:
        """Return the close of every candle of any symbol."""
        opens = [track.candles.open_time_ms for track in self.tracks.values()]
        closes = reduce(np.union1d, opens) + self.market.strategy.interval_ms
        return [int(close_ms) for close_ms in closes]

    def configuration(self) -> RunConfiguration:
        strategy = self.market.strategy
        timeframe = next(t for t in TIMEFRAMES if seconds_of(t) * 1000 == strategy.interval_ms)
        spec = {
            "exchange": {"id": "binance"},
            "symbols": list(self.tracks),
            "timeframe": timeframe,
            "mode": "Paper",
            "model": {"horizonSteps": strategy.horizon_steps},
            "decision": strategy.decision.to_json(),
            **strategy.settings.to_json(),
            **self.changes,
        }
        bot = TradingBotSpec.model_validate(spec)
        return inference_run("default", "bot", bot, self.version)

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the journal open for the runs of the block."""
        with open_journal(self.database, OWNER, 0) as self._journal:
            yield
        self._journal = None

    def run_all(self, closes: Iterable[int] | None = None) -> None:
        """Run at every close."""
        with self.kept_open():
            for close_ms in self.closes if closes is None else closes:
                self.run(close_ms)

    def run(self, close_ms: int, *, decided: bool = True, kill_at: str | None = None) -> None:
        """Take the account on at a candle's close; without signals where it is not decided."""

        def reached(point: str) -> None:
            if point == kill_at:
                raise Killed

        with suppress(Killed):
            self._run(close_ms, reached, decided=decided)

    def run_killed(self, close_ms: int, point: str) -> None:
        """Begin a run in a process that is killed at a point, as a node's memory runs out."""
        child = os.fork()
        if child == 0:
            try:
                self._run(close_ms, lambda at: _kill_at(point, at), decided=True)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the run was to be killed, and ended"

    def _run(self, close_ms: int, reached: Callable[[str], None], *, decided: bool) -> None:
        if self._journal is not None:
            self._run_on(self._journal, close_ms, reached, decided=decided)
            return
        with open_journal(self.database, OWNER, close_ms) as journal:
            self._run_on(journal, close_ms, reached, decided=decided)

    def _run_on(
        self, journal: Journal, close_ms: int, reached: Callable[[str], None], *, decided: bool
    ) -> None:
        configuration = self.configuration()
        run_id = journal.begin_run(start_of(configuration, close_ms))
        reached(BEGUN)
        session = Session(configuration, journal)
        candles = {s: self._unsettled(s, session, close_ms) for s in configuration.symbols}
        rows = Rows()
        if any(len(part) for part in candles.values()):
            told = self.signals(close_ms, configuration) if decided else {}
            news = News(candles, self._filters(), told, may_enter=self.may_enter)
            rows = session.take(news).rows
        reached(TAKEN)
        journal.finish(run_id, rows, RunEnd(close_ms, "Settled"))

    def signals(self, close_ms: int, configuration: RunConfiguration) -> dict[str, Signal]:
        """Return the signals of the candles that close then."""
        found = {}
        for symbol in configuration.symbols:
            track, views = self.tracks[symbol], self._views_by(configuration)[symbol]
            at = close_ms - track.candles.interval_ms
            place = int(np.searchsorted(track.candles.open_time_ms, at))
            row = int(np.searchsorted(track.rows, place))
            is_told = row < len(track.rows) and track.rows[row] == place
            if is_told and track.candles.open_time_ms[place] == at:
                found[symbol] = signal_of(symbol, close_ms, views, row, configuration)
        return found

    def _views_by(self, configuration: RunConfiguration) -> dict[str, Views]:
        """Return what is decided on all candles by a run's settings."""
        if configuration.digest not in self._views:
            strategy = Strategy.of_run(configuration)
            self._views[configuration.digest] = {
                symbol: views_of(
                    track.predictions,
                    strategy,
                    track.regimes,
                    track.candles.open_time_ms[track.rows] // strategy.interval_ms,
                )
                for symbol, track in self.tracks.items()
            }
        return self._views[configuration.digest]

    def _unsettled(self, symbol: str, session: Session, close_ms: int) -> Candles:
        candles = self.tracks[symbol].candles
        begin = session.settled_ms or self.closes[0] - candles.interval_ms
        return candles.between(begin, close_ms)

    def _filters(self) -> dict[str, Filters]:
        own = {s: filters_of(track.market) for s, track in self.tracks.items()}
        return {s: told for s, told in (own | self.filters).items() if told is not None}

    def rows(self) -> "Outcome":
        """Return what the journal has."""
        with read_journal(self.database) as journal:
            return Outcome(
                fills=[
                    (f.symbol, f.at_ms, f.side, f.quantity, f.price, f.fee)
                    for f in journal.all(FillRow)
                ],
                trades=sorted(
                    (t.closed_ms, t.symbol, t.opened_ms, t.profit) for t in journal.all(TradeRow)
                ),
                limits=sorted(
                    (r.at_ms, r.limit, r.symbol or "", r.value, r.event)
                    for r in journal.all(LimitRow)
                ),
                equity=[
                    (r.candle_ms, float(r.cash), float(r.equity)) for r in journal.all(EquityRow)
                ],
            )

    def bytes(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of every table as it lies there, but for the runs themselves."""
        with sqlite3.connect(self.path) as database:
            tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            return {
                name: database.execute(f'SELECT * FROM "{name}"').fetchall()
                for (name,) in tables.fetchall()
                if name != "runs"
            }


def _kill_at(point: str, reached: str) -> None:
    """Kill this process where a point is reached, or once the rows are to be committed."""

    def kill(*_: object) -> None:
        os.kill(os.getpid(), signals.SIGKILL)

    if reached == point:
        kill()
    elif reached == TAKEN:
        event.listen(Engine, "commit", kill)


class Outcome(NamedTuple):
    """What came of an account, in words that a journal and a walk share."""

    fills: list[tuple[Any, ...]]
    trades: list[tuple[Any, ...]]
    limits: list[tuple[Any, ...]]
    equity: list[tuple[int, float, float]]


def named(part: Followed) -> Followed:
    """Return what came of a market by the names that a journal has."""

    def of(symbol: str) -> str:
        return f"{symbol}/USDT" if symbol else ""

    return part._replace(
        fills=[(of(s), fill) for s, fill in part.fills],
        trades=[(of(s), trade) for s, trade in part.trades],
        trips=[trip._replace(symbol=of(trip.symbol)) for trip in part.trips],
        resets=[trip._replace(symbol=of(trip.symbol)) for trip in part.resets],
    )


def one_piece(market: RandomMarket) -> list[Followed]:
    """Return what comes of a market in one piece, by the names that a journal has."""
    return [named(part) for part in market.followed()]


def outcome_of(parts: Iterable[Followed], markets: Mapping[str, Market]) -> Outcome:
    """Return what came of the parts of a walk."""
    parts = list(parts)
    fills = [
        (
            symbol,
            fill.at_ms,
            "BUY" if fill.purpose.is_buy else "SELL",
            markets[symbol].quantity(fill.lots),
            markets[symbol].price(fill.ticks),
            to_decimal(fill.fee),
        )
        for part in parts
        for symbol, fill in part.fills
    ]
    trips = [(t.at_ms, t, "Tripped") for part in parts for t in part.trips]
    trips += [(t.resets_ms, t, "Reset") for part in parts for t in part.resets]
    equity: list[tuple[int, float, float]] = []
    for part in parts:
        for row in zip(
            part.close_ms.tolist(), part.cash.tolist(), part.equity.tolist(), strict=True
        ):
            if not equity or equity[-1][1:] != row[1:]:
                equity.append(row)
    return Outcome(
        fills=sorted(fills, key=lambda f: (f[1], f[0])),
        trades=sorted(
            (trade.closed_ms, symbol, trade.opened_ms, to_decimal(trade.profit))
            for part in parts
            for symbol, trade in part.trades
        ),
        limits=sorted((at, str(t.limit), t.symbol, t.value, told) for at, t, told in trips),
        equity=equity,
    )


def filters_of(market: Market) -> Filters:
    """Return the filters of a market."""
    return Filters(
        tick=market.tick,
        lot=market.lot,
        min_quantity=market.min_lots * market.lot,
        min_notional=to_decimal(market.min_notional),
    )


def signal_of(
    symbol: str, close_ms: int, views: Views, row: int, configuration: RunConfiguration
) -> Signal:
    """Return the signal that inference writes of a view."""
    view, prediction = views[row], views.predictions[row]
    return Signal(
        ts=utc(close_ms),
        symbol=symbol,
        timeframe=configuration.timeframe,
        horizon_steps=configuration.model.horizon_steps,
        bar_close_ts=utc(close_ms),
        decision=view.decision,
        reason=view.text,
        decision_reason=view.reason,
        prob_up=prediction.prob_up,
        expected_return=prediction.p50,
        p10=prediction.p10,
        p50=prediction.p50,
        p90=prediction.p90,
        risk_score=prediction.risk_score,
        volatility=prediction.volatility,
        regime=view.regime,
        position_size=view.intent.share,
        rules=tuple(SignalRule(**r._asdict()) for r in (*view.rules, *view.bounds)),
        calibration=Calibration(method="platt", n=1),
        run_digest=configuration.digest,
        version=SignalVersion(model_version=VERSION, git_commit="abc"),
    )


def start_of(configuration: RunConfiguration, now_ms: int) -> RunStart:
    """Return the start of a run."""
    assert configuration.inference is not None
    return RunStart(
        purpose="Candle",
        pod_uid="00000000-0000-0000-0000-000000000000",
        run_digest=configuration.digest,
        configuration=to_canonical_json(configuration.to_json()),
        model_version=configuration.inference.model_version,
        git_commit="abc",
        started_ms=now_ms,
    )
