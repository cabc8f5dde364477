"""Amounts, numbers and words come out of a journal as they went in."""

import math
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from bot_runtime.journal.column_types import Money, PodUid, Real, Rules
from bot_runtime.journal.columns import metadata
from bot_runtime.journal.tables import equity
from tests.unit.bot_runtime.journals import RULES

DIALECTS = (sqlite.dialect(), postgresql.dialect())  # type: ignore[no-untyped-call] # they have none
MOST = Decimal("99999999999999999999.999999999999999999")


def through(kind: TypeDecorator[Any], value: Any, dialect: Dialect) -> Any:
    """Return a value as it is read after it was written."""
    return kind.process_result_value(kind.process_bind_param(value, dialect), dialect)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: str(d.name))
@given(st.decimals(MOST.copy_negate(), MOST, places=18))
def test_amounts_are_exact_both_ways(dialect: Dialect, amount: Decimal) -> None:
    assert through(Money(), amount, dialect) == amount


@pytest.mark.parametrize(
    "amount", [MOST, MOST.copy_negate(), Decimal("1e-18"), Decimal(0), Decimal("1E+19")]
)
def test_a_file_keeps_every_digit(amount: Decimal) -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(insert(equity).values(candle_ms=1, run_id=1, cash=amount, equity=amount))
        assert connection.scalar(select(equity.c.cash)) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1.50", "1.5"), ("1E+3", "1000"), ("-0", "0"), ("0.000000010", "0.00000001"), ("-2", "-2")],
)
def test_a_text_is_as_long_as_its_amount(amount: str, text: str) -> None:
    assert Money().process_bind_param(Decimal(amount), DIALECTS[0]) == text


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: str(d.name))
@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("1E+20", "below 10\\^20"),
        ("-1E+20", "below 10\\^20"),
        ("NaN", "below 10\\^20"),
        ("Infinity", "below 10\\^20"),
        ("1E-19", "18 decimals"),
    ],
)
def test_what_postgresql_would_round_or_refuse_is_refused(
    dialect: Dialect, amount: str, told: str
) -> None:
    with pytest.raises(ValueError, match=rf"amount: found {re.escape(amount)}; .*{told}"):
        Money().process_bind_param(Decimal(amount), dialect)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="the journal keeps finite numbers"):
        Real().process_bind_param(number, DIALECTS[0])


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: str(d.name))
def test_pods_and_rules_come_back_as_they_were(dialect: Dialect) -> None:
    uid = str(uuid4())
    assert through(PodUid(), uid, dialect) == uid
    assert through(PodUid(), None, dialect) is None
    assert through(Rules(), RULES, dialect) == RULES
    assert through(Rules(), None, dialect) is None
    with pytest.raises(ValueError, match="badly formed"):
        PodUid().process_bind_param("laptop", dialect)
