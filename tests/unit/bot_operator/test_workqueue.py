"""The work queue."""

import asyncio
import time
from itertools import pairwise

import pytest

from bot_operator.watching import workqueue
from bot_operator.watching.workqueue import WorkQueue


async def test_a_key_added_twice_is_taken_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    queue.add("b")
    queue.add("a")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_is_never_in_two_workers_and_runs_once_more_when_woken_meanwhile() -> None:
    queue: WorkQueue[str] = WorkQueue()
    running: set[str] = set()
    runs: list[str] = []

    async def work() -> None:
        while True:
            key = await queue.get()
            assert key not in running
            running.add(key)
            await asyncio.sleep(0.01)
            running.remove(key)
            runs.append(key)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(4)]
    queue.add("a")
    await asyncio.sleep(0.005)
    queue.add("a")
    queue.add("a")
    await asyncio.sleep(0.06)
    for worker in workers:
        worker.cancel()
    assert runs == ["a", "a"]


async def test_the_earliest_of_two_delays_counts_and_waking_replaces_both() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 60)
    queue.add_after("a", 0.01)
    queue.add_after("a", 30)
    assert await asyncio.wait_for(queue.get(), 1) == "a"
    queue.done("a")
    queue.add_after("a", 0.01)
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    await asyncio.sleep(0.03)
    assert len(queue) == 0


async def test_backoff_doubles_to_five_minutes_never_gives_up_and_is_forgotten_on_success() -> None:
    queue: WorkQueue[str] = WorkQueue(draw=lambda: 1.0)
    delays = [queue.retry("a") for _ in range(30)]
    assert delays[:4] == [1, 2, 4, 8]
    assert delays[9:] == [300] * 21
    queue.succeeded("a")
    assert queue.retry("a") == 1
    unlucky: WorkQueue[str] = WorkQueue(draw=lambda: 0.0)
    assert unlucky.retry("a") == 0.75
    unlucky.forget("a")
    assert queue.retry("b", at_least=7) == 7
    queue.forget("a")
    queue.forget("b")


async def test_a_burst_of_events_neither_hammers_nor_escalates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workqueue, "FIRST_BACKOFF_SECONDS", 0.02)
    queue: WorkQueue[str] = WorkQueue(draw=lambda: 1.0)
    queue.add("a")
    attempts = []
    for _ in range(5):
        assert await asyncio.wait_for(queue.get(), 1) == "a"
        attempts.append(time.monotonic())
        queue.add("a")  # an event while it runs, and two after it has failed
        delay = queue.retry("a", first=0.1)
        queue.done("a")
        queue.add("a")
        queue.add("a")
        assert len(queue) == 0
        assert delay == 0.1  # brought forward, an attempt does not count
    assert all(0.02 <= b - a < 0.1 for a, b in pairwise(attempts))
    queue.forget("a")


async def test_an_event_does_not_shorten_what_the_api_server_asked_for() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.retry("a", at_least=0.1)
    asked = time.monotonic()
    queue.add("a")
    assert len(queue) == 0
    assert await asyncio.wait_for(queue.get(), 1) == "a"
    assert time.monotonic() - asked >= 0.09
    queue.done("a")
    queue.succeeded("a")
    queue.add("a")
    assert len(queue) == 1


async def test_a_forgotten_key_does_not_come_back() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 0.01)
    queue.add("b")
    queue.forget("a")
    queue.forget("b")
    await asyncio.sleep(0.03)
    assert len(queue) == 0


async def test_oldest_age_is_that_of_the_first_waiting_key() -> None:
    queue: WorkQueue[str] = WorkQueue()
    assert queue.oldest_age() == 0
    queue.add("a")
    await asyncio.sleep(0.02)
    queue.add("b")
    assert queue.oldest_age() >= 0.015


async def test_what_is_new_waits_behind_what_stands_but_not_for_ever() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for number in range(3):
        queue.add_behind(f"new-{number}")
    for number in range(6):
        queue.add(f"edit-{number}")
    assert len(queue) == 9
    taken = [await queue.get() for _ in range(9)]
    assert taken[:5] == ["edit-0", "edit-1", "edit-2", "new-0", "edit-3"]
    assert taken[5:] == ["edit-4", "edit-5", "new-1", "new-2"]


async def test_a_new_key_stays_behind_until_it_is_settled() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_behind("new")
    assert await queue.get() == "new"
    queue.add("new")  # by what its own writes wake
    queue.succeeded("new", settled=False)
    queue.done("new")
    queue.add("edit")
    assert await queue.get() == "edit"
    assert await queue.get() == "new"
    queue.succeeded("new", settled=True)
    queue.done("new")
    assert await _first_of(queue, "new")
    queue.add_behind("forgotten")
    queue.forget("forgotten")
    assert await _first_of(queue, "forgotten")


async def _first_of(queue: WorkQueue[str], key: str) -> bool:
    """Tell whether `key` stands in the first line: three of four that are taken are of it."""
    for number in range(3):
        queue.add_behind(f"{key}-other-{number}")
    for number in range(2):
        queue.add(f"{key}-edit-{number}")
    queue.add(key)
    return key in [await queue.get() for _ in range(4)]


async def test_a_key_that_waits_keeps_its_one_place() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_behind("a")
    queue.add_behind("b")
    queue.add_behind("a")
    queue.add("a")
    queue.add("c")
    queue.add_behind("c")
    assert [await queue.get() for _ in range(3)] == ["c", "a", "b"]
    queue.add_behind("a")
    assert len(queue) == 0
    queue.done("a")
    assert await queue.get() == "a"


async def test_so_many_of_the_second_line_are_in_workers_together_and_no_more() -> None:
    queue: WorkQueue[str] = WorkQueue(behind_at_once=2)
    for key in ("a", "b", "c"):
        queue.add_behind(key)
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    third = asyncio.create_task(queue.get())
    await asyncio.sleep(0.01)
    assert not third.done()
    queue.add("edit")
    assert await asyncio.wait_for(third, 1) == "edit"
    fourth = asyncio.create_task(queue.get())
    await asyncio.sleep(0.01)
    assert not fourth.done()
    queue.done("a")
    assert await asyncio.wait_for(fourth, 1) == "c"


async def test_the_second_line_counts_for_age_and_is_forgotten_with_its_object() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_behind("a")
    await asyncio.sleep(0.01)
    assert queue.oldest_age() >= 0.01
    assert queue.stuck_for() >= 0.01
    queue.forget("a")
    assert len(queue) == 0
    assert queue.oldest_age() == queue.stuck_for() == 0


async def test_a_new_key_that_failed_waits_for_its_backoff_no_longer_when_it_is_woken() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 60)
    queue.add_behind("a")
    assert await asyncio.wait_for(queue.get(), 1) == "a"
