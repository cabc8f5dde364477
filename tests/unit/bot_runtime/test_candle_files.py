"""Candle files: parquet, feather and csv, and what is wrong with one."""

from pathlib import Path

import numpy as np
import pytest

from bot_runtime.market.candle_files import load_candles, save_candles
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, check_candles
from bot_runtime.process.errors import ArtifactInvalidError
from tests.exchanges import MINUTE_MS
from tests.unit.bot_runtime.markets import random_candles


def same(left: Candles, right: Candles) -> bool:
    return np.array_equal(left.open_time_ms, right.open_time_ms) and all(
        np.array_equal(getattr(left, name), getattr(right, name)) for name in VALUE_COLUMNS
    )


def test_parquet_comes_back_to_the_bit(tmp_path: Path) -> None:
    candles = random_candles(50)
    save_candles(tmp_path / "a.parquet", candles)
    assert same(load_candles(tmp_path / "a.parquet", MINUTE_MS), candles)


def test_same_candles_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_candles(tmp_path / f"{name}.parquet", random_candles(50))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\x00" * 100])
def test_file_that_is_no_parquet_is_an_invalid_artifact(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(ArtifactInvalidError, match=r"a\.parquet: cannot be read"):
        load_candles(tmp_path / "a.parquet", MINUTE_MS)


@pytest.mark.real_candles
@pytest.mark.parametrize(
    ("name", "minutes", "count"), [("BTC_USDT-5m", 5, 87_983), ("BTC_USDT-1h", 60, 58_419)]
)
def test_real_candles_are_read_and_pass(
    real_candles: Path, name: str, minutes: int, count: int
) -> None:
    candles = load_candles(real_candles / f"{name}.parquet", minutes * MINUTE_MS)
    check_candles(candles, name)
    assert len(candles) == count
