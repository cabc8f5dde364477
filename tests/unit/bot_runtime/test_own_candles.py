"""A user's own candle files in the store: taken first, compared with the exchange's, or refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.market.candles import VALUE_COLUMNS, missing_count
from bot_runtime.market.own_candles import read_own_candles
from bot_runtime.market.snapshot import SymbolSnapshot, load_dataset, load_snapshot, save_snapshot
from bot_runtime.process.errors import DataUnusableError
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange
from tests.unit.bot_runtime.fetching import HASTY, configuration, run, training

pytestmark = pytest.mark.usefixtures("hasty")
Spans = list[tuple[int, int]]
FILE = "BTC-USDT-1m.csv"


@pytest.fixture
def now(exchange: Exchange) -> int:
    """The exchange's clock, which stands: the opening time of the candle that is not closed."""
    return exchange.stop_clock() // MINUTE_MS * MINUTE_MS


def of_exchange(exchange: Exchange, begin_ms: int, end_ms: int) -> pd.DataFrame:
    """Return the exchange's candles with a volume of 7, which its own never is."""
    client = ExchangeClient(configuration(exchange).exchange, "1m", HASTY, lambda *_, **__: None)
    client.load_markets(["BTC/USDT"])
    candles = client.candles("BTC/USDT", begin_ms, end_ms)
    columns = {name: getattr(candles, name) for name in VALUE_COLUMNS}
    return pd.DataFrame({"date": candles.open_time_ms, **columns, "volume": 7.0})


def put(store: Store, table: pd.DataFrame, name: str = FILE) -> Path:
    path = store.own_candles / name
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    return path


def snapshot_of(store: Store, wanted: RunConfiguration) -> SymbolSnapshot:
    return load_dataset(store, training(wanted)).symbols[0]


def volumes(store: Store, wanted: RunConfiguration) -> npt.NDArray[np.float64]:
    return load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"].volume


def notes_of(reporter: Reporter) -> list[str]:
    reporter.stream.seek(0)
    lines = [json.loads(line) for line in reporter.stream.read().splitlines()]
    return [line["message"] for line in lines if line["event"] == "note"]


def test_exchange_is_asked_for_what_the_file_has_not_and_three_pages_to_compare(
    exchange: Exchange, store: Store, asked: Spans, now: int
) -> None:
    begin, until = now - 5 * 1440 * MINUTE_MS, now - 600 * MINUTE_MS
    put(store, of_exchange(exchange, begin - 500 * MINUTE_MS, until))
    asked.clear()
    wanted = configuration(exchange, "5d")
    result, reporter = run(wanted, store)
    assert (result.candles, result.missing) == (7200, 0)
    page = 1000 * MINUTE_MS
    compared, missing = asked[:3], asked[3:]
    assert [end - start for start, end in compared] == [page, page, page]
    assert (compared[0][0], compared[2][1]) == (begin, until)
    assert [span for span in missing if span[0] < span[1]] == [(until - MINUTE_MS, now)]
    own = volumes(store, wanted) == 7
    assert own.sum() == 6599
    assert "BTC/USDT: 6,599 from BTC-USDT-1m.csv, 601 from binance" in notes_of(reporter)
    assert "BTC-USDT-1m.csv: 3,000 candles compared with those of binance" in notes_of(reporter)
    assert snapshot_of(store, wanted).own_file == FILE


def test_without_a_file_the_step_says_whose_candles_it_took(
    exchange: Exchange, store: Store, now: int
) -> None:
    _, reporter = run(configuration(exchange, "1d"), store)
    assert notes_of(reporter) == ["BTC/USDT: 1,440 from binance"]


def test_the_last_candle_of_a_file_is_the_exchange_s(
    exchange: Exchange, store: Store, now: int
) -> None:
    """It may have been written before it closed."""
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    close = table["close"].iloc[-1]
    table.loc[table.index[-1], ["high", "low", "close"]] = table["open"].iloc[-1]
    put(store, table)
    wanted = configuration(exchange, "1d")
    run(wanted, store)
    candles = load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"]
    assert candles.close[-1] == close
    assert (candles.volume == 7).sum() == 1439


def test_candles_that_the_exchange_does_not_have_are_unchecked(
    exchange: Exchange, store: Store, now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange's market is as old as the file is not: nothing overlaps."""
    begin, until = now - 1440 * MINUTE_MS, now - 600 * MINUTE_MS
    put(store, of_exchange(exchange, begin, until))

    def young(self: ExchangeClient, symbol: str, start_ms: int, end_ms: int) -> Any:
        return real(self, symbol, max(start_ms, until), max(end_ms, until))

    real = ExchangeClient.candles
    monkeypatch.setattr(ExchangeClient, "candles", young)
    wanted = configuration(exchange, "1d")
    _, reporter = run(wanted, store)
    warning = "BTC-USDT-1m.csv: unchecked: binance has none of its candles"
    assert warning in reporter.warnings
    assert (volumes(store, wanted) == 7).sum() == 839  # the last one could not be asked for


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("date", 60 * MINUTE_MS), "its times are 60 minutes late: from .* 1800 closes are"),
        (("date", MINUTE_MS), "its times are 1 minutes late: from "),
        (("date", -120 * MINUTE_MS), "its times are 120 minutes early: from "),
        (("price", 0.92), r"is of another market than binance's: .*8\.00% away .*, at most 1%"),
        (("price", 2.5), r"is of another market than binance's: .*150\.00% away"),
    ],
)
def test_a_file_that_disagrees_with_the_exchange_is_refused_with_figures(
    exchange: Exchange, store: Store, now: int, change: tuple[str, float], words: str
) -> None:
    column, by = change
    table = of_exchange(exchange, now - 2000 * MINUTE_MS, now - 200 * MINUTE_MS)
    if column == "date":
        table["date"] += int(by)
    else:
        table[["open", "high", "low", "close"]] *= by
    put(store, table)
    wanted = configuration(exchange, "1d")
    with pytest.raises(DataUnusableError, match=rf"BTC-USDT-1m\.csv: {words}"):
        run(wanted, store)
    assert not store.dataset(training(wanted)).exists()


def test_a_market_that_is_a_little_dearer_elsewhere_is_taken(
    exchange: Exchange, store: Store, now: int
) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    table[["open", "high", "low", "close"]] *= 1.004
    put(store, table)
    result, _ = run(configuration(exchange, "1d"), store)
    assert result.candles == 1440


def test_a_file_of_another_time_is_not_used_and_said_so(
    exchange: Exchange, store: Store, now: int
) -> None:
    put(store, of_exchange(exchange, now - 4000 * MINUTE_MS, now - 3000 * MINUTE_MS))
    wanted = configuration(exchange, "1d")
    _, reporter = run(wanted, store)
    assert any("BTC-USDT-1m.csv: not used: it holds" in text for text in reporter.warnings)
    assert "BTC/USDT: 0 from BTC-USDT-1m.csv, 1,440 from binance" in notes_of(reporter)


def test_a_hole_of_the_file_is_asked_of_the_exchange(
    exchange: Exchange, store: Store, now: int
) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    put(store, table.drop(index=range(700, 720)))
    wanted = configuration(exchange, "1d")
    result, _ = run(wanted, store)
    assert (result.candles, result.missing) == (1440, 0)
    candles = load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"]
    assert missing_count(candles) == 0
    assert int((candles.volume != 7).sum()) == 21


def test_later_fetched_candles_go_on_where_the_file_ends(
    exchange: Exchange, store: Store, asked: Spans, now: int
) -> None:
    run(configuration(exchange, "1d"), store)
    table = of_exchange(exchange, now - 2880 * MINUTE_MS, now - 1440 * MINUTE_MS)
    put(store, table)
    asked.clear()
    result, _ = run(configuration(exchange, "2d"), store)
    assert (result.candles, result.missing) == (2880, 0)
    compared, *missing = [span for span in asked if span[0] < span[1]]
    assert compared[0] < now - 2880 * MINUTE_MS
    # The exchange is asked for the last row of the file.
    assert missing == [(now - 1441 * MINUTE_MS, now - 1440 * MINUTE_MS)]


def test_a_broken_file_is_refused_with_its_row_numbers(
    exchange: Exchange, store: Store, now: int
) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    table.loc[[11, 12], "high"] = 1.0
    put(store, table)
    wanted = configuration(exchange, "1d")
    words = r"BTC-USDT-1m\.csv: 2 of 1440 rows \(12, 13\) break 'high >= max"
    with pytest.raises(DataUnusableError, match=words):
        run(wanted, store)
    assert not store.dataset(training(wanted)).exists()


def test_a_file_of_another_timeframe_is_refused_and_one_so_named_is_not_taken(
    exchange: Exchange, store: Store, now: int
) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    path = put(store, table.iloc[::5])
    wanted = configuration(exchange, "1d")
    with pytest.raises(DataUnusableError, match="row 1 on: candles are 5 minutes apart"):
        run(wanted, store)
    path.rename(path.with_name("BTC-USDT-5m.csv"))
    _, reporter = run(wanted, store)
    assert reporter.warnings == [
        "candles/BTC-USDT-5m.csv is not taken: its name says 5m, the bot's timeframe is 1m"
    ]
    assert not (volumes(store, wanted) == 7).any()


def test_what_was_taken_for_granted_is_said(exchange: Exchange, store: Store, now: int) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)[::-1]
    table["date"] = pd.to_datetime(table["date"], unit="ms")
    put(store, table)
    _, reporter = run(configuration(exchange, "1d"), store)
    assert f"{FILE}: times without an offset are taken as UTC" in notes_of(reporter)
    assert f"{FILE}: newest first: sorted" in notes_of(reporter)


def test_monthly_dumps_in_a_folder_are_one_record(
    exchange: Exchange, store: Store, now: int
) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    put(store, table[:500], "BTC-USDT-1m/01.csv")
    put(store, table[500:], "BTC-USDT-1m/02.csv")
    wanted = configuration(exchange, "1d")
    run(wanted, store)
    # The last row of each file is the exchange's: it may have been written before it closed.
    assert (volumes(store, wanted) == 7).sum() == 1438
    assert snapshot_of(store, wanted).own_file == "BTC-USDT-1m/01.csv and 1 more"


@pytest.mark.parametrize("change", ["put", "corrected", "removed"])
def test_a_changed_file_makes_the_snapshot_anew(
    exchange: Exchange, store: Store, now: int, change: str
) -> None:
    """The same training, run again: what stands is kept only while the files are the same."""
    table = of_exchange(exchange, now - 2880 * MINUTE_MS, now - 600 * MINUTE_MS)
    wanted = configuration(exchange, "1d")
    if change != "put":
        put(store, table)
    run(wanted, store)
    before = volumes(store, wanted)
    _, reporter = run(wanted, store)
    assert reporter.warnings == []
    if change == "removed":
        (store.own_candles / FILE).unlink()
    else:
        put(store, table.assign(volume=7.0 if change == "put" else 9.0))
    run(wanted, store)
    after = volumes(store, wanted)
    assert (before != after).sum() == 839


def test_a_candle_alone_does_not_tell_the_timeframe(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text("date,open,high,low,close,volume\n2026-01-01,1,1,1,1,1\n")
    with pytest.raises(DataUnusableError, match="one candle alone"):
        read_own_candles([path])
    assert len(read_own_candles([path], interval_ms=MINUTE_MS).candles) == 1


def test_a_new_snapshot_voids_what_was_learned_of_the_one_before(
    exchange: Exchange, store: Store, now: int
) -> None:
    wanted = configuration(exchange, "1d")
    run(wanted, store)
    learned = store.result(training(wanted), "Trend")
    learned.write_text("{}")
    run(wanted, store)
    assert learned.exists()
    path = put(store, of_exchange(exchange, now - 1440 * MINUTE_MS, now).assign(high=0.5))
    with pytest.raises(DataUnusableError, match="BTC-USDT-1m"):
        run(wanted, store)
    assert learned.exists()  # the snapshot is still the one that it was learned of
    path.unlink()
    put(store, of_exchange(exchange, now - 1440 * MINUTE_MS, now))
    run(wanted, store)
    assert not learned.exists()


def test_candles_that_are_still_to_come_are_refused(
    exchange: Exchange, store: Store, now: int
) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    table["date"] += 8 * 60 * MINUTE_MS
    put(store, table)
    with pytest.raises(DataUnusableError, match=r"479 candles open after now, .* UTC"):
        run(configuration(exchange, "1d"), store)


def test_two_markets_in_one_file_are_refused_where_one_follows_the_other(
    exchange: Exchange, store: Store, now: int
) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    table.loc[700:, ["open", "high", "low", "close"]] *= 0.06
    put(store, table)
    words = r"row 701: opens at .*, the candle before it closed at .*; 1 such rows"
    with pytest.raises(DataUnusableError, match=words):
        run(configuration(exchange, "1d"), store)


def test_volumes_in_another_unit_are_told(exchange: Exchange, store: Store, now: int) -> None:
    table = of_exchange(exchange, now - 1440 * MINUTE_MS, now)
    table["volume"] *= 1e6
    put(store, table)
    _, reporter = run(configuration(exchange, "1d"), store)
    assert any("times those of binance: are they of the base" in w for w in reporter.warnings)


def test_rows_of_a_file_do_not_outlive_it_in_an_attempt_that_was_ended(
    exchange: Exchange, store: Store, now: int
) -> None:
    """One symbol's file is good, the other's is refused; then both are removed."""
    symbols = ("BTC/USDT", "ETH/USDT")
    good = put(store, of_exchange(exchange, now - 1440 * MINUTE_MS, now))
    broken = put(store, of_exchange(exchange, now - 1440 * MINUTE_MS, now), "ETH-USDT-1m.csv")
    wanted = configuration(exchange, "1d", symbols=symbols)
    with pytest.raises(DataUnusableError, match=r"ETH-USDT-1m\.csv"):
        run(wanted, store)
    good.unlink()
    broken.unlink()
    run(wanted, store)
    assert not (volumes(store, wanted) == 7).any()


def test_a_snapshot_of_a_release_without_digests_is_kept(
    exchange: Exchange, store: Store, now: int
) -> None:
    put(store, of_exchange(exchange, now - 1440 * MINUTE_MS, now))
    wanted = configuration(exchange, "1d")
    run(wanted, store)
    dataset = load_dataset(store, training(wanted))
    (part,) = dataset.symbols
    older = part.model_copy(update={"own_sha256": None, "own_candles": None})
    save_snapshot(store, dataset.model_copy(update={"symbols": (older,)}))
    _, reporter = run(wanted, store)
    assert reporter.warnings == []
    assert snapshot_of(store, wanted) == older
