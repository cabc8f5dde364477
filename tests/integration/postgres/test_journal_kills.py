"""Whoever is killed while it writes to a PostgreSQL leaves whole runs."""

from pathlib import Path

from tests.postgres_server import PostgresServer
from tests.unit.bot_runtime.journal_in_process import KILLS_OF_EACH, POSTGRES_JOURNALS
from tests.unit.bot_runtime.journals import on_its_own


def test_whoever_is_killed_leaves_whole_runs(server: PostgresServer, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(server.url(server.make_database()))
    found = on_its_own("postgres-kills", tmp_path)
    assert found["kills"] == POSTGRES_JOURNALS * KILLS_OF_EACH
    unfinished, finished = found["unfinished"], found["finished"]
    assert isinstance(unfinished, int)
    assert isinstance(finished, int)
    assert unfinished > 5, "the kills meet runs under way"
    assert finished > 10
