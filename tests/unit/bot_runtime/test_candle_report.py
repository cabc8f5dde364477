"""`candles FILE`: what a file holds, as it is read."""

from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.local.candle_report import report_candles
from tests.candle_tables import csv, iso, rows, zipped


def report(path: Path) -> tuple[int, str]:
    stream = StringIO()
    return report_candles(path, stream), stream.getvalue()


def test_a_file_is_described(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-5m.csv"
    path.write_bytes(
        csv(
            [*rows(3), *rows(2, 6)][::-1],
            ["Date", "Open", "High", "Low", "Close", "Volume"],
            time=iso,
        )
    )
    code, text = report(path)
    assert code == 0
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "file BTCUSDT-5m.csv",
        "market BTC/USDT",
        "interval 5m",
        "first 2024-01-31T12:00:00Z (opening times, in UTC)",
        "last 2024-01-31T12:35:00Z",
        "candles 5",
        "holes 3 candles missing in 1 holes, the longest of 3 from 2024-01-31T12:15:00Z",
        "times in dates",
        "note times without an offset are taken as UTC",
        "note newest first: sorted",
    ]


def test_a_folder_of_dumps_is_one_record(tmp_path: Path) -> None:
    for month in (0, 1):
        dump = zipped(a__csv=csv(rows(2, 2 * month), None, time=lambda ms: ms * 1000))
        (tmp_path / f"BTCUSDT-5m-2024-0{month + 1}.zip").write_bytes(dump)
    (tmp_path / "read me.txt").touch()
    code, text = report(tmp_path)
    assert code == 0
    assert "BTC/USDT" in text
    assert "microseconds" in text
    assert "candles   4\n" in text


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("none.csv", None, "none.csv: no such file or folder; correct the name"),
        ("BTC-USDT-5m.csv", b"date,open\n", "has no column high, low, close, volume"),
        ("BTC-USDT-5m.xlsx", b"", "found extension '.xlsx'"),
    ],
)
def test_what_is_refused_ends_with_the_bot_s_words_and_exit_code(
    tmp_path: Path, name: str, data: bytes | None, words: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    code, text = report(tmp_path / name)
    assert code == ExitCode.DATA_UNUSABLE
    assert words in text


def test_a_folder_without_candle_files_is_refused(tmp_path: Path) -> None:
    code, text = report(tmp_path)
    assert code == ExitCode.DATA_UNUSABLE
    assert "has no candle file" in text
