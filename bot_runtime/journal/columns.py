"""What the columns of all tables are made of."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData

from bot_runtime.journal.column_types import TEXT, Money, Name, Real

metadata: Final = MetaData()


def ms(name: str, *, unset: bool = False) -> Column[int]:
    """Return a column of a time in ms UTC."""
    return Column(name, BigInteger, nullable=unset)


def key_ms(name: str) -> Column[int]:
    """Return a column of a time that is the table's key; SQLite keeps rows in its order."""
    kind = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, kind, primary_key=True, autoincrement=False)


def money(name: str) -> Column[Any]:
    """Return a column of an exact amount."""
    return Column(name, Money, nullable=False)


def real(name: str, *, unset: bool = False) -> Column[Any]:
    """Return a column of a floating-point number."""
    return Column(name, Real, nullable=unset)


def text(name: str, *, unset: bool = False) -> Column[str]:
    """Return a column of a text that seldom repeats."""
    return Column(name, TEXT, nullable=unset)


def word(name: str, *, unset: bool = False) -> Column[int]:
    """Return a column of a text that repeats: `names` has it."""
    return Column(name, Name, ForeignKey("names.id"), nullable=unset)


def run() -> Column[int]:
    """Return the column that names a row's run."""
    return Column("run_id", Integer, ForeignKey("runs.run_id"), nullable=False)


def order() -> Column[str]:
    """Return the column that names a row's order."""
    return Column("client_order_id", TEXT, ForeignKey("orders.client_order_id"), nullable=False)
