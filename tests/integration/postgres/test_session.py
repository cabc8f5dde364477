"""A paper account that a PostgreSQL remembers is the account of a backtest."""

from pathlib import Path

import pytest

from bot_runtime.journal.database import Database
from tests.unit.bot_runtime.paper_accounts import PaperAccount
from tests.unit.bot_runtime.test_session import HELD, account_of, assert_same_rows


def test_run_by_run_gives_the_rows_of_one_piece(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PaperAccount, "database", database)
    assert_same_rows(account_of(HELD, tmp_path))
