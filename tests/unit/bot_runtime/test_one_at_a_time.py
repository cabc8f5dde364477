"""A folder for one process at a time."""

from pathlib import Path

import pytest

from bot_runtime.process.errors import BusyError, StoreUnavailableError
from bot_runtime.store.one_at_a_time import one_at_a_time

TAKEN = BusyError("another one is at it")


def test_another_one_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "study"
    with (
        one_at_a_time(folder, TAKEN),
        pytest.raises(BusyError, match="another one is at it"),
        one_at_a_time(folder, TAKEN),
    ):
        pass
    with one_at_a_time(folder, TAKEN):
        assert folder.is_dir()


def test_a_file_in_its_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("", encoding="utf-8")
    with (
        pytest.raises(StoreUnavailableError, match=r"study/\.lock: cannot be written"),
        one_at_a_time(tmp_path / "study", TAKEN),
    ):
        pass
