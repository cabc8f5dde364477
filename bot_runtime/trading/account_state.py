"""The whole state of an account between two candles, as plain data that survives as JSON.

Money and other whole numbers may have more than 64 bits, and floats keep their last bit. What never
comes (a target that is not set, a limit that stands for good) is left out of the JSON. A symbol of
which nothing is held or ordered is left out too, so an idle account's state does not change.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from bot_runtime.trading.fills import Book
from bot_runtime.trading.orders import Order
from bot_runtime.trading.positions import NEVER, NO_DUST, Dust, Position
from bot_runtime.trading.trips import Trip

_NEVER = {"target": NEVER, "until_ms": NEVER, "resets_ms": NEVER}


def _left_out(kind: Any) -> dict[str, Any]:
    """Return what is left out of a row, by field: its default, or what never comes."""
    never = {name: n for name, n in _NEVER.items() if name in kind._fields}
    return {**never, **kind._field_defaults}


def _named(row: Any) -> dict[str, Any]:
    missing = _left_out(type(row))
    return {
        n: value for n, value in row._asdict().items() if n not in missing or value != missing[n]
    }


def _whole(kind: Any) -> BeforeValidator:
    missing = _left_out(kind)
    return BeforeValidator(lambda row: missing | row if isinstance(row, dict) else row)


_AS_NAMED = PlainSerializer(_named, return_type=dict[str, Any])


class _State(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BookState(_State):
    """What is held and ordered of one symbol, and the steps that its ticks and lots count in."""

    tick: Decimal
    lot: Decimal
    position: Annotated[Position, _whole(Position), _AS_NAMED] | None = None
    order: Annotated[Order, _whole(Order), _AS_NAMED] | None = None
    dust: Annotated[Dust, _whole(Dust), _AS_NAMED] = NO_DUST

    @property
    def book(self) -> Book:
        """Return the book."""
        return Book(self.position, self.order, self.dust)


class LimitsState(_State):
    """What the limits know.

    Attributes:
        equity, now_ms: of the last mark.
        day, week, peak: equities that falls are measured from.
        streak: closed trades in a row with a loss.
        standing: what has tripped and has not yet reset.
    """

    equity: int
    now_ms: int
    day: int
    week: int
    peak: int
    streak: int = 0
    standing: tuple[Annotated[Trip, _whole(Trip), _AS_NAMED], ...] = ()

    def standing_at(self, at_ms: int) -> tuple[Trip, ...]:
        """Return what stands at a time, as it has tripped."""
        return tuple(trip for trip in self.standing if trip.resets_ms > at_ms)


class AccountState(_State):
    """An account after a candle.

    Attributes:
        capital: what the account was given, in money; `cash` likewise.
        books: by symbol, of what is held or ordered.
    """

    capital: int
    cash: int
    limits: LimitsState
    books: dict[str, BookState] = {}

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON types, without what has its default."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def of_json(cls, data: dict[str, Any]) -> "AccountState":
        """Return the state that `to_json` wrote; raises ValueError where it is none."""
        return cls.model_validate(data)
