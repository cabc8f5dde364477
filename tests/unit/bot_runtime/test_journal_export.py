"""`journal export` writes every table, whole, exact, and readable by others."""

import builtins
import csv
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from bot_runtime.command_line import main
from bot_runtime.journal.named_views import views
from bot_runtime.journal.opening import open_journal, read_journal
from bot_runtime.journal.order_entries import FillRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.journals import BEGIN_MS, OWNER, Bot, carry_out, idle


@pytest.fixture
def traded(tmp_path: Path) -> Store:
    """The store of a bot that has traded."""
    store = Store(tmp_path / "store")
    bot = Bot(SqliteFile(store.journal), 3)
    while bot.run() < BEGIN_MS + 900_000:
        pass
    return store


def export(store: Store, form: str, to: Path, *more: str) -> int:
    place = ["--store", str(store.root), *more]
    return main(["journal", "export", *place, "--format", form, "--to", str(to)])


def fills_of(store: Store) -> list[FillRow]:
    with read_journal(SqliteFile(store.journal)) as reader:
        return list(reader.all(FillRow))


def test_csv_has_every_table_and_every_digit(
    traded: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "deep" / "out"
    assert export(traded, "csv", to) == 0
    names = {view.name.removeprefix("named_") for view in views()}
    assert {file.name for file in to.iterdir()} == {f"{name}.csv" for name in names}
    with (to / "fills.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    fills = fills_of(traded)
    assert [Decimal(row["fee"]) for row in rows] == [fill.fee for fill in fills]
    assert [row["symbol"] for row in rows] == [fill.symbol for fill in fills]
    assert "E" not in rows[0]["fee"]
    assert f"fills {len(fills):17} rows  {to / 'fills.csv'}" in capsys.readouterr().out


def test_parquet_keeps_types(traded: Store, tmp_path: Path) -> None:
    assert export(traded, "parquet", tmp_path / "out") == 0
    table = pyarrow.parquet.read_table(tmp_path / "out" / "fills.parquet")
    fills = fills_of(traded)
    assert table["price"].to_pylist() == [fill.price for fill in fills]
    assert table["at_ms"].to_pylist() == [fill.at_ms for fill in fills]
    assert table["maker"].to_pylist() == [fill.maker for fill in fills]
    candles = pyarrow.parquet.read_table(tmp_path / "out" / "candles.parquet")
    assert str(candles.schema.field("close").type) == "double"
    empty = pyarrow.parquet.read_table(tmp_path / "out" / "limits.parquet")
    assert (empty.num_rows, str(empty.schema.field("at_ms").type)) == (0, "int64")


def test_a_bot_that_runs_meanwhile_is_not_disturbed(traded: Store, tmp_path: Path) -> None:
    with open_journal(SqliteFile(traded.journal), OWNER, BEGIN_MS) as journal:
        assert export(traded, "csv", tmp_path / "out") == 0
        carry_out(journal, 1, idle(1))


def test_without_pyarrow_the_way_on_is_named(
    traded: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delitem(sys.modules, "bot_runtime.local.journal_parquet", raising=False)
    there = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Mapping[str, Any]) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return there(name, *args, **kwargs)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(builtins, "__import__", missing)
    assert export(traded, "parquet", tmp_path / "out") == 78
    assert capsys.readouterr().err == (
        "bot-runtime: --format: parquet needs pyarrow, which is not installed here; take csv, or "
        "the image that trains\n"
    )
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_that_takes_nothing_is_named(
    traded: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    assert export(traded, "csv", tmp_path / "out") == 74
    assert "out/configurations.csv: cannot be written" in capsys.readouterr().err


def test_a_store_without_a_journal_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export(Store(tmp_path), "csv", tmp_path / "out") == 78
    assert "journal/journal.db: is not there; name the store" in capsys.readouterr().err
    monkeypatch.delenv("BOTCRIPTO_STORE", raising=False)
    assert main(["journal", "export", "--to", str(tmp_path / "out")]) == 78
    assert "--store: is missing" in capsys.readouterr().err
    assert export(Store(tmp_path), "csv", tmp_path / "out", "--bot", "bots/steady") == 78
    assert "--bot: a store has one bot; leave it out" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
