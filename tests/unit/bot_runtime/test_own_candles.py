"""A user's own candle file in the store: taken first, refused with its rows where it is broken."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.market.candles import VALUE_COLUMNS, Candles, missing_count
from bot_runtime.market.snapshot import load_dataset, load_snapshot
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.fetching import configuration, run, training

pytestmark = pytest.mark.usefixtures("hasty")
Spans = list[tuple[int, int]]
EXTENSIONS = (".csv", ".parquet", ".feather")


def own_table(begin_ms: int, end_ms: int, price: float = 100.0) -> pd.DataFrame:
    """Return candles whose volume is 7, which the exchange's never is."""
    times = np.arange(begin_ms, end_ms, MINUTE_MS)
    prices = {name: np.full(len(times), price) for name in VALUE_COLUMNS[:-1]}
    return pd.DataFrame({"date": times, **prices, "volume": 7.0})


@pytest.fixture
def price(exchange: Exchange, tmp_path: Path) -> float:
    """A price of these days at the exchange."""
    wanted, store = configuration(exchange), Store(tmp_path / "elsewhere")
    run(wanted, store)
    return float(load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"].close[0])


def put(store: Store, table: pd.DataFrame, extension: str = ".csv") -> Path:
    path = store.own_candles("BTC/USDT", "1m").with_suffix(extension)
    path.parent.mkdir(parents=True, exist_ok=True)
    if extension == ".csv":
        table.to_csv(path, index=False)
    elif extension == ".parquet":
        table.to_parquet(path)
    else:
        table.to_feather(path)
    return path


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_exchange_is_asked_only_for_what_the_file_has_not(
    exchange: Exchange,
    store: Store,
    asked: Spans,
    price: float,
    extension: str,
) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    begin, until = end - 2880 * MINUTE_MS, end - 600 * MINUTE_MS
    put(store, own_table(begin - 500 * MINUTE_MS, until, price), extension)
    asked.clear()
    wanted = configuration(exchange, "2d")
    result, _ = run(wanted, store)
    assert (result.candles, result.missing) == (2880, 0)
    assert [span for span in asked if span[0] < span[1]] == [(until, end)]
    dataset = load_dataset(store, training(wanted))
    assert dataset.symbols[0].own_file == f"BTC-USDT-1m{extension}"
    candles = load_snapshot(store, dataset)["BTC/USDT"]
    own = candles.open_time_ms < until
    assert (candles.volume[own] == 7).all()
    assert (candles.volume[~own] != 7).all()


def test_a_hole_of_the_file_is_asked_of_the_exchange(exchange: Exchange, store: Store) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    table = own_table(end - 1440 * MINUTE_MS, end)
    put(store, table.drop(index=range(700, 720)))
    wanted = configuration(exchange, "1d")
    result, _ = run(wanted, store)
    assert (result.candles, result.missing) == (1440, 0)
    candles = load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"]
    assert missing_count(candles) == 0
    assert int((candles.volume != 7).sum()) == 20


def test_later_fetched_candles_go_on_where_the_file_ends(
    exchange: Exchange,
    store: Store,
    asked: Spans,
    price: float,
) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    run(configuration(exchange, "1d"), store)
    put(store, own_table(end - 2880 * MINUTE_MS, end - 1440 * MINUTE_MS, price))
    asked.clear()
    result, _ = run(configuration(exchange, "2d"), store)
    assert (result.candles, result.missing) == (2880, 0)
    assert [span for span in asked if span[0] < span[1]] == []


@pytest.mark.parametrize("times", [0.4, 2.5])
def test_a_file_of_another_market_is_refused_where_the_exchange_goes_on(
    exchange: Exchange, store: Store, price: float, times: float
) -> None:
    """At either end: the file's candles lie in the middle of the window."""
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    put(store, own_table(end - 1000 * MINUTE_MS, end - 600 * MINUTE_MS, times * price))
    wanted = configuration(exchange)
    with pytest.raises(DataUnusableError, match=r"BTC-USDT-1m\.csv: at .* the price goes from"):
        run(wanted, store)
    assert not store.dataset(training(wanted)).exists()


BROKEN = {
    "high < close": ("high", 99.0, r"2 of 1440 rows \(11, 12\) break 'high >= max"),
    "no price": ("close", np.nan, r"2 of 1440 rows \(11, 12\) break 'prices are positive"),
    "negative volume": ("volume", -1.0, r"2 of 1440 rows \(11, 12\) break '0 <= volume"),
    "twice the same time": ("date", 10, r"rows \(11, 12\) break 'open times increase strictly'"),
}


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_with_its_row_numbers(
    exchange: Exchange, store: Store, extension: str, broken: tuple[str, float, str]
) -> None:
    column, value, words = broken
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    table = own_table(end - 1440 * MINUTE_MS, end)
    table.loc[[11, 12], column] = table["date"][value] if column == "date" else value
    put(store, table, extension)
    wanted = configuration(exchange, "1d")
    with pytest.raises(DataUnusableError, match=words) as refusal:
        run(wanted, store)
    assert f"BTC-USDT-1m{extension}" in str(refusal.value)
    assert not store.dataset(training(wanted)).exists()


def test_two_files_of_one_symbol_are_refused(exchange: Exchange, store: Store) -> None:
    for extension in (".csv", ".parquet"):
        put(store, own_table(0, MINUTE_MS), extension)
    with pytest.raises(DataUnusableError, match=r"BTC-USDT-1m\.parquet, .*leave one"):
        run(configuration(exchange), store)


def test_an_empty_file_and_one_that_is_none_are_refused(exchange: Exchange, store: Store) -> None:
    path = put(store, own_table(0, 0))
    with pytest.raises((DataUnusableError, ArtifactInvalidError), match=path.name):
        run(configuration(exchange), store)
    path.write_bytes(b"\x00\xff no table")
    with pytest.raises((DataUnusableError, ArtifactInvalidError), match=path.name):
        run(configuration(exchange), store)


def test_a_file_of_another_timeframe_or_symbol_is_not_taken(
    exchange: Exchange, store: Store
) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    path = put(store, own_table(end - 1440 * MINUTE_MS, end))
    for name in ("BTC-USDT-5m.csv", "ETH-USDT-1m.csv"):
        path = path.rename(path.with_name(name))
        wanted = configuration(exchange)
        run(wanted, store)
        candles: Candles = load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"]
        assert (candles.volume != 7).all()


def volumes(store: Store, wanted: RunConfiguration) -> npt.NDArray[np.float64]:
    return load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"].volume


def test_a_corrected_file_is_taken(exchange: Exchange, store: Store, price: float) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    table = own_table(end - 2880 * MINUTE_MS, end - 600 * MINUTE_MS, price)
    put(store, table)
    run(configuration(exchange, "1d"), store)
    table["volume"] = 9.0
    put(store, table)
    wanted = configuration(exchange, "2d")  # another training of the same store
    run(wanted, store)
    assert not (volumes(store, wanted) == 7).any()


def test_a_file_that_was_removed_is_gone(exchange: Exchange, store: Store, price: float) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    path = put(store, own_table(end - 2880 * MINUTE_MS, end - 600 * MINUTE_MS, price))
    run(configuration(exchange, "1d"), store)
    path.unlink()
    wanted = configuration(exchange, "2d")
    run(wanted, store)
    assert load_dataset(store, training(wanted)).symbols[0].own_file is None
    assert not (volumes(store, wanted) == 7).any()
