"""Journals of bots, copied off their volumes while no run writes, and judged."""

import shutil
from pathlib import Path

from bot_runtime.backtest.journal_differences import compare_with_replay
from bot_runtime.journal.entries import CandleRow, DecisionRow
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.order_entries import OrderRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.store.layout import Store
from tests.e2e.world import World

CANDLE_MS = 60_000


def journal_of(world: World, bot: str) -> Path:
    """Return the journal on a bot's volume."""
    return Store(world.volume_of(bot)).journal


def copy_journal(world: World, bot: str, folder: Path) -> Path:
    """Return a copy of a bot's journal: reading the journal itself would leave files beside it."""
    copy = Store(folder / bot).journal
    shutil.copytree(journal_of(world, bot).parent, copy.parent)
    return copy


def check(path: Path) -> list[str]:
    """Assert that every candle was decided on once and replays alike; return all orders' purposes.

    A candle is a minute, and there is one symbol.
    """
    with read_journal(SqliteFile(path)) as journal:
        closes = [row.candle_ms for row in journal.all(CandleRow)]
        assert closes == list(range(closes[0], closes[-1] + 1, CANDLE_MS))
        assert [row.candle_ms for row in journal.all(DecisionRow)] == closes
        assert compare_with_replay(journal).differences == ()
        return [order.purpose for order in journal.all(OrderRow)]
