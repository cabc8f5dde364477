"""A bot that is killed 300 times at random leaves a journal in which everything is there once."""

from pathlib import Path

import pytest

from tests.unit.bot_runtime.journals import on_its_own


@pytest.mark.timeout(300)
def test_whoever_is_killed_leaves_whole_runs(tmp_path: Path) -> None:
    found = on_its_own("kills", tmp_path)
    assert found["kills"] == 300
    assert isinstance(found["unfinished"], int)
    assert isinstance(found["finished"], int)
    assert found["unfinished"] > 20
    assert found["finished"] > 20
