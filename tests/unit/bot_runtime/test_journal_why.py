"""`journal why` says why a decision was taken, in words that need no table beside them."""

from decimal import Decimal
from pathlib import Path

import pytest

from bot_runtime.command_line import main
from bot_runtime.journal.entries import CandleRow, LimitRow, Rows
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.order_entries import FillRow, OrderEventRow, OrderRow, TradeRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.market.candles import utc
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.journals import (
    BEGIN_MS,
    MARKET,
    MINUTE_MS,
    OWNER,
    SYMBOLS,
    carry_out,
    idle,
)

BTC = SYMBOLS[0]
TIMES = [BEGIN_MS + n * MINUTE_MS for n in range(5)]  # 2025-10-09T08:54:00Z and on
AMOUNT, PRICE, FEE = Decimal("0.012"), Decimal("43210.1"), Decimal("0.51852120")

LIMITS = (
    LimitRow("DailyLoss", "Tripped", None, 0.031, 0.03, TIMES[0], TIMES[2]),
    LimitRow("StopCooldown", "Tripped", BTC, 0.0, 2.0, TIMES[1], TIMES[4]),
    LimitRow("StopCooldown", "Tripped", SYMBOLS[1], 0.0, 2.0, TIMES[1], TIMES[4]),
    LimitRow("Drawdown", "Tripped", None, 0.16, 0.15, TIMES[1], None),
    LimitRow("Drawdown", "Reset", None, 0.0, 0.15, TIMES[3], None),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A journal: two idle candles, an entry, its fill and its end, a candle that was missed."""
    store = Store(tmp_path)
    entry = OrderRow("id1", "id1", "Entry", BTC, AMOUNT, 0.1, "BULL_TREND", 0.02, None, 0, TIMES[2])
    fill = FillRow(
        BTC, "1", "id1", "Buy", PRICE, AMOUNT, AMOUNT * PRICE, FEE, "USDT", FEE, False, PRICE,
        TIMES[2], TIMES[3], BEGIN_MS,
    )  # fmt: skip
    told = OrderEventRow("id1", TIMES[2], "Filled", AMOUNT, AMOUNT * PRICE, "Paper")
    trade = TradeRow(
        "id1", BTC, TIMES[2], TIMES[4], AMOUNT, Decimal(518), Decimal(530), Decimal(1), Decimal(12),
        "Stop", 2, "BULL_TREND",
    )  # fmt: skip
    bought = idle(TIMES[2], outcome="LongSignal")
    (decision,) = bought.decisions
    decision = decision._replace(
        side="LONG", share=0.1, regime="BULL_TREND", reason="LongSignal: probability 0.612"
    )
    missed = (
        idle(TIMES[4], outcome="Missed")
        .decisions[0]
        ._replace(side=None, regime=None, p50=None, reason=None, rules=None)
    )
    runs = [
        idle(TIMES[0])._replace(markets=(MARKET._replace(symbol=BTC),), limits=LIMITS),
        idle(TIMES[1]),
        bought._replace(decisions=(decision,), orders=(entry,)),
        idle(TIMES[3])._replace(fills=(fill,), order_events=(told,)),
        idle(TIMES[4])._replace(decisions=(missed,), trades=(trade,)),
    ]
    with open_journal(SqliteFile(store.journal), OWNER, BEGIN_MS) as journal:
        for at_ms, rows in zip(TIMES, runs, strict=True):
            carry_out(journal, at_ms, rows)
        alone = CandleRow("SOL/USDT", TIMES[0], 1.0, 1.0, 1.0, 1.0, 1.0)
        carry_out(journal, TIMES[4], Rows(candles=(alone,)))
    return store


def why(store: Store, time: str, symbol: str = BTC) -> int:
    return main(["journal", "why", symbol, time, "--store", str(store.root)])


def told(store: Store, time: str, capsys: pytest.CaptureFixture[str], symbol: str = BTC) -> str:
    assert why(store, time, symbol) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_purchase_that_was_left_out_for_lack_of_room_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, rows = Store(tmp_path), idle(TIMES[0], outcome="NoRoom")
    left_out = rows.decisions[0]._replace(
        side=None, share=None, regime=None, p50=None, reason="LongSignal: 0.612", rules=None
    )
    with open_journal(SqliteFile(store.journal), OWNER, BEGIN_MS) as journal:
        carry_out(journal, TIMES[0], rows._replace(decisions=(left_out,)))
    text = told(store, utc(TIMES[0]), capsys)
    assert "view       the journal's volume had too little room" in text
    assert "reason     LongSignal: 0.612" in text
    assert "None" not in text


def test_an_idle_candle_is_told_with_what_was_told_before(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(store, "2025-10-09T08:55:00Z", capsys)
    (candle,) = idle(TIMES[1]).candles
    (decision,) = idle(TIMES[0]).decisions
    lines = text.splitlines()
    assert lines[0] == "BTC/USDT, candle that closed at 2025-10-09T08:55:00Z"
    assert f"open {candle.open!r}, high {candle.high!r}" in lines[1]
    assert lines[2:5] == [
        "view       NO_TRADE in RANGE_SIDEWAYS, share 0",
        f"reason     {decision.reason}",
        "           as told at 2025-10-09T08:54:00Z; view, regime and outcome are the same since "
        "then",
    ]
    assert lines[5].startswith("predicted  probability of a rise 0.")
    assert lines[6:9] == [
        "rules                    found       asked",
        "           RiskMax         0.3         0.7  passed",
        "           ProbMin        0.51        0.58  refused",
    ]
    assert "order      none" in lines
    assert lines[-1] == (
        "run        2 at 2025-10-09T08:55:00Z, Done, version steady-0a1b2c3d, commit c0ffee"
    )


def test_an_entry_is_told_with_what_came_of_it(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    text = told(store, "2025-10-09T08:56:00Z", capsys)
    assert text.endswith(
        "order      Entry, 0.012 of BTC/USDT, id id1\n"
        "           2025-10-09T08:56:00Z Filled, executed 0.012\n"
        "fill       2025-10-09T08:56:00Z Buy 0.012 at 43210.1, fee 0.5185212 USDT\n"
        "trade      closed at 2025-10-09T08:58:00Z by Stop, profit 12 after fees of 1\n"
        "limits     StopCooldown since 2025-10-09T08:55:00Z until 2025-10-09T08:58:00Z: found 0, "
        "limit 2\n"
        "           Drawdown since 2025-10-09T08:55:00Z until resumeAfter: found 0.16, limit 0.15\n"
        "run        3 at 2025-10-09T08:56:00Z, Done, version steady-0a1b2c3d, commit c0ffee\n"
    )
    assert "reason     LongSignal: probability 0.612" in text
    assert "as told at" not in text


@pytest.mark.parametrize(
    "time",
    ["2025-10-09T08:55:00.001Z", "2025-10-09T08:55:30Z", "2025-10-09T10:56:00+02:00"],
)
def test_any_time_within_a_candle_names_it(
    store: Store, time: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "closed at 2025-10-09T08:56:00Z" in told(store, time, capsys)


def test_limits_stand_until_they_reset(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first = told(store, "2025-10-09T08:54:00Z", capsys)
    assert "limits     DailyLoss since 2025-10-09T08:54:00Z until 2025-10-09T08:56:00Z" in first
    assert "limits     none stood" in told(store, "2025-10-09T08:58:00Z", capsys)


def test_what_was_not_decided_is_said(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(store, "2025-10-09T08:58:00Z", capsys)
    assert "view       no run decided on this candle; a later one settled it" in text
    assert "rules" not in text
    alone = told(store, "2025-10-09T08:54:00Z", capsys, "SOL/USDT")
    assert "view       nothing was asked of this candle" in alone


@pytest.mark.parametrize(
    ("symbol", "time", "said"),
    [
        ("DOGE/USDT", "2025-10-09T08:55:00Z", "SYMBOL: the journal has no candle of DOGE/USDT"),
        (BTC, "2025-10-09T08:58:00.001Z", "closed at 2025-10-09T08:58:00Z; name an earlier time"),
        (
            BTC,
            "2025-10-09T08:53:00Z",
            "has no candle of BTC/USDT then; the next one closed at 2025",
        ),
        (BTC, "yesterday", "TIME: found 'yesterday'; write a date as 2026-01-31, or a time as"),
    ],
)
def test_what_is_not_there_is_said(
    store: Store, symbol: str, time: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why(store, time, symbol) == 78
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
