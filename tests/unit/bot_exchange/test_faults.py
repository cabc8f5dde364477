import http.client
import json
import urllib.error
import urllib.request
from contextlib import nullcontext

import pytest

from bot_exchange.venue.faults import FaultError, Faults, parse_faults
from tests.unit.bot_exchange.conftest import Served
from tests.unit.bot_exchange.requests_of import Answer, request
from tests.unit.bot_exchange.servers import MINUTE_MS, NOW_MS

KLINES = "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=10"
OPENED_MS = NOW_MS - 30_000


def order(served: Served, **faults: object) -> Answer:
    return request(served.url, "/_control/faults", "POST", body=faults)


def opens(served: Served) -> list[int]:
    return [row[0] for row in request(served.url, KLINES).body]


def test_a_stale_feed_shows_no_new_candle(served: Served) -> None:
    assert order(served, stale_since_ms=OPENED_MS - 1).status == 200
    request(served.url, "/_control/clock", "POST", body={"advance_ms": 5 * MINUTE_MS})
    assert opens(served)[-1] == OPENED_MS - MINUTE_MS
    order(served)
    assert opens(served)[-1] == OPENED_MS + 5 * MINUTE_MS


def test_a_gap_has_no_candles(served: Served) -> None:
    order(served, gaps=[[OPENED_MS - 3 * MINUTE_MS, OPENED_MS - MINUTE_MS]])
    shown = opens(served)
    assert len(shown) == 10
    assert OPENED_MS - 3 * MINUTE_MS not in shown
    assert OPENED_MS - MINUTE_MS in shown


@pytest.mark.parametrize(
    ("kind", "column", "found"),
    [
        ("null_volume", 5, None),
        ("zero_price", 4, "0.00000000"),
        ("off_grid", 0, OPENED_MS - MINUTE_MS + 1000),
    ],
)
def test_rows_are_broken_where_ordered(
    served: Served, kind: str, column: int, found: object
) -> None:
    sound = request(served.url, KLINES).body
    order(served, broken=[[kind, OPENED_MS - MINUTE_MS, OPENED_MS]])
    rows = request(served.url, KLINES).body
    assert rows[-2][column] == found
    assert rows[:-2] + rows[-1:] == sound[:-2] + sound[-1:]


def test_a_high_is_below_the_close_where_ordered(served: Served) -> None:
    order(served, broken=[["high_below_close", OPENED_MS - MINUTE_MS, OPENED_MS]])
    row = request(served.url, KLINES).body[-2]
    assert float(row[2]) < float(row[4])


def test_a_short_memory_has_the_newest_alone(served: Served) -> None:
    order(served, memory_candles=3)
    newest = [OPENED_MS - 2 * MINUTE_MS, OPENED_MS - MINUTE_MS, OPENED_MS]
    assert opens(served) == newest
    rows = request(served.url, f"{KLINES}&startTime={OPENED_MS - 99 * MINUTE_MS}").body
    assert [row[0] for row in rows] == newest


def test_a_page_may_end_whether_there_are_candles_or_not(served: Served) -> None:
    start = OPENED_MS - 9 * MINUTE_MS
    order(served, page_candles=4, gaps=[[start + MINUTE_MS, start + 6 * MINUTE_MS]])
    rows = request(served.url, f"{KLINES}&startTime={start}").body
    assert [row[0] for row in rows] == [start]
    assert len(opens(served)) == 4


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("html", b"<html>"),
        ("cut", b"[["),
        ("empty", b""),
        ("error", b'{"message"'),
        ("null", b"null"),
    ],
)
def test_answers_are_garbled_with_status_200(served: Served, kind: str, found: bytes) -> None:
    order(served, garbled_next=1, garbled_as=kind, garbled_path="/klines")
    assert request(served.url, "/api/v3/time").body["serverTime"] == NOW_MS
    with urllib.request.urlopen(served.url + KLINES, timeout=5) as answer:
        body = answer.read()
    assert body.startswith(found)
    with pytest.raises(json.JSONDecodeError) if kind not in ("error", "null") else nullcontext():
        json.loads(body)
    assert len(opens(served)) == 10


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("rate_limit_next", 429, -1003), ("ban_next", 418, -1003), ("error_next", 503, -1001)],
)
def test_the_next_requests_fail_and_no_more(
    served: Served, fault: str, status: int, code: int
) -> None:
    order(served, **{fault: 2})
    answers = [request(served.url, KLINES) for _ in range(3)]
    assert [answer.status for answer in answers] == [status, status, 200]
    assert answers[0].body["code"] == code
    assert ("Retry-After" in answers[0].headers) == (status in (418, 429))


def test_a_dropped_connection_has_no_answer(served: Served) -> None:
    order(served, drop_next=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, urllib.error.URLError)):
        request(served.url, KLINES)
    assert request(served.url, KLINES).status == 200


def test_a_request_that_hangs_lets_others_through(served: Served) -> None:
    order(served, hang_next=1, hang_seconds=1.0)
    with pytest.raises(TimeoutError):
        request(served.url, KLINES, timeout=0.2)
    assert request(served.url, KLINES, timeout=5).status == 200


def test_the_orders_in_force_are_shown(served: Served) -> None:
    order(served, error_next=3, hang_seconds=2)
    request(served.url, KLINES)
    shown = request(served.url, "/_control/faults").body
    assert shown["error_next"] == 2
    assert shown["stale_since_ms"] is None


def test_health_and_control_do_not_fail(served: Served) -> None:
    order(served, error_next=1)
    assert request(served.url, "/_control/clock").body == {"now_ms": NOW_MS, "speed": 0}
    assert served.exchange.faults.error_next == 1


@pytest.mark.parametrize(
    ("faults", "field"),
    [
        ([], "expected an object"),
        ({"explode": 1}, "explode: unknown; known are ban_next"),
        ({"error_next": -1}, "error_next: found -1"),
        ({"error_next": 1.5}, "error_next: found 1.5"),
        ({"error_next": True}, "error_next: found True"),
        ({"hang_seconds": "long"}, "hang_seconds: found 'long'"),
        ({"gaps": [[2, 1]]}, "gaps: found"),
        ({"gaps": [1]}, "gaps: found"),
        ({"gaps": {}}, "gaps: found"),
        ({"broken": [["null_volume", 2, 1]]}, "broken: found"),
        ({"broken": [["odd", 1, 2]]}, "broken: found"),
        ({"broken": "null_volume"}, "broken: found"),
        ({"memory_candles": -1}, "memory_candles: found -1"),
        ({"garbled_as": "xml"}, "garbled_as: found 'xml'; use one of html, cut"),
        ({"garbled_path": 1}, "garbled_path: found 1"),
    ],
)
def test_an_order_that_cannot_be_is_refused_by_name(
    served: Served, faults: object, field: str
) -> None:
    with pytest.raises(FaultError) as refusal:
        parse_faults(faults)
    assert str(refusal.value).startswith(field)
    answer = request(served.url, "/_control/faults", "POST", body=faults)
    assert answer.status == 400
    assert answer.body["error"] == str(refusal.value)
    assert served.exchange.faults == Faults()


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"now_ms": 5_000}, 200, {"now_ms": 5_000, "speed": 0}),
        ({"now_ms": 5_000, "advance_ms": 60}, 200, {"now_ms": 5_060, "speed": 0}),
        ({"now_ms": -1}, 400, {"error": "now_ms: found -1; use a number from 0"}),
        ({"year": 1}, 400, {"error": "year: unknown; known are now_ms, advance_ms, speed"}),
        ([], 400, {"error": "expected an object"}),
    ],
)
def test_the_clock_is_set(
    served: Served, body: object, status: int, expected: dict[str, object]
) -> None:
    answer = request(served.url, "/_control/clock", "POST", body=body)
    assert (answer.status, answer.body) == (status, expected)


def test_a_body_that_is_not_json_is_refused(served: Served) -> None:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=5)
    connection.request("POST", "/_control/clock", b"tomorrow")
    assert connection.getresponse().status == 400
    connection.close()
