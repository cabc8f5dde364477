"""What is done to a journal in a process of its own, since the process or its volume does not last.

    python -m tests.unit.bot_runtime.journal_in_process WHAT FOLDER

Each prints what came of it as JSON, and ends with a traceback where something did not hold. One
thread and no open file are what a fork asks for, and pytest has more.
"""

import ctypes
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bot_runtime.journal import migrating
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.run_entries import RunRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.process.errors import BusyError, StoreUnavailableError
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER, Bot, assert_whole

JOURNALS, KILLS_OF_EACH = 12, 25
WITHIN_SECONDS = 0.06
"""A run takes half of it; whoever is not killed goes on with the next candle."""
NOBODY = 65_534
POSTGRES_JOURNALS, POSTGRES_WITHIN_SECONDS = 2, 0.3
FREE_SECONDS = 10.0
REFUSALS = 5
SMALL, LARGE = 700_000, 1 << 30
"""Bytes of a volume or a file: room for the tables and some candles, and for all of them."""
_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_NAMESPACE, _PRIVATE, _REMOUNT = 0x20000, 0x44000, 0x20


def kills(folder: Path) -> dict[str, int]:
    """Kill a bot at random times, and look at the journal after each."""
    bots = [Bot(_file(folder / str(seed)), seed) for seed in range(JOURNALS)]
    return _kills(bots, WITHIN_SECONDS)


def postgres_kills(folder: Path) -> dict[str, int]:
    """Do the same in the database whose url is in a file of the folder."""
    from bot_runtime.journal.postgres_schema import PostgresSchema
    from bot_runtime.journal.postgres_url import load_url

    url = load_url(folder / "url")
    schemas = (PostgresSchema(url, "bots", f"steady{n}") for n in range(POSTGRES_JOURNALS))
    return _kills([Bot(schema, n) for n, schema in enumerate(schemas)], POSTGRES_WITHIN_SECONDS)


def _kills(bots: list[Bot], within_seconds: float) -> dict[str, int]:
    draw = random.Random(18)
    found = {"kills": 0, "unfinished": 0, "finished": 0}
    for bot in bots:
        for _ in range(KILLS_OF_EACH):
            _killed(partial(_go_on, bot), draw.uniform(0, within_seconds))
            _wait_until_free(bot)
            with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
                assert_whole(journal)
            found["kills"] += 1
        bot.run()
        with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
            for run in journal.all(RunRow):
                found["unfinished" if run.ended_verdict is None else "finished"] += 1
    return found


def migration(folder: Path) -> dict[str, int]:
    """Kill the first opening of a journal at random times, then look whether it is whole."""
    draw = random.Random(19)
    found = {"kills": 0}
    for n in range(20):
        bot = Bot(_file(folder / str(n)), n)
        _killed(bot.run, draw.uniform(0, 0.15))
        found["kills"] += 1
        bot.run()
        with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
            assert_whole(journal)
    return found


def full(folder: Path) -> dict[str, object]:
    """Go on until the volume is full, then with more room; say what was told meanwhile."""
    enlarge = _small_volume(folder)
    bot, told = Bot(_file(folder), 1), list[str]()
    while len(told) < REFUSALS:
        try:
            bot.run()
        except StoreUnavailableError as e:
            told.append(str(e))
    enlarge()
    before = bot.run()
    assert bot.run() > before
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
        sequence = journal.identity.sequence
    return {"told": told, "sequence": sequence}


def read_only(folder: Path) -> dict[str, str]:
    """Make what a journal needs read-only, piece by piece; say what is told."""
    file = _file(folder)
    bot, told = Bot(file, 1), {}
    bot.run()
    folder.chmod(0o755)
    files = {"folder": folder, "file": file.path, "lock": folder / "journal.lock"}
    if os.geteuid() == 0:
        for path in files.values():
            os.chown(path, NOBODY, NOBODY)
        os.setgroups([])
        os.setuid(NOBODY)
    for name, path in files.items():
        mode = path.stat().st_mode
        path.chmod(0o555 if path.is_dir() else 0o444)
        try:
            bot.run()
        except StoreUnavailableError as e:
            told[name] = str(e)
        with read_journal(bot.database) as reader:
            assert_whole(reader)
        path.chmod(mode)
    bot.run()
    with open_journal(bot.database, OWNER, BEGIN_MS) as journal:
        assert_whole(journal)
    return told


def _file(folder: Path) -> SqliteFile:
    return SqliteFile(folder / "journal.db")


def _wait_until_free(bot: Bot) -> None:
    """Wait until a server has seen that whoever held the journal is dead."""
    until = time.monotonic() + FREE_SECONDS
    while True:
        try:
            with bot.database.hold():
                return
        except BusyError:
            if time.monotonic() > until:
                raise


def _go_on(bot: Bot) -> None:
    while True:
        bot.run()


def _killed(do: Callable[[], object], after_seconds: float) -> None:
    """Do something in a fork of this process, and kill it."""
    child = os.fork()
    if child == 0:
        try:
            do()
            os._exit(0)
        finally:
            os._exit(1)
    time.sleep(after_seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the bot failed by itself"


def _small_volume(folder: Path) -> Callable[[], object]:
    """Give a folder little room; return what gives it more.

    It is a volume of its own where this user may mount one, else no file may grow.
    """
    if mounted(folder, SMALL):
        where, more = os.fsencode(folder), f"size={LARGE}".encode()
        return lambda: _LIBC.mount(b"tmpfs", where, b"tmpfs", _REMOUNT, more)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL // 2, LARGE))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LARGE, LARGE))


def mounted(folder: Path, size: int) -> bool:
    """Mount a volume of a size in bytes that this process alone sees; tell whether that went."""
    options, where = f"size={size}".encode(), os.fsencode(folder)
    steps = (
        partial(_LIBC.unshare, _NEW_NAMESPACE),
        partial(_LIBC.mount, b"none", b"/", None, _PRIVATE, None),
        partial(_LIBC.mount, b"tmpfs", where, b"tmpfs", 0, options),
    )
    return all(step() == 0 for step in steps)


if __name__ == "__main__":
    assert migrating.MIGRATIONS.is_dir()  # imported before anything is forked
    steps = {
        "kills": kills,
        "postgres-kills": postgres_kills,
        "full": full,
        "read-only": read_only,
        "migration": migration,
    }
    print(json.dumps(steps[sys.argv[1]](Path(sys.argv[2]))))
