"""What a run has done is told in words for people, several pieces of news in one message."""

import random
from decimal import Decimal

from bot_runtime.contract.tradingstatus import ActionStatus, LimitStatus
from bot_runtime.journal.entries import CandleRow, OutboxRow, Rows
from bot_runtime.journal.order_entries import FillRow
from bot_runtime.market.candles import ms_of
from bot_runtime.notices.messages import MESSAGE_MAX, NEWS_MAX, messages_of, news, news_of
from bot_runtime.trading.session import Taken
from bot_runtime.trading.session_state import SessionState

OPEN = "2026-03-01T12:10:00Z"
CLOSE = "2026-03-01T12:15:00Z"
ONE = Decimal(1)


def fill(side: str, order: str) -> FillRow:
    at_ms = ms_of(OPEN)
    return FillRow(
        "BTC/USDT", f"{order}-{at_ms}", order, side, ONE, ONE, ONE, ONE, "USDT", ONE, False, ONE,
        at_ms, ms_of(CLOSE), at_ms,
    )  # fmt: skip


def action(purpose: str, order: str, profit: str | None = None) -> ActionStatus:
    return ActionStatus.model_validate(
        {
            "order": order,
            "symbol": "BTC/USDT",
            "purpose": purpose,
            "quantity": "0.0371",
            "price": "27000.13",
            "time": OPEN,
            "profit": profit,
        }
    )


def limit(resets_at: str | None, symbol: str | None = None) -> LimitStatus:
    return LimitStatus.model_validate(
        {
            "limit": "StopCooldown" if symbol else "Drawdown",
            "symbol": symbol,
            "value": "0.151",
            "threshold": "0.15",
            "trippedAt": CLOSE,
            "resetsAt": resets_at,
        }
    )


def taken() -> Taken:
    candle = CandleRow("BTC/USDT", ms_of(CLOSE), 1.0, 1.0, 1.0, 1.0, 1.0)
    return Taken(
        Rows(candles=(candle,), fills=(fill("BUY", "b71"), fill("SELL", "b72"))),
        SessionState(),
        (action("Entry", "b71"), action("Stop", "b72", "-18.55")),
        tripped=(limit(None), limit("2026-03-01T12:25:00Z", "BTC/USDT")),
        reset=(limit("2026-01-01T00:00:00Z"),),
    )


def test_each_piece_of_news_says_what_happened_and_why() -> None:
    found = list(news_of(taken(), {"b71": "probability 0.612, return 0.00210, risk 0.310"}.get))
    assert [(row.kind, row.text) for row in found] == [
        (
            "Fill",
            "bought 0.0371 of BTC/USDT at 27000.13, candle 2026-03-01T12:10:00Z; probability "
            "0.612, return 0.00210, risk 0.310",
        ),
        (
            "Fill",
            "sold 0.0371 of BTC/USDT at 27000.13, candle 2026-03-01T12:10:00Z, as its stop was "
            "hit; profit -18.55",
        ),
        ("Limit", "Drawdown: 0.151, allowed 0.15; nothing is bought until risk.resumeAfter"),
        (
            "Limit",
            "StopCooldown of BTC/USDT: 0.151, allowed 0.15; nothing is bought until "
            "2026-03-01T12:25:00Z",
        ),
        ("Limit", "Drawdown stands no more; it tripped at 2026-03-01T12:15:00Z"),
    ]
    assert len({row.key for row in found}) == len(found)
    assert [row.created_ms for row in found] == [ms_of(OPEN)] * 2 + [ms_of(CLOSE)] * 3


def test_the_same_has_the_same_key_and_a_decision_that_is_not_known_is_left_out() -> None:
    first, again = (list(news_of(taken(), lambda _: None)) for _ in range(2))
    assert first == again
    assert first[0].text.endswith("candle 2026-03-01T12:10:00Z")


def test_news_of_one_run_are_one_message_below_the_bots_name() -> None:
    rows = list(news_of(taken(), lambda _: None))
    (message,) = messages_of("bots/steady (paper)", rows)
    assert message.text == "\n".join(["bots/steady (paper)", *(row.text for row in rows)])
    assert message.keys == tuple(row.key for row in rows)
    assert messages_of("bots/steady (paper)", []) == []


def test_what_does_not_fit_is_another_message_and_nothing_is_lost() -> None:
    draw = random.Random(7)
    alphabet = ["x", "\u00e9", "\U0001f4b0"]  # the last one counts as two
    texts = ["".join(draw.choices(alphabet, k=draw.randint(1, 1500))) for _ in range(60)]
    rows = [news("Fill", str(n), text, n) for n, text in enumerate(texts)]
    messages = messages_of("bots/steady (paper)", rows)
    assert 10 < len(messages) < 60
    for message in messages:
        assert len(message.text.encode("utf-16-le")) <= 2 * MESSAGE_MAX
        assert message.text.startswith("bots/steady (paper)\n")
    assert [key for message in messages for key in message.keys] == [row.key for row in rows]
    told = [line for message in messages for line in message.text.split("\n")[1:]]
    assert told == [text[:NEWS_MAX] for text in texts]


def test_the_longest_news_fit_below_the_longest_name() -> None:
    heading = f"{'n' * 63}/{'b' * 40} (paper)"
    rows = [OutboxRow(str(n), "Fill", "\U0001f4b0" * NEWS_MAX, n) for n in range(3)]
    for message in messages_of(heading, rows):
        assert len(message.text.encode("utf-16-le")) <= 2 * MESSAGE_MAX
