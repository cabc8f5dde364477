"""Events listed once for all who ask: how often, how fresh, and what an error leaves."""

import asyncio

import pytest

from bot_operator.api.errors import ApiError, Unavailable
from bot_operator.api.eventlists import EventLists
from bot_operator.api.resources import Manifest

THROTTLED = Unavailable(429, "TooManyRequests", "try again later", 7.0)


def event(uid: str, message: str = "no") -> Manifest:
    return {
        "metadata": {"name": f"e-{uid}", "creationTimestamp": "2026-03-01T12:00:00Z"},
        "involvedObject": {"uid": uid},
        "type": "Warning",
        "message": message,
        "source": {"component": "kubelet"},
    }


class Server:
    """Answers with what `events` hold, after `takes` seconds of its own clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.takes = 0.01
        self.asked: list[tuple[str, str]] = []
        self.events: list[Manifest] = [event("a"), event("b")]
        self.error: ApiError | None = None
        self.lists = EventLists(self.fetch, lambda: self.now)

    async def fetch(self, namespace: str, fields: str) -> list[Manifest]:
        self.asked.append((namespace, fields))
        await asyncio.sleep(0)
        self.now += self.takes
        if self.error is not None:
            raise self.error
        return self.events

    async def words(self, uid: str = "a", namespace: str = "bots") -> list[str]:
        found = await self.lists.about(uid, namespace, "type=Warning")
        return [e["message"] for e in found]


async def test_a_thousand_askers_are_one_request() -> None:
    server = Server()
    found = await asyncio.gather(*(server.words(uid) for uid in "abc" * 333))
    assert len(server.asked) == 1
    assert found[:3] == [["no"], ["no"], []]
    assert await server.words() == ["no"]
    assert len(server.asked) == 1
    await server.words(namespace="others")
    assert server.asked[1:] == [("others", "type=Warning")]


async def test_a_list_is_made_again_after_a_second_or_ten_times_what_it_took() -> None:
    server = Server()
    await server.words()
    server.events = [event("a", "yes")]
    server.now += 0.9
    assert await server.words() == ["no"]
    server.now += 0.1
    server.takes = 2.0
    assert await server.words() == ["yes"]
    server.events = []
    server.now += 19.9
    assert await server.words() == ["yes"]
    server.now += 0.2
    assert await server.words() == []


async def test_a_throttled_list_leaves_the_last_one_and_waits_as_long_as_it_is_asked_to() -> None:
    server = Server()
    await server.words()
    server.now += 60
    server.error = THROTTLED
    assert await server.words() == ["no"]
    server.now += 6.9
    assert await server.words() == ["no"]
    assert len(server.asked) == 2
    server.now += 0.1
    server.error = None
    server.events = []
    assert await server.words() == []
    assert len(server.asked) == 3


async def test_where_nothing_was_ever_read_all_who_ask_hear_the_error_of_one_request() -> None:
    server = Server()
    server.error = THROTTLED
    found = await asyncio.gather(server.words(), server.words("b"), return_exceptions=True)
    assert [type(e) for e in found] == [Unavailable, Unavailable]
    with pytest.raises(Unavailable, match="try again later"):
        await server.words()
    assert len(server.asked) == 1
    server.now += 7
    server.error = None
    assert await server.words() == ["no"]


async def test_an_asker_who_gives_up_spoils_nobodys_answer() -> None:
    server = Server()
    first = asyncio.create_task(server.words())
    second = asyncio.create_task(server.words("b"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ["no"]
    assert len(server.asked) == 1


async def test_lists_that_nobody_asks_for_any_more_are_dropped() -> None:
    server = Server()
    await server.words()
    server.now += 100
    await server.words(namespace="others")
    server.now -= 100  # were it still known, it would be fresh
    await server.words()
    assert server.asked == [
        ("bots", "type=Warning"),
        ("others", "type=Warning"),
        ("bots", "type=Warning"),
    ]
