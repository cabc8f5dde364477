"""Random markets on which every branch of an account is taken, for the walk and its reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from bot_runtime.arrays import Values
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.contract.trading import RiskSpec, TradingSettings
from bot_runtime.market.candles import Candles
from bot_runtime.serving.predictions import Predictions
from bot_runtime.trading.account import Track, legs_of
from bot_runtime.trading.decision import Views, views_of
from bot_runtime.trading.exposure import Closes, correlations, room_for
from bot_runtime.trading.positions import posting
from bot_runtime.trading.precision import Market, to_decimal, to_money
from bot_runtime.trading.strategy import Strategy
from bot_runtime.trading.trips import FOREVER, Trip
from bot_runtime.trading.walk import Followed, Walk
from tests.unit.bot_runtime import reference_account as reference

FOUR_HOURS_MS = 4 * 3_600_000
BEGIN_MS = 1_704_412_800_000
"""2024-01-05, a Friday: the second week begins soon."""
GRIDS = (("0.01", "0.001", 100.0), ("0.5", "0.00001", 60_000.0), ("1e-8", "1", 3e-5))
"""Tick, lot and first price of markets."""


@dataclass(frozen=True)
class RandomMarket:
    strategy: Strategy
    tracks: Mapping[str, Track]

    def views(self, name: str) -> Views:
        track = self.tracks[name]
        times = track.candles.open_time_ms[track.rows]
        number = times // self.strategy.interval_ms
        return views_of(track.predictions, self.strategy, track.regimes, number)

    def walk(self) -> Walk:
        markets = {name: track.market for name, track in self.tracks.items()}
        begin = min(int(track.candles.open_time_ms[0]) for track in self.tracks.values())
        return Walk(self.strategy, markets, begin)

    def followed(self, part: int = 100_000) -> list[Followed]:
        walk = self.walk()
        return [walk.follow(legs) for legs in legs_of(self.tracks, self.strategy, part)]


def random_market(seed: int) -> RandomMarket:
    """Return one to three symbols with strategy, candles and predictions, drawn by a seed."""
    draw = np.random.default_rng(seed)
    managed = bool(draw.random() < 0.4)
    decision = DecisionSpec(
        policy="VolatilityManaged" if managed else "Thresholds",
        prob_min=0.5,
        risk_max=0.9,
        min_expected_return=0.0,
        fees_bps=float(draw.choice([0, 1, 10, 33.3])),
        slippage_bps=float(draw.choice([0, 2, 5, 20])),
    )
    settings = TradingSettings(
        capital=str(draw.choice(["10000", "731.25", "25"])), risk=_risk(draw)
    )
    strategy = Strategy(decision, settings, int(draw.integers(1, 7)), FOUR_HOURS_MS)
    count = int(draw.integers(1, 4))
    common = draw.normal(0, 0.02, 200)
    tracks = {f"S{i}": _track(draw, strategy, common) for i in range(count)}
    return RandomMarket(strategy, tracks)


def _risk(draw: np.random.Generator) -> RiskSpec:
    loose = draw.random() < 0.3
    caps = np.sort(draw.choice([0.01, 0.02, 0.04, 0.07, 0.12], 3))
    most = float(draw.choice([0.1, 0.4, 1.0]))
    risk: dict[str, Any] = {
        "kelly_fraction": float(draw.choice([0.25, 1.0])),
        "max_position": most,
        "max_exposure": max(most, float(draw.choice([0.3, 0.6, 1.0]))),
        "position_volatility": float(draw.choice([0.005, 0.02])),
        "cvar_max": float(draw.choice([0.01, 0.1])),
        "daily_loss_cap": 1.0 if loose else float(caps[0]),
        "weekly_loss_cap": 1.0 if loose else float(caps[1]),
        "max_drawdown": 1.0 if loose else float(caps[2]),
        "loss_streak": {"trades": int(draw.integers(2, 5)), "cooldown_candles": 5},
        "stop_cooldown_candles": int(draw.integers(0, 4)),
        "stop_loss": {"volatilities": float(draw.choice([0.1, 0.5, 2.0])), "min": 0.001},
        "take_profit": None if draw.random() < 0.4 else {"volatilities": 0.8},
        "max_holding_candles": None if draw.random() < 0.5 else int(draw.integers(1, 9)),
        "resume_after": None if draw.random() < 0.5 else "2024-01-14T09:30:00Z",
    }
    return RiskSpec(**risk)


def _track(draw: np.random.Generator, strategy: Strategy, common: Values) -> Track:
    tick, lot, first = GRIDS[int(draw.integers(len(GRIDS)))]
    market = Market.of(
        Decimal(tick),
        Decimal(lot),
        strategy.costs,
        min_quantity=Decimal(lot) * int(draw.choice([0, 3])),
        min_notional=Decimal(str(draw.choice(["0", "5", "20"]))),
    )
    candles = _candles(draw, market, first, common, float(strategy.settings.capital))
    rows = np.flatnonzero(draw.random(len(candles)) < 0.9)
    n = len(rows)
    p50 = draw.normal(0.003, 0.012, n)
    width = draw.uniform(0.002, 0.03, (2, n))
    predictions = Predictions(
        np.clip(0.5 + np.sign(p50) * draw.uniform(-0.05, 0.4, n), 0.0, 1.0),
        p50 - width[0],
        p50,
        p50 + width[1],
        draw.random(n),
        draw.choice([0.004, 0.006, 0.012, 0.02], n) * draw.uniform(0.9, 1.1, n),
    )
    return Track(candles, market, rows, predictions, draw.choice([0, 0, 1, 2, 3], n))


def _candles(
    draw: np.random.Generator, market: Market, first: float, common: Values, capital: float
) -> Candles:
    n = int(draw.integers(40, 130))
    tick = float(market.tick)
    moves = common[:n] * draw.choice([0.0, 1.0]) + draw.normal(0, 0.012, n)
    jumps = draw.random(n) < 0.02
    moves[jumps] += draw.choice([-0.5, -0.1, 0.1], int(jumps.sum()))
    closes = first * np.exp(np.cumsum(moves))
    opens = np.concatenate([[first], closes[:-1]]) * np.exp(draw.normal(0, 0.004, n))
    high = np.maximum(opens, closes) * (1 + draw.exponential(0.004, n))
    low = np.minimum(opens, closes) * (1 - draw.exponential(0.004, n))
    opens, high, low, closes = (
        np.rint(column / tick) * tick for column in (opens, high, low, closes)
    )
    volume = capital / closes * draw.lognormal(1.5, 1.5, n)
    volume[draw.random(n) < 0.06] = 0.0
    volume = np.round(volume / float(market.lot)) * float(market.lot)
    times = BEGIN_MS + np.arange(n, dtype=np.int64) * FOUR_HOURS_MS
    times[int(draw.integers(n)) :] += int(draw.choice([0, 0, 42])) * FOUR_HOURS_MS
    kept = draw.random(n) < 0.95
    kept[0] = True
    return Candles(FOUR_HOURS_MS, times, opens, high, low, closes, volume)[kept]


# --- the same market for the reference


def reference_of(market: RandomMarket) -> reference.Account:
    """Return the reference account of a market before its first candle."""
    strategy = market.strategy
    held = [_held(market, name) for name in market.tracks]
    closes = {
        name: (track.candles.open_time_ms, track.candles.close)
        for name, track in market.tracks.items()
    }

    def room(weights: list[tuple[str, float]], name: str, open_ms: int) -> float:
        most = strategy.risk.max_exposure
        if not weights:
            return min(1.0, most)
        known = []
        for each in (*(other for other, _ in weights), name):
            times, prices = closes[each]
            known.append(Closes(times[times <= open_ms], prices[times <= open_ms]))
        return room_for([weight for _, weight in weights], correlations(known), most)

    return reference.Account(
        held,
        strategy.risk,
        strategy.interval_ms,
        strategy.holding_ms,
        strategy.is_managed,
        Decimal(strategy.settings.capital),
        room,
    )


def _held(market: RandomMarket, name: str) -> reference.Held:
    track, decision = market.tracks[name], market.strategy.decision
    exact, candles, views = track.market, track.candles, market.views(name)
    terms = reference.Terms(
        exact.tick,
        exact.lot,
        Decimal(str(decision.fees_bps)) / 10_000,
        Decimal(str(decision.slippage_bps)) / 10_000,
        exact.min_lots * exact.lot,
        to_decimal(exact.min_notional),
    )
    prices = (candles.open, candles.high, candles.low, candles.close)
    columns = [_on_grid(column, exact.tick) for column in prices]
    columns.append(_on_grid(candles.volume, exact.lot))
    times = candles.open_time_ms.tolist()
    wishes = {}
    for row, at in enumerate(track.rows.tolist()):
        side, share, growth, stop, target, _ = views.intent(row)
        wishes[times[at]] = reference.Wish(
            side,
            share,
            growth,
            None if market.strategy.is_managed else stop,
            None if target == np.inf else target,
        )
    rows = zip(times, zip(*columns, strict=True), strict=True)
    return reference.Held(name, terms, {time: reference.Candle(*row) for time, row in rows}, wishes)


def _on_grid(values: Values, step: Decimal) -> list[Decimal]:
    return [round(value / float(step)) * step for value in values.tolist()]


# --- what came of it, in the reference's words


@dataclass
class Told:
    rows: list[reference.Row]
    fills: list[reference.Fill]
    trades: list[reference.Trade]
    trips: list[reference.Trip]


def told(market: RandomMarket, found: list[Followed]) -> Told:
    """Return what the walk found as the reference writes it; its cash is exact by its fills."""
    exact = {name: track.market for name, track in market.tracks.items()}
    result = Told([], [], [], [])
    for part in found:
        for name, fill in part.fills:
            one = exact[name]
            result.fills.append(
                reference.Fill(
                    name,
                    fill.at_ms,
                    fill.purpose.name,
                    one.quantity(fill.lots),
                    one.price(fill.ticks),
                    to_decimal(fill.fee),
                )
            )
        for name, trade in part.trades:
            result.trades.append(
                reference.Trade(
                    name,
                    trade.opened_ms,
                    trade.closed_ms,
                    exact[name].quantity(trade.lots),
                    to_decimal(trade.paid),
                    to_decimal(trade.received),
                    to_decimal(trade.fees),
                    to_decimal(trade.profit),
                    trade.purpose.name,
                )
            )
        result.trips += [_trip(trip) for trip in part.trips]
    result.rows = exact_rows(market, found)
    return result


def _trip(trip: Trip) -> reference.Trip:
    resets_ms = trip.resets_ms if trip.resets_ms < FOREVER else None
    return reference.Trip(trip.at_ms, str(trip.limit), trip.threshold, resets_ms)


def exact_rows(market: RandomMarket, found: list[Followed]) -> list[reference.Row]:
    """Return every candle's equity and cash to the last digit, from the fills alone."""
    exact = {name: track.market for name, track in market.tracks.items()}
    fills: dict[int, list[Any]] = {}
    for part in found:
        for name, fill in part.fills:
            fills.setdefault(fill.at_ms, []).append((name, fill))
    ticks = {
        name: dict(
            zip(
                track.candles.open_time_ms.tolist(),
                track.market.ticks(track.candles.close).tolist(),
                strict=True,
            )
        )
        for name, track in market.tracks.items()
    }
    cash = to_money(Decimal(market.strategy.settings.capital))
    lots, close, rows = dict.fromkeys(exact, 0), dict.fromkeys(exact, 0), []
    for part in found:
        for close_ms in part.close_ms.tolist():
            open_ms = close_ms - market.strategy.interval_ms
            for name, fill in fills.get(open_ms, []):
                cash += posting(fill, exact[name])
                lots[name] += fill.lots if fill.purpose.is_buy else -fill.lots
            for name, known in ticks.items():
                close[name] = known.get(open_ms, close[name])
            equity = cash + sum(
                one.notional(lots[name], close[name]) for name, one in exact.items()
            )
            rows.append(reference.Row(close_ms, to_decimal(equity), to_decimal(cash)))
    return rows
