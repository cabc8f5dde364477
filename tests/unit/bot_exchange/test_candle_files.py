import dataclasses
import os
import resource
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from bot_exchange.market.candle_checks import find_problems
from bot_exchange.market.candle_files import load_candles, save_candles
from bot_exchange.market.candles import Candles
from bot_exchange.market.file_rows import CandleFileError
from bot_exchange.market.generated import GeneratedMarket

END_MS = 1_790_000_040_000
HEADER = "date,open,high,low,close,volume"
GOOD = "2026-01-01T00:00:00+00:00,10,12,9,11,5"
TWO_MINUTES = pa.array([1_767_225_600_000, 1_767_225_660_000])


def generated(bars: int = 50) -> Candles:
    return GeneratedMarket().candles("BTC/USDT", END_MS - bars * 60_000, END_MS)


def assert_equal(one: Candles, other: Candles) -> None:
    for column in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, column.name), getattr(other, column.name))


def written(folder: Path, *lines: str) -> Path:
    path = folder / "candles.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_what_is_written_is_read_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"candles.{suffix}"
    save_candles(generated(), path)
    assert_equal(load_candles(path), generated())


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", None])
def test_dates_of_any_precision_are_read(tmp_path: Path, unit: str, zone: str | None) -> None:
    candles = generated()
    date = pa.array(candles.open_ms).cast(pa.timestamp("ms")).cast(pa.timestamp(unit, zone))
    columns = {n: getattr(candles, n) for n in ("open", "high", "low", "close", "volume")}
    path = tmp_path / "candles.parquet"
    parquet.write_table(pa.table({"date": date, **columns}), path)
    assert_equal(load_candles(path), candles)


@pytest.mark.parametrize("date", ["1767225600000", "2026-01-01", "2026-01-01 01:00:00+01:00"])
def test_a_csv_date_may_be_ms_or_iso(tmp_path: Path, date: str) -> None:
    path = written(tmp_path, HEADER, f"{date},10,12,9,11,5")
    assert load_candles(path).open_ms.tolist() == [1_767_225_600_000]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-01-01T00:01:00,10,12,9,,5", "row 2: a price is missing"),
        ("2026-01-01T00:01:00,10,12,9,nan,5", "row 2: a price is missing or infinite"),
        ("2026-01-01T00:01:00,0,12,0,11,5", "row 2: a price is not above 0"),
        ("2026-01-01T00:01:00,10,10.5,9,11,5", "row 2: high is not the highest price"),
        ("2026-01-01T00:01:00,10,12,10.5,11,5", "row 2: low is not the lowest price"),
        ("2026-01-01T00:01:00,10,12,9,11,-1", "row 2: volume is below 0"),
        ("2026-01-01T00:01:00,10,12,9,11,inf", "row 2: volume is missing or infinite"),
        ("yesterday,10,12,9,11,5", "row 2: found 'yesterday'"),
        ("2026-01-01T00:01:00,10,12", "row 2: found 3 fields, expected 6"),
    ],
)
def test_a_broken_row_is_refused_with_its_number(tmp_path: Path, row: str, reason: str) -> None:
    with pytest.raises(CandleFileError) as refusal:
        load_candles(written(tmp_path, HEADER, GOOD, row))
    assert str(tmp_path / "candles.csv") in str(refusal.value)
    assert reason in str(refusal.value)


def test_many_broken_rows_are_shown_in_short(tmp_path: Path) -> None:
    rows = [f"2026-01-01T00:{minute:02}:00,10,12,9,11,-1" for minute in range(20)]
    with pytest.raises(CandleFileError, match="row 5: volume is below 0; and 15 more"):
        load_candles(written(tmp_path, HEADER, *rows))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("candles.txt", b"", "use .csv, .json, .parquet, .feather, .gz, .zip"),
        ("candles.csv", b"", "no rows"),
        ("candles.csv", b"date,open,high,low,close\n", "no column volume"),
        ("candles.csv", b"date,open,high,low,close,volume\n", "no rows"),
        ("candles.csv", b"\xff\xfe\x00", "is UTF-16; save it as UTF-8"),
        ("candles.parquet", b"PAR0", "not a parquet file"),
        ("candles.feather", b"", "not a feather file"),
    ],
)
def test_a_file_that_is_none_is_refused(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CandleFileError) as refusal:
        load_candles(path)
    assert reason in str(refusal.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(CandleFileError, match=r"(?i)no such file"):
        load_candles(tmp_path / f"none.{suffix}")
    with pytest.raises(CandleFileError, match=r"(?i)no such file"):
        save_candles(generated(2), tmp_path / "none" / f"candles.{suffix}")


@pytest.mark.parametrize(
    ("date", "price", "reason"),
    [
        (pa.array([None, 1], pa.timestamp("ms")), pa.array([1.0, 1.0]), "row 1: no date"),
        (TWO_MINUTES, pa.array(["one", "two"]), "row 1: found 'one'"),
        (TWO_MINUTES, pa.array([[1.0], [2.0]]), "row 1: found [1.0]"),
        (pa.array(["x", "y"]), pa.array([1.0, 1.0]), "row 1: found 'x'"),
    ],
)
def test_a_broken_parquet_column_is_refused(
    tmp_path: Path, date: pa.Array, price: pa.Array, reason: str
) -> None:
    columns = dict.fromkeys(("open", "high", "low", "close", "volume"), price)
    path = tmp_path / "candles.parquet"
    parquet.write_table(pa.table({"date": date, **columns}), path)
    with pytest.raises(CandleFileError) as refusal:
        load_candles(path)
    assert reason in str(refusal.value)


def test_generated_candles_have_no_problem() -> None:
    assert find_problems(generated(2_000)) == []


@pytest.mark.real_candles
@pytest.mark.parametrize(
    ("name", "bars"),
    [
        ("BTC_USDT-5m", 87_983),
        ("ETH_USDT-5m", 87_983),
        ("BTC_USDT-1h", 58_419),
        ("gaps-1m", 13_681),
    ],
)
def test_real_candles_are_taken_with_their_gaps(real_candles: Path, name: str, bars: int) -> None:
    assert len(load_candles(real_candles / f"{name}.parquet")) == bars


def test_what_is_no_candle_file_in_a_folder_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path, HEADER, GOOD)
    (tmp_path / ".candles.csv").write_bytes(b"\0")
    (tmp_path / "README.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "more.csv").mkdir()
    assert len(load_candles(tmp_path)) == 1
    assert "README.txt: is not taken: ends with none of .csv" in caplog.text
    assert "more.csv: is not taken: a folder" in caplog.text
    assert ".candles.csv" not in caplog.text


def test_a_folder_without_a_candle_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CandleFileError, match="has no candle file"):
        load_candles(tmp_path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to(tmp_path / "none.csv")
    with pytest.raises(CandleFileError, match=r"pipe\.csv: is no regular file"):
        load_candles(tmp_path / "pipe.csv")
    with pytest.raises(CandleFileError, match=r"link\.csv: a link to a file that is not there"):
        load_candles(tmp_path / "link.csv")


@pytest.mark.parametrize(
    ("rows", "note"),
    [
        ((HEADER, GOOD, "2025-12-31T23:59:00Z,10,12,9,11,5"), "not in order of time: sorted"),
        ((HEADER, GOOD, GOOD), "1 rows stand twice: taken once"),
        ((GOOD,), "no header"),
        ((HEADER.replace(",", ";"), "2026-01-01;10,5;12;9;11;5"), "decimal commas"),
        ((HEADER, GOOD, "2026-01-01T00:01:00Z,,,,,0"), "1 rows without price and volume"),
    ],
)
def test_what_is_taken_for_granted_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, rows: tuple[str, ...], note: str
) -> None:
    load_candles(written(tmp_path, *rows))
    assert note in caplog.text


@pytest.mark.parametrize("suffix", ["csv", "parquet", "feather"])
def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(
    tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"candles.{suffix}"
    save_candles(generated(2), path)
    old, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, limits[1]))
    try:
        with pytest.raises(CandleFileError, match=rf"candles\.{suffix}: File too large$"):
            save_candles(generated(2_000), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
