"""Types of columns: how what the runtime speaks of lies in SQLite and in PostgreSQL."""

import json
import math
import uuid
from decimal import Context, Decimal
from typing import Any, Final

from sqlalchemy import Double, Integer, LargeBinary, Numeric, Text, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from bot_runtime.journal.entries import Rule

DIGITS: Final = 18
"""Behind the point of an amount; before it there are 20 at most."""
TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""A text that sorts by its bytes, in PostgreSQL as in SQLite."""
_EXACT: Final = Context(prec=100)
_MOST: Final = Decimal(10) ** 20


class Money(TypeDecorator[Decimal]):
    """An exact amount: TEXT in SQLite, which has no decimals; numeric(38, 18) in PostgreSQL.

    Raises ValueError for what PostgreSQL would round or refuse. Sums are made in Python: SQLite
    would add texts as floating-point numbers.
    """

    impl = Numeric
    cache_ok = True

    @property
    def python_type(self) -> type[Decimal]:
        """Return the type that is read."""
        return Decimal

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of a database."""
        is_sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(Text() if is_sqlite else Numeric(20 + DIGITS, DIGITS))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Return what the database gets: no digit more than the amount needs."""
        if value is None:
            return None
        if not value.is_finite() or value.copy_abs() >= _MOST:
            raise ValueError(f"amount: found {value}; the journal keeps amounts below 10^20")
        plain = value.normalize(_EXACT) if value else Decimal(0)
        if -int(plain.as_tuple().exponent) > DIGITS:
            raise ValueError(f"amount: found {value}; the journal keeps {DIGITS} decimals")
        return f"{plain:f}" if dialect.name == "sqlite" else plain

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return the amount, with no digit more than it needs."""
        if value is None:
            return None
        return Decimal(value if dialect.name == "sqlite" else f"{value.normalize(_EXACT):f}")


class Real(TypeDecorator[float]):
    """A finite floating-point number, all 64 bits of it; raises ValueError for others."""

    impl = Double
    cache_ok = True

    @property
    def python_type(self) -> type[float]:
        """Return the type that is read."""
        return float

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the number; SQLite would take NaN for NULL."""
        if value is not None and not math.isfinite(value):
            raise ValueError(f"found {value}; the journal keeps finite numbers")
        return value


class Name(TypeDecorator[int]):
    """The number of a word in the table `names`: a byte or two for what is said on every row."""

    impl = Integer
    cache_ok = True


class PodUid(TypeDecorator[str]):
    """A UUID as text; 16 bytes in SQLite. Raises ValueError for what is none."""

    impl = LargeBinary
    cache_ok = True

    @property
    def python_type(self) -> type[str]:
        """Return the type that is read."""
        return str

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return the type of a database."""
        return dialect.type_descriptor(LargeBinary(16) if dialect.name == "sqlite" else Uuid())

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        """Return what the database gets."""
        if value is None:
            return None
        return uuid.UUID(value).bytes if dialect.name == "sqlite" else uuid.UUID(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the text."""
        return (
            None
            if value is None
            else str(uuid.UUID(bytes=value) if type(value) is bytes else value)
        )


class Rules(TypeDecorator[tuple[Rule, ...]]):
    """The rules of a decision as JSON: a list of [rule, value, threshold, passed]."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[Rule, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the JSON."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Rule, ...] | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the rules."""
        return None if value is None else tuple(Rule(*rule) for rule in json.loads(value))
