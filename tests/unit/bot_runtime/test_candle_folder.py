"""Which files of `candles/` are whose, by their names."""

from pathlib import Path

import pytest

from bot_runtime.market.candle_folder import look_into, market_of

SYMBOLS = ("BTC/USDT", "ETH/USDT")


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "BTC-USDT-5m.csv",
        "BTC_USDT-5m.feather",
        "BTCUSDT-5m.csv",
        "btc-usdt-5m.csv",
        "btcusdt_5m.parquet",
        "BTC_USDT-5m.json.gz",
        "BTCUSDT-5m.csv.zip",
        "BTCUSDT-5m-2024-01.zip",
        "BTCUSDT-5m-2024-01-31.CSV",
        "BTC-USDT-5m/2024-01.csv",
        "binance/BTC_USDT-5m.feather",
    ],
)
def test_a_name_as_people_and_exchanges_write_it_is_taken(tmp_path: Path, name: str) -> None:
    found = look_into(files(tmp_path, name), SYMBOLS, "5m")
    assert found.files == {"BTC/USDT": (tmp_path / name,)}
    assert found.not_taken == ()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("BTC-USDT-1h.csv", "its name says 1h, the bot's timeframe is 5m"),
        ("BTC-USDT-1M.csv", "its name has no market and timeframe; name it like BTC-USDT-5m.csv"),
        ("SOL-USDT-5m.csv", "its name says SOLUSDT, the bot's symbols are BTC/USDT, ETH/USDT"),
        ("candles.csv", "its name has no market and timeframe; name it like BTC-USDT-5m.csv"),
        ("BTC-USDT-5m.xlsx", "its name ends with none of .csv.gz, .json.gz, .csv.zip"),
        ("BTCUSDT-5m-2024-01.zip.CHECKSUM", "its name ends with none of .csv.gz"),
        ("BTC_USDT_USDT-5m-futures.feather", "its name has no market and timeframe"),
        (".DS_Store", "its name begins with a dot"),
        ("BTC-USDT-5m/._01.csv", "its name begins with a dot"),
        ("BTC-USDT-5m/more/01.csv", "it is a folder in a folder"),
        ("BTC-USDT-5m/SOLUSDT-5m-2024-01.csv", "its name says SOLUSDT"),
        ("old/01.csv", "its name has no market and timeframe"),
    ],
)
def test_what_is_not_taken_is_named_with_the_reason(tmp_path: Path, name: str, why: str) -> None:
    found = look_into(files(tmp_path, name), SYMBOLS, "5m")
    assert found.files == {}
    assert [entry.why[: len(why)] for entry in found.not_taken] == [why]
    assert name.startswith(found.not_taken[0].name)


def test_a_link_to_nothing_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "BTC-USDT-5m.csv").symlink_to(tmp_path / "gone.csv")
    found = look_into(tmp_path, SYMBOLS, "5m")
    assert [e.why for e in found.not_taken] == ["it is no file, or a link to one that is not there"]


def test_a_store_without_the_folder_has_no_files(tmp_path: Path) -> None:
    found = look_into(tmp_path / "candles", SYMBOLS, "5m")
    assert (found.files, found.not_taken) == ({}, ())
    assert "BTC/USDT" not in found.digests


def test_the_digest_is_of_names_and_bytes(tmp_path: Path) -> None:
    folder = files(tmp_path, "BTCUSDT-5m-2024-01.csv", "BTCUSDT-5m-2024-02.csv")
    digests = [look_into(folder, SYMBOLS, "5m").digests["BTC/USDT"]]
    (folder / "BTCUSDT-5m-2024-02.csv").write_text("more")
    digests.append(look_into(folder, SYMBOLS, "5m").digests["BTC/USDT"])
    (folder / "BTCUSDT-5m-2024-02.csv").rename(folder / "BTCUSDT-5m-2024-03.csv")
    digests.append(look_into(folder, SYMBOLS, "5m").digests["BTC/USDT"])
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("BTC_USDT-5m.parquet", "BTC/USDT"),
        ("ethusdt-1h.csv", "ETH/USDT"),
        ("BTCUSDT-5m-2024-01.zip", "BTC/USDT"),
        ("SOLEUR.csv", "SOL/EUR"),
        ("Binance_BTCUSDT_5m.csv", "BTC/USDT"),
        ("my_candles.csv", None),
        ("XBTUSD_5.csv", None),
        ("data-2024.csv", None),
        ("candles.csv", None),
    ],
)
def test_the_market_is_told_from_the_name(name: str, market: str | None) -> None:
    assert market_of(Path(name)) == market
