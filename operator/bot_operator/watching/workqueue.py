"""The work queue: keys to reconcile, each at most once in the queue and in one worker at a time."""

import asyncio
import random
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot_operator import metrics
from bot_operator.api.resources import Resource

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF_SECONDS = 1.0
LAST_BACKOFF_SECONDS = 300.0
CONFLICT_BACKOFF_SECONDS = 0.05
_TURNS = 4


class WorkQueue(Generic[K]):
    """A set of keys in order of arrival, in two lines.

    What stands is looked after before what is new: a thousand bots that are created at once stand
    in the second line until nothing is left to write for them, and an edit of one that runs does
    not wait for them. Of four keys that are taken one comes from the second line as long as any
    waits there, so that it moves on, too. No more than `behind_at_once` of it are in workers
    together: an edit's requests share the API server with theirs.

    A key that is added while a worker has it runs once more when that worker is done with it.
    Failures back off by key, from 1 s to 5 min with jitter, and never give up. What wakes a failing
    key brings its next attempt forward, but not before 1 s (or what the API server asked for) is
    over: a burst of events is one attempt, and counts as none.
    """

    def __init__(
        self, draw: Callable[[], float] = random.random, *, behind_at_once: int = sys.maxsize
    ) -> None:
        self._draw = draw
        self._behind_at_once = behind_at_once
        self._ready: OrderedDict[K, float] = OrderedDict()
        self._second: OrderedDict[K, float] = OrderedDict()
        self._behind: set[K] = set()
        self._turn = 0
        self._running: dict[K, bool] = {}
        self._running_behind: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._held_until: dict[K, float] = {}
        self._wake = asyncio.Event()
        self._last_done = 0.0

    def __len__(self) -> int:
        return len(self._ready) + len(self._second)

    def add(self, key: K) -> None:
        """Have `key` reconciled as soon as a worker is free."""
        held = max(0.0, self._held_until.get(key, 0.0) - time.monotonic())
        timer = self._timers.get(key)
        if timer is not None and timer.when() > asyncio.get_running_loop().time() + held:
            self._failures[key] = max(0, self._failures.get(key, 0) - 1)
        if held:
            self.add_after(key, held)
            return
        if timer is not None:
            self._timers.pop(key).cancel()
        if key in self._running:
            self._running[key] = True
        elif key not in self._ready and key not in self._second:
            line = self._second if key in self._behind else self._ready
            line[key] = time.monotonic()
            self._wake.set()

    def add_behind(self, key: K) -> None:
        """Have `key` reconciled in the second line, this time and until it is settled."""
        if key not in self._ready:
            self._behind.add(key)
        self.add(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Have `key` reconciled in `seconds`, unless it is woken earlier."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self.add, key)

    def retry(
        self, key: K, at_least: float = 0.0, *, first: float = FIRST_BACKOFF_SECONDS
    ) -> float:
        """Have a failed `key` tried again after its backoff; return the seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        bound = min(first * 2.0 ** min(failures, 16), LAST_BACKOFF_SECONDS)
        delay = max(bound * (0.75 + 0.25 * self._draw()), at_least)
        held = max(min(delay, FIRST_BACKOFF_SECONDS), at_least)
        self._held_until[key] = time.monotonic() + held
        self.add_after(key, delay)
        return delay

    def succeeded(self, key: K, *, settled: bool = True) -> None:
        """Forget the failures of `key`; where it is settled, nothing was left to do for it."""
        if settled:
            self._behind.discard(key)
        self._failures.pop(key, None)
        self._held_until.pop(key, None)

    def forget(self, key: K) -> None:
        """Drop every wake-up of `key`: its object is gone."""
        self.succeeded(key)
        self._ready.pop(key, None)
        self._second.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    async def get(self) -> K:
        """Wait for a key and take it; `done` must follow."""
        while not self._ready and not self._takes_second():
            self._wake.clear()
            await self._wake.wait()
        self._turn = (self._turn + 1) % _TURNS
        of_second = self._takes_second() and (not self._ready or self._turn == 0)
        key, since = (self._second if of_second else self._ready).popitem(last=False)
        metrics.QUEUE_WAIT_SECONDS.observe(time.monotonic() - since)
        self._running[key] = False
        if of_second:
            self._running_behind.add(key)
        return key

    def done(self, key: K) -> None:
        """Give a taken key back; it runs again at once where it was woken meanwhile."""
        self._last_done = time.monotonic()
        if key in self._running_behind:
            self._running_behind.remove(key)
            self._wake.set()
        if self._running.pop(key):
            self.add(key)

    def oldest_age(self) -> float:
        """Return the seconds that the first key of a line has been waiting, 0 for none."""
        since = self._first_since()
        return 0.0 if since is None else time.monotonic() - since

    def stuck_for(self) -> float:
        """Return the seconds in which keys have waited and none was done, 0 for an empty queue.

        A long queue that moves is load, which a restart would only add to.
        """
        since = self._first_since()
        return 0.0 if since is None else time.monotonic() - max(self._last_done, since)

    def _takes_second(self) -> bool:
        return bool(self._second) and len(self._running_behind) < self._behind_at_once

    def _first_since(self) -> float | None:
        firsts = (next(iter(line.values()), None) for line in (self._ready, self._second))
        return min((first for first in firsts if first is not None), default=None)


@dataclass(frozen=True, slots=True)
class Key:
    """An owner to reconcile."""

    resource: Resource
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.resource.plural}/{self.namespace}/{self.name}"
