"""Health: a process that lives and does not work is not healthy."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from bot_operator.api.resources import TRADING_BOTS
from bot_operator.health import Health
from bot_operator.watching.workqueue import Key, WorkQueue

KEY = Key(TRADING_BOTS, "bots", "a")


def health(queue: "WorkQueue[Key]", silence: float = 0.0) -> Health:
    api: Any = SimpleNamespace(last_success=time.monotonic() - silence)
    return Health(api, queue)


async def test_a_working_process_has_no_problems() -> None:
    assert health(WorkQueue()).problems() == []


async def test_silence_of_the_api_server_is_a_problem() -> None:
    assert "no call to the API server" in health(WorkQueue(), silence=91).problems()[0]


async def test_a_key_that_nobody_takes_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    queue: WorkQueue[Key] = WorkQueue()
    queue.add(KEY)
    tested = health(queue)
    later = time.monotonic() + 121
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert "keys have waited for 121 s" in str(tested.problems())


async def test_a_long_queue_that_moves_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    queue: WorkQueue[Key] = WorkQueue()
    for name in ("b", "a"):
        queue.add(Key(TRADING_BOTS, "bots", name))
    later = time.monotonic() + 121
    monkeypatch.setattr(time, "monotonic", lambda: later)
    queue.done(await queue.get())
    assert queue.oldest_age() == pytest.approx(121, abs=1)
    assert health(queue).problems() == []


async def test_a_late_event_loop_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    tested = health(WorkQueue())
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 12)
    assert "the event loop is 11 s late" in tested.problems()[0]
