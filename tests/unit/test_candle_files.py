"""The runtime's reader and the test exchange's give the same for every candle file of the table."""

from pathlib import Path

import numpy as np
import pytest

from bot_exchange.market.candle_files import load_candles as load_replay
from bot_exchange.market.file_rows import CandleFileError
from bot_runtime.market.own_candles import read_own_candles
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from tests.candle_files import CASES
from tests.candle_tables import Case

FIELDS = ("open", "high", "low", "close", "volume")


def put(case: Case, folder: Path) -> list[Path]:
    for name, data in case.files.items():
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=name) for name, c in CASES.items() if not c.refusal]
)
def test_both_readers_give_the_candles(case: Case, tmp_path: Path) -> None:
    files = put(case, tmp_path)
    own = read_own_candles(files, case.symbol).candles
    replay = load_replay(files[0] if len(files) == 1 else tmp_path, case.symbol)
    expected = np.array(case.candles, dtype=np.float64)
    for times, candles in ((own.open_time_ms, own), (replay.open_ms, replay)):
        found = np.column_stack([times, *(getattr(candles, name) for name in FIELDS)])
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "case", [pytest.param(c, id=name) for name, c in CASES.items() if c.refusal]
)
def test_both_readers_refuse_by_file_and_row(case: Case, tmp_path: Path) -> None:
    files = put(case, tmp_path)
    with pytest.raises((DataUnusableError, ArtifactInvalidError), match=case.refusal) as refusal:
        read_own_candles(files, case.symbol)
    assert any(file.name in str(refusal.value) for file in files)
    with pytest.raises(CandleFileError, match=case.refusal) as refusal_of_replay:
        load_replay(files[0] if len(files) == 1 else tmp_path, case.symbol)
    assert str(tmp_path) in str(refusal_of_replay.value)
