"""Candle files: parquet, feather and csv, and what is wrong with one."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from bot_runtime.market.candle_files import load_candles, save_candles
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, check_candles
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
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


@pytest.mark.parametrize("unit", ["s", "ms", "ns"])
def test_feather_and_csv_are_read_in_any_unit_of_time(tmp_path: Path, unit: str) -> None:
    candles = random_candles(20)
    times = pa.array(candles.open_time_ms, pa.timestamp("ms", tz="UTC")).cast(
        pa.timestamp(unit, tz="UTC")
    )
    table = pa.table({"date": times} | {name: getattr(candles, name) for name in VALUE_COLUMNS})
    pyarrow.feather.write_feather(table, tmp_path / "a.feather")
    pyarrow.csv.write_csv(table, tmp_path / "a.csv")
    assert same(load_candles(tmp_path / "a.feather", MINUTE_MS), candles)
    assert same(load_candles(tmp_path / "a.csv", MINUTE_MS), candles)


def test_time_may_be_milliseconds(tmp_path: Path) -> None:
    text = "date,open,high,low,close,volume\n60000,1,2,1,2,0\n"
    (tmp_path / "a.csv").write_text(text)
    assert load_candles(tmp_path / "a.csv", MINUTE_MS).open_time_ms.tolist() == [60_000]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "date,open,high,low,close\n1,1,1,1,1\n", "has no column volume"),
        ("a.csv", "date,open,high,low,close,volume\n1,x,1,1,1,1\n", "column open: found string"),
        ("a.csv", "date,open,high,low,close,volume\nno,1,1,1,1,1\n", "column date: found string"),
        (
            "a.csv",
            "date,open,high,low,close,volume\n1,1,1,1,1,1\n,1,1,1,1,1\n",
            r"rows \(1\) have no",
        ),
        ("a.txt", "", r"found extension '\.txt'"),
    ],
)
def test_wrong_file_is_refused_by_column(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataUnusableError, match=message):
        load_candles(tmp_path / name, MINUTE_MS)


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
