"""Limits of losses: what stops entries, and for how long. No limit ever stops an exit.

All are judged on one equity: cash and what is held at the last close, marked at every candle.

DailyLoss     fall from the equity at 00:00 UTC; stands until the next
WeeklyLoss    fall from the equity at Monday 00:00 UTC; stands until the next
Drawdown      fall from the highest equity since the last resume; stands until resumeAfter
LossStreak    so many closed trades in a row with a net loss; stands for cooldownCandles
StopCooldown  a symbol whose stop was hit; stands for stopCooldownCandles

An account that is resumed under other settings (`Limits.resumed`) is judged by the new ones from
the next mark on, from the equities that it was measured from. What stands goes on standing until
the time that it was told, whatever the caps are now. A drawdown alone follows `resumeAfter`: a time
after the trip is when it resets, at once where that has passed; without one it stands for good.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.trading import RiskSpec, RuleName
from bot_runtime.trading.account_state import LimitsState
from bot_runtime.trading.orders import Purpose
from bot_runtime.trading.positions import Trade
from bot_runtime.trading.precision import part_of
from bot_runtime.trading.rule_results import RuleResult
from bot_runtime.trading.trips import FOREVER, Trip

NO_FLOOR: Final = -(1 << 128)
"""An equity that no account falls to."""


def day_of(time_ms: int) -> int:
    """Return the number of a day in UTC."""
    return time_ms // DAY_MS


def week_of(time_ms: int) -> int:
    """Return the number of a week, which begins on Monday at 00:00 UTC."""
    return (time_ms // DAY_MS + 3) // 7


@dataclass(slots=True)
class _Fall:
    """A limit on the fall from an equity: `start` in money, `until_ms` where it stands."""

    rule: RuleName
    cap: float
    start: int
    floor: int = 0
    until_ms: int = 0

    def __post_init__(self) -> None:
        self.begin(self.start)

    def begin(self, equity: int) -> None:
        """Measure from this equity on."""
        self.start, self.floor = equity, self.floor_of(equity)

    def floor_of(self, equity: int) -> int:
        """Return the equity at which the limit trips where it is measured from this one.

        Where there is none to lose, no fall is left that could trip it.
        """
        return equity - part_of(equity, self.cap) if equity > 0 else NO_FLOOR

    def fall(self, equity: int) -> float:
        """Return the fall, a share of the equity that it began with."""
        return 1.0 - equity / self.start if self.start > 0 else 0.0


@dataclass(slots=True)
class Limits:
    """The limits of one account, fed with every mark, trade and stop in their order.

    Attributes:
        blocked_until_ms: until when no symbol may be entered; has passed where one may.
        trips: what tripped since `take_trips`; `resets`: what was reset by a later trip.
    """

    risk: RiskSpec
    interval_ms: int
    equity: int
    now_ms: int
    streak: int = 0
    streak_until_ms: int = 0
    blocked_until_ms: int = 0
    cooldowns: dict[str, int] = field(default_factory=dict)
    trips: list[Trip] = field(default_factory=list)
    resets: list[Trip] = field(default_factory=list)
    _standing: dict[tuple[RuleName, str], Trip] = field(default_factory=dict)
    _day: _Fall = field(init=False)
    _week: _Fall = field(init=False)
    _peak: _Fall = field(init=False)
    _resume_ms: int = field(init=False)
    _next_ms: int = field(init=False)
    _floor: int = field(init=False)

    def __post_init__(self) -> None:
        risk, equity = self.risk, self.equity
        self._day = _Fall(RuleName.DAILY_LOSS, risk.daily_loss_cap, equity)
        self._week = _Fall(RuleName.WEEKLY_LOSS, risk.weekly_loss_cap, equity)
        self._peak = _Fall(RuleName.DRAWDOWN, risk.max_drawdown, equity)
        self._resume_ms = _resume_ms(risk)
        self._rise(equity)
        self._wait(self.now_ms)

    @classmethod
    def resumed(cls, risk: RiskSpec, interval_ms: int, state: LimitsState) -> "Limits":
        """Return the limits that go on from a state, by settings that may have changed."""
        limits = cls(risk, interval_ms, state.equity, state.now_ms, state.streak)
        limits._day.begin(state.day)
        limits._week.begin(state.week)
        limits._rise(state.peak)
        for trip in state.standing:
            limits._stand(limits._by_resume(trip))
        return limits

    @property
    def state(self) -> LimitsState:
        """Return everything that `resumed` needs; what has to be told has been taken before."""
        return LimitsState(
            equity=self.equity,
            now_ms=self.now_ms,
            day=self._day.start,
            week=self._week.start,
            peak=self._peak.start,
            streak=self.streak,
            standing=tuple(sorted(self._standing.values())),
        )

    def take_trips(self) -> list[Trip]:
        """Return what tripped since it was last asked for."""
        trips, self.trips = self.trips, []
        return trips

    def take_resets(self, until_ms: int) -> list[Trip]:
        """Return what has reset by a time since it was last asked for, by the time of that."""
        found = self.resets + [t for t in self._standing.values() if t.resets_ms <= until_ms]
        self._standing = {k: t for k, t in self._standing.items() if t.resets_ms > until_ms}
        self.resets = []
        return sorted(found, key=lambda trip: (trip.resets_ms, trip.limit, trip.symbol))

    def stopped_until_ms(self, symbol: str) -> int:
        """Return until when one symbol may not be entered; a time that has passed where it may."""
        return max(self.blocked_until_ms, self.cooldowns.get(symbol, 0))

    def mark(self, close_ms: int, equity: int) -> None:
        """Judge the equity at a candle's close."""
        if close_ms >= self._next_ms:
            self._begin(close_ms, equity)
        if equity > self._peak.start:
            self._rise(equity)
        self.now_ms, self.equity = close_ms, equity
        if equity <= self._floor:
            self._judge(self._day, (day_of(close_ms) + 1) * DAY_MS)
            self._judge(self._week, (week_of(close_ms) * 7 + 4) * DAY_MS)
            self._judge(self._peak, self._resume_ms if self._resume_ms > close_ms else FOREVER)

    def mark_span(self, close_ms: int, least: int, most: int, equity: int) -> bool:
        """Mark candles up to one at once, by the least and the most of their equities and the last.

        Returns False, and marks nothing, where a limit may trip or a day begin on the way.
        """
        is_higher = most > self._peak.start
        floor = max(self._floor, self._peak.floor_of(most)) if is_higher else self._floor
        if close_ms >= self._next_ms or least <= floor:
            return False
        if is_higher:
            self._rise(most)
        self.now_ms, self.equity = close_ms, equity
        return True

    def _rise(self, peak: int) -> None:
        """Measure the fall from a new highest equity on; the first floor to be reached is kept."""
        self._peak.begin(peak)
        self._floor = max(self._day.floor, self._week.floor, self._peak.floor)

    def _begin(self, close_ms: int, equity: int) -> None:
        """Begin the day, the week and what resumes, where their time has come."""
        if day_of(close_ms) != day_of(self.now_ms):
            # Whoever was not marked at midnight has stood there as at the mark before.
            begins = close_ms % DAY_MS == 0
            self._day.begin(equity if begins else self.equity)
            if week_of(close_ms) != week_of(self.now_ms):
                monday = begins and week_of(close_ms - 1) != week_of(close_ms)
                self._week.begin(equity if monday else self.equity)
        if self.now_ms < self._resume_ms <= close_ms:
            self._peak.start = 0
        self._rise(max(equity, self._peak.start))
        self._wait(close_ms)

    def _wait(self, now_ms: int) -> None:
        """Find the time of which the first mark begins something."""
        self._next_ms = (day_of(now_ms) + 1) * DAY_MS
        if self._resume_ms > now_ms:
            self._next_ms = min(self._next_ms, self._resume_ms)

    def _judge(self, limit: _Fall, resets_ms: int) -> None:
        if self.equity <= limit.floor and limit.until_ms <= self.now_ms:
            found = limit.fall(self.equity)
            self._trip(Trip(self.now_ms, limit.rule, found, limit.cap, resets_ms))

    def _trip(self, trip: Trip) -> None:
        self.trips.append(trip)
        self._stand(trip)

    def _stand(self, trip: Trip) -> None:
        """Let a limit that has tripped stand."""
        before = self._standing.get((trip.limit, trip.symbol))
        if before is not None and before.resets_ms <= trip.at_ms:
            self.resets.append(before)
        self._standing[trip.limit, trip.symbol] = trip
        if trip.limit is RuleName.STOP_COOLDOWN:
            self.cooldowns[trip.symbol] = trip.resets_ms
        elif trip.limit is RuleName.LOSS_STREAK:
            self.streak_until_ms = trip.resets_ms
        for fall in (self._day, self._week, self._peak):
            if fall.rule is trip.limit:
                fall.until_ms = trip.resets_ms
        self._block()

    def _by_resume(self, trip: Trip) -> Trip:
        """Return a trip of before as resumeAfter lets it stand now; measure anew where it resets.

        Any other is as it was.
        """
        if trip.limit is not RuleName.DRAWDOWN:
            return trip
        resets_ms = self._resume_ms if self._resume_ms > trip.at_ms else FOREVER
        if resets_ms <= self.now_ms:
            self._rise(self.equity)
        return trip._replace(resets_ms=resets_ms)

    def _block(self) -> None:
        falls = (self._day.until_ms, self._week.until_ms, self._peak.until_ms)
        self.blocked_until_ms = max(*falls, self.streak_until_ms)

    def closed(self, symbol: str, close_ms: int, trade: Trade) -> None:
        """Count a trade that ended in the candle that closes then."""
        risk = self.risk
        self.streak = self.streak + 1 if trade.profit < 0 else 0
        if self.streak >= risk.loss_streak.trades:
            until = close_ms + risk.loss_streak.cooldown_candles * self.interval_ms
            most = risk.loss_streak.trades
            self._trip(Trip(close_ms, RuleName.LOSS_STREAK, self.streak, most, until))
            self.streak = 0
        if trade.purpose is Purpose.STOP and risk.stop_cooldown_candles:
            candles = risk.stop_cooldown_candles
            until = close_ms + candles * self.interval_ms
            self._trip(Trip(close_ms, RuleName.STOP_COOLDOWN, 0.0, candles, until, symbol))

    def results(self, symbol: str, close_ms: int) -> tuple[RuleResult, ...]:
        """Return every limit for an entry in a symbol at a candle's close."""
        falls = tuple(
            RuleResult(f.rule, f.fall(self.equity), f.cap, f.until_ms <= close_ms)
            for f in (self._day, self._week, self._peak)
        )
        streak, cooldown = self.risk.loss_streak.trades, self.risk.stop_cooldown_candles
        calm = close_ms >= self.streak_until_ms
        waits = -(min(0, close_ms - self.cooldowns.get(symbol, 0)) // self.interval_ms)
        return (
            *falls,
            RuleResult(RuleName.LOSS_STREAK, self.streak if calm else streak, streak, calm),
            RuleResult(RuleName.STOP_COOLDOWN, max(0, cooldown - waits), cooldown, waits == 0),
        )


def _resume_ms(risk: RiskSpec) -> int:
    if risk.resume_after is None:
        return 0
    return math.ceil(datetime.fromisoformat(risk.resume_after).timestamp() * 1000)
