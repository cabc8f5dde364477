"""The schema of candles: every broken rule with its rows, and the same verdict as inference's."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_runtime.market.candle_schema import check_schema
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, check_candles
from bot_runtime.process.errors import DataUnusableError
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.markets import START_MS, random_candles

COLUMNS = ("open_time_ms", *VALUE_COLUMNS)
VALUES = (math.nan, math.inf, -math.inf, -1.0, 0.0, 1.0, 100.0, 1e6, START_MS, START_MS + 1)


def spoilt(*cells: tuple[str, int, float]) -> Candles:
    """Return ten candles with some cells replaced."""
    candles = random_candles(10)
    for name, row, value in cells:
        getattr(candles, name)[row] = value
    return candles


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (("high", 3, 1.0), r"high >= max\(open, close\)"),
        (("low", 3, 1e6), r"min\(open, close\) >= low"),
        (("close", 3, math.nan), "prices are positive and finite"),
        (("high", 3, math.inf), "prices are positive and finite"),
        (("volume", 3, -1.0), "0 <= volume < infinity"),
        (("volume", 3, math.nan), "0 <= volume < infinity"),
        (("open_time_ms", 3, START_MS), "open times increase strictly"),
        (("open_time_ms", 3, START_MS + 3 * MINUTE_MS + 1), "open times lie on the timeframe's"),
    ],
)
def test_broken_rule_is_named_with_its_row(cell: tuple[str, int, float], rule: str) -> None:
    expected = rf"BTC/USDT: 1 of 10 rows \(3\) break '{rule}.*; correct these rows"
    with pytest.raises(DataUnusableError, match=expected) as caught:
        check_schema(spoilt(cell), "BTC/USDT")
    assert str(caught.value).count("break") == 1


def test_all_broken_rules_are_named_at_once() -> None:
    broken = spoilt(("volume", 1, -1.0), ("high", 4, 1.0), ("low", 4, 1e6), ("high", 6, 1.0))
    with pytest.raises(DataUnusableError) as caught:
        check_schema(broken, "BTC/USDT")
    for part in ("(4, 6) break 'high", "(4) break 'min", "(1) break '0 <= volume", "volume -1"):
        assert part in str(caught.value)


def test_message_stays_short_however_much_is_broken() -> None:
    candles = random_candles(5000)
    for name in VALUE_COLUMNS:
        getattr(candles, name)[:] = -1.0
    candles.open_time_ms[:] = 7
    with pytest.raises(DataUnusableError) as caught:
        check_schema(candles, "BTC/USDT")
    assert "5000 of 5000 rows (0, 1, 2, 3, 4, ...)" in str(caught.value)
    assert len(str(caught.value)) < 1500


@given(
    st.lists(
        st.tuples(st.sampled_from(COLUMNS), st.integers(0, 9), st.sampled_from(VALUES)), max_size=3
    )
)
def test_inference_judges_its_window_by_the_same_rules(
    cells: list[tuple[str, int, float]],
) -> None:
    candles = spoilt(*(c for c in cells if c[0] != "open_time_ms" or math.isfinite(c[2])))
    verdicts = []
    for check in (check_schema, check_candles):
        try:
            check(candles, "BTC/USDT")
            verdicts.append(True)
        except DataUnusableError:
            verdicts.append(False)
    assert verdicts[0] == verdicts[1]


def test_no_candles_break_no_rule() -> None:
    check_schema(random_candles(10)[:0], "BTC/USDT")
