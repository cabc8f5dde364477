"""Logs: JSON, and every line of a reconciliation can be found by its object and its pass."""

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bot_operator.api.errors import Conflict, Unavailable
from bot_operator.api.resources import TRADING_BOTS
from bot_operator.logs import configure_logs
from bot_operator.reconcile import work
from bot_operator.watching.workqueue import Key, WorkQueue

A, B = Key(TRADING_BOTS, "bots", "a"), Key(TRADING_BOTS, "bots", "b")
Lines = Callable[[], "list[dict[str, Any]]"]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Return what has been logged since, as the operator's process would write it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs()
    stream = io.StringIO()
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


class Chatty:
    """A reconciler that logs on both ways, waits in between, and fails where it is told to."""

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    async def reconcile(self, key: Key) -> None:
        structlog.get_logger().info("ours", about=key.name)
        await asyncio.sleep(0)
        logging.getLogger("a.library").warning("theirs about %s", key.name)
        if self._failure is not None:
            raise self._failure


async def run(reconciler: Any, *keys: Key) -> None:
    queue: WorkQueue[Key] = WorkQueue()
    for key in keys:
        queue.add(key)
    workers = [asyncio.create_task(work(queue, reconciler)) for _ in keys]
    await asyncio.sleep(0.05)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def test_every_line_of_a_reconciliation_has_its_key_and_its_id(lines: Lines) -> None:
    await run(Chatty(), A, B)
    found = lines()
    assert len(found) == 4
    assert {line["key"] for line in found} == {str(A), str(B)}
    for line in found:
        name = line["key"].rsplit("/", 1)[-1]
        assert line.get("about") == name or line["event"] == f"theirs about {name}"
    assert len({line["reconcile_id"] for line in found}) == 2
    assert len({(line["key"], line["reconcile_id"]) for line in found}) == 2


@pytest.mark.parametrize(
    ("failure", "level"),
    [
        (Conflict(409, "Conflict", "changed"), "info"),
        (Unavailable(503, "ServiceUnavailable", "later"), "warning"),
        (RuntimeError("a defect"), "error"),
    ],
    ids=["conflict", "unavailable", "defect"],
)
async def test_a_failure_is_told_with_both(lines: Lines, failure: Exception, level: str) -> None:
    await run(Chatty(failure), A)
    found = lines()
    first, last = found[0], next(line for line in found if "in_seconds" in line)
    assert (last["level"], last["key"]) == (level, str(A))
    assert last["reconcile_id"] == first["reconcile_id"]
    assert last["in_seconds"] > 0


async def test_two_passes_of_one_object_are_told_apart(lines: Lines) -> None:
    await run(Chatty(), A)
    await run(Chatty(), A)
    assert len({line["reconcile_id"] for line in lines()}) == 2


async def test_lines_outside_a_reconciliation_have_neither(lines: Lines) -> None:
    await run(Chatty(), A)
    structlog.get_logger().info("serving")
    last = lines()[-1]
    assert last["event"] == "serving"
    assert not {"key", "reconcile_id"} & set(last)


async def test_a_secret_in_an_exception_reaches_no_line(lines: Lines) -> None:
    failure = Unavailable(502, "BadGateway", "https://bot:hunter2hunter3@proxy.example/apis")
    await run(Chatty(failure), A)
    logging.getLogger("a.library").warning("theirs: %s", failure)
    told = json.dumps(lines())
    assert "hunter2" not in told
    assert told.count("proxy.example") > 1
