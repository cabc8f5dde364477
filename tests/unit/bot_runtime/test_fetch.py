"""The data step against a real test exchange: the snapshot, its repetition, holes, too few."""

import time
from datetime import UTC, datetime
from io import StringIO
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.history import spans_of
from bot_runtime.exchange.paging import PAGE
from bot_runtime.exchange.retries import RetryPolicy
from bot_runtime.features.indicators import WARM_UP, compute_features
from bot_runtime.learning.datasets import needed_candles, split_rows
from bot_runtime.market.candle_files import load_candles, save_candles
from bot_runtime.market.candles import Candles, Gap, find_gaps, missing_count, rows_digest
from bot_runtime.market.snapshot import load_dataset, load_snapshot
from bot_runtime.process.errors import (
    ArtifactInvalidError,
    ConfigurationError,
    DataUnusableError,
    ExchangeUnavailableError,
)
from bot_runtime.process.reporting import Reporter
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store
from tests.exchanges import MINUTE_MS, Exchange, exchange_with
from tests.unit.bot_runtime.fetching import HASTY, configuration, run, training
from tests.unit.bot_runtime.markets import bot_spec, training_configuration

pytestmark = pytest.mark.usefixtures("hasty")


def test_snapshot_holds_every_closed_candle_of_the_window(exchange: Exchange, store: Store) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    asked = configuration(exchange, "2d", symbols=["BTC/USDT", "ETH/USDT"])
    result, _ = run(asked, store)
    assert (result.candles, result.missing) == (2880, 0)
    candles = load_snapshot(store, load_dataset(store, training(asked)))
    assert list(candles) == ["BTC/USDT", "ETH/USDT"]
    for part in candles.values():
        assert part.close_time_ms[-1] == now_ms
        assert len(part) == 2880 > 2 * PAGE
        assert missing_count(part) == 0


def test_repeated_step_asks_nothing_and_changes_nothing(exchange: Exchange, store: Store) -> None:
    asked = configuration(exchange)
    first, _ = run(asked, store)
    before = store.candles(training(asked), "BTC/USDT").read_bytes()
    exchange.order(error_next=99)
    second, _ = run(asked, store)
    assert second == first
    assert store.candles(training(asked), "BTC/USDT").read_bytes() == before


def test_attempt_that_was_ended_is_gone_on_with(
    exchange: Exchange,
    store: Store,
    asked: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    wanted = configuration(exchange, "2d")
    monkeypatch.setattr("bot_runtime.exchange.history.PAGES_BETWEEN_SAVES", 1)
    saves = count(1)

    def save_once(path: Path, candles: Candles) -> None:
        save_candles(path, candles)
        if next(saves) == 2:
            exchange.order(error_next=99)

    monkeypatch.setattr("bot_runtime.steps.fetch.save_candles", save_once)
    with pytest.raises(ExchangeUnavailableError):
        run(wanted, store)
    assert not store.dataset(training(wanted)).exists()
    exchange.order()
    asked.clear()
    result, _ = run(wanted, store)
    assert (result.candles, result.missing) == (2880, 0)
    assert asked == [(end - 880 * MINUTE_MS, end)]
    assert load_snapshot(store, load_dataset(store, training(wanted)))["BTC/USDT"].close[0] > 0


def test_half_written_file_of_an_ended_attempt_is_fetched_again(
    exchange: Exchange, store: Store
) -> None:
    wanted = configuration(exchange)
    path = store.candles(training(wanted), "BTC/USDT")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1")
    result, reporter = run(wanted, store)
    assert result.candles == 1440
    assert "cannot be read" in reporter.warnings[0]


def test_later_training_asks_for_what_the_earlier_one_has_not(
    exchange: Exchange, store: Store, asked: list[tuple[int, int]]
) -> None:
    end = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    run(configuration(exchange, "1d"), store)
    asked.clear()
    longer = configuration(exchange, "2d", symbols=["BTC/USDT", "ETH/USDT"])
    result, _ = run(longer, store)
    assert result.candles == 2880
    begin, known = end - 2880 * MINUTE_MS, end - 1440 * MINUTE_MS
    assert asked == [(begin, known), (begin, end)]
    found = load_snapshot(store, load_dataset(store, training(longer)))["BTC/USDT"]
    store.dataset(training(configuration(exchange, "1d"))).unlink()
    fresh = configuration(exchange, "2d")
    run(fresh, store)
    again = load_snapshot(store, load_dataset(store, training(fresh)))["BTC/USDT"]
    assert rows_digest(found) == rows_digest(again)


def test_candles_of_another_exchange_are_not_taken(
    exchange: Exchange, store: Store, asked: list[tuple[int, int]]
) -> None:
    wanted = configuration(exchange)
    run(wanted, store)
    path = store.dataset(training(wanted))
    dataset = load_dataset(store, training(wanted))
    save_json(path, dataset.model_copy(update={"endpoint": "http://elsewhere"}).to_json())
    asked.clear()
    run(configuration(exchange, "2d"), store)
    assert asked[0][1] - asked[0][0] == 2880 * MINUTE_MS


def test_snapshot_says_where_and_when_its_rows_are_from(exchange: Exchange, store: Store) -> None:
    wanted = configuration(exchange)
    before = datetime.now(UTC).replace(microsecond=0)
    run(wanted, store)
    dataset = load_dataset(store, training(wanted))
    part = dataset.symbols[0]
    assert (dataset.exchange, dataset.endpoint) == ("binance", exchange.url)
    assert before <= datetime.fromisoformat(part.fetched_at) <= datetime.now(UTC)
    candles = load_snapshot(store, dataset)["BTC/USDT"]
    assert part.rows_sha256 == rows_digest(candles)
    candles.volume[7] += 1e-9
    assert part.rows_sha256 != rows_digest(candles)


def test_clock_that_is_off_by_more_than_a_candle_is_refused(
    exchange: Exchange, store: Store
) -> None:
    exchange.set_clock(time.time_ns() // 1_000_000 - 3 * MINUTE_MS)
    wanted = configuration(exchange)
    with pytest.raises(DataUnusableError, match=r"clock is -1[78]\d{4} ms ahead.*set the node"):
        run(wanted, store)
    assert not store.training(training(wanted)).exists()


def test_corrupt_snapshot_is_refused_by_steps_and_fetched_again(
    exchange: Exchange, store: Store
) -> None:
    asked = configuration(exchange)
    run(asked, store)
    path = store.candles(training(asked), "BTC/USDT")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    with pytest.raises(ArtifactInvalidError, match=r"BTC-USDT\.parquet: sha256"):
        load_snapshot(store, load_dataset(store, training(asked)))
    _, reporter = run(asked, store)
    assert path.read_bytes() == whole
    assert "is not used" in reporter.warnings[0]


def test_holes_that_stay_are_counted_and_told(exchange: Exchange, store: Store) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    start = now_ms - 500 * MINUTE_MS
    exchange.order(gaps=[[start, start + 4 * MINUTE_MS]])
    asked = configuration(exchange)
    result, reporter = run(asked, store)
    assert result.missing == 4
    assert "4 candles in 1 holes" in reporter.warnings[0]
    candles = load_snapshot(store, load_dataset(store, training(asked)))["BTC/USDT"]
    assert find_gaps(candles) == (Gap(start, 4),)


def test_hole_that_the_exchange_fills_later_is_repaired(exchange: Exchange, store: Store) -> None:
    from bot_runtime.exchange.history import repair_gaps

    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    start = now_ms - 50 * MINUTE_MS
    exchange.order(
        gaps=[[start, start + MINUTE_MS], [start + 5 * MINUTE_MS, start + 7 * MINUTE_MS]]
    )
    client = ExchangeClient(
        bot_spec(exchange.url).exchange, "1m", HASTY, Reporter("Data", stream=StringIO()).log
    )
    client.load_markets(["BTC/USDT"])
    candles = client.candles("BTC/USDT", now_ms - 100 * MINUTE_MS, now_ms)
    assert missing_count(candles) == 3
    exchange.order()
    repaired = repair_gaps(client, "BTC/USDT", candles)
    assert missing_count(repaired) == 0
    assert len(repaired) == 100


@pytest.mark.parametrize("kind", ["null_volume", "zero_price", "high_below_close", "off_grid"])
def test_rows_that_cannot_be_candles_are_left_out_and_counted(
    exchange: Exchange, store: Store, kind: str
) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    start = now_ms - 500 * MINUTE_MS
    exchange.order(broken=[[kind, start, start + 4 * MINUTE_MS]])
    asked = configuration(exchange)
    result, reporter = run(asked, store)
    assert (result.candles, result.missing) == (1436, 4)
    assert "cannot be candles: 4 of 1440; the first one (20" in reporter.warnings[0]
    candles = load_snapshot(store, load_dataset(store, training(asked)))["BTC/USDT"]
    assert find_gaps(candles) == (Gap(start, 4),)


def test_row_that_the_exchange_corrects_is_taken(exchange: Exchange, store: Store) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    spoilt = [["null_volume", now_ms - 30 * MINUTE_MS, now_ms - 28 * MINUTE_MS]]
    exchange.order(broken=spoilt)
    assert run(configuration(exchange), store)[0].missing == 2
    exchange.order()
    result, reporter = run(configuration(exchange, "2d"), store)
    assert (result.candles, result.missing, reporter.warnings) == (2880, 0, [])


def test_rows_that_are_all_broken_are_said_to_be(exchange: Exchange, store: Store) -> None:
    exchange.order(broken=[["null_volume", 0, 2**53]])
    with pytest.raises(
        DataUnusableError, match=r"0 closed.*cannot be candles: 14\d\d of 14.*volume"
    ):
        run(configuration(exchange), store)


def test_ended_attempt_with_broken_rows_is_gone_on_with(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    spoilt = [["zero_price", now_ms - 2000 * MINUTE_MS, now_ms - 1998 * MINUTE_MS]]
    exchange.order(broken=spoilt)
    monkeypatch.setattr("bot_runtime.exchange.history.PAGES_BETWEEN_SAVES", 1)

    def save_and_go_down(path: Path, candles: Candles) -> None:
        monkeypatch.setattr("bot_runtime.steps.fetch.save_candles", save_candles)
        save_candles(path, candles)
        exchange.order(broken=spoilt, garbled_next=99, garbled_path="klines")

    monkeypatch.setattr("bot_runtime.steps.fetch.save_candles", save_and_go_down)
    wanted = configuration(exchange, "2d")
    with pytest.raises(ExchangeUnavailableError, match="no usable answer"):
        run(wanted, store)
    exchange.order(broken=spoilt)
    result, reporter = run(wanted, store)
    assert (result.candles, result.missing) == (2878, 2)
    assert not [text for text in reporter.warnings if "not used" in text]


def test_quiet_stretches_lose_no_candle_where_pages_end_in_them(
    exchange: Exchange, store: Store
) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    start, length = now_ms - 2700 * MINUTE_MS, 700 * MINUTE_MS
    exchange.order(page_candles=300, gaps=[[start, start + length]])
    result, _ = run(configuration(exchange, "2d"), store)
    assert (result.candles, result.missing) == (2180, 700)


def test_close_holes_share_a_request_and_far_ones_do_not() -> None:
    near = (Gap(0, 1), Gap(10, 2), Gap(PAGE - 1, 1))
    assert spans_of(near, 1) == [(0, PAGE)]
    assert spans_of((*near, Gap(PAGE, 1)), 1) == [(0, PAGE), (PAGE, PAGE + 1)]


def test_too_few_candles_says_how_many_are_there_and_needed(
    exchange: Exchange, store: Store
) -> None:
    asked = configuration(exchange, "1h")
    needed = needed_candles(asked.model)
    with pytest.raises(
        DataUnusableError, match=f"BTC/USDT: 60 closed candles.*{needed} are needed"
    ):
        run(asked, store)
    assert not store.dataset(training(asked)).exists()


def test_as_many_candles_as_are_needed_fill_every_slice() -> None:
    model = bot_spec().model
    rows = needed_candles(model) - WARM_UP - model.encoder_length - model.horizon_steps
    times = np.arange(rows) * MINUTE_MS
    splits = split_rows(np.arange(rows), times, model.horizon_steps * MINUTE_MS)
    assert len(splits.test) > 0


def test_market_that_the_exchange_has_not_is_named(exchange: Exchange, store: Store) -> None:
    with pytest.raises(ConfigurationError, match="no spot market NO/SUCH;"):
        run(configuration(exchange, symbols=["BTC/USDT", "NO/SUCH"]), store)


def test_exchange_that_ccxt_does_not_know_is_named(store: Store) -> None:
    for name in ("nosuch", "base", "abstract"):
        with pytest.raises(ConfigurationError, match=rf"exchange\.id: found '{name}'"):
            run(training_configuration(bot_spec(exchange={"id": name})), store)


@pytest.mark.parametrize("fault", ["error_next", "drop_next"])
def test_exchange_that_stays_down_is_unavailable(
    exchange: Exchange, store: Store, fault: str
) -> None:
    exchange.order(**{fault: 99})
    with pytest.raises(ExchangeUnavailableError, match=r"after 2 tries.*exchange\.endpoint"):
        run(configuration(exchange), store)


def test_exchange_that_fails_once_is_asked_again(exchange: Exchange, store: Store) -> None:
    exchange.order(error_next=1)
    assert run(configuration(exchange), store)[0].candles == 1440


def test_address_where_nobody_listens_is_unavailable(store: Store) -> None:
    asked = training_configuration(bot_spec("http://127.0.0.1:9"))
    with pytest.raises(ExchangeUnavailableError, match="markets: no answer"):
        run(asked, store)


def test_feed_that_ended_is_told(exchange: Exchange, store: Store) -> None:
    now_ms = exchange.stop_clock() // MINUTE_MS * MINUTE_MS
    exchange.order(stale_since_ms=now_ms - 10 * MINUTE_MS - 1)
    result, reporter = run(configuration(exchange), store)
    assert result.candles == 1430
    assert "newest candle closed at" in reporter.warnings[0]


@pytest.mark.real_candles
def test_real_candles_with_holes_keep_only_rows_of_whole_windows(real_candles: Path) -> None:
    candles = load_candles(real_candles / "gaps-1m.parquet", MINUTE_MS)
    assert (len(find_gaps(candles)), missing_count(candles)) == (538, 717)
    features = compute_features(candles)
    full = np.asarray(np.isfinite(features).all(axis=1))
    ends = candles.open_time_ms[WARM_UP:] - candles.open_time_ms[:-WARM_UP]
    assert np.array_equal(full[WARM_UP:], ends == WARM_UP * MINUTE_MS)
    assert 0 < full.sum() < len(candles)
    spans = spans_of(find_gaps(candles), MINUTE_MS)
    assert len(spans) < 30
    assert all(end - start <= PAGE * MINUTE_MS for start, end in spans)


@pytest.mark.real_candles
def test_holes_of_real_candles_are_fetched_as_holes(real_candles: Path, store: Store) -> None:
    file = f"BTC/USDT={real_candles / 'gaps-1m.parquet'}"
    with exchange_with("--candles", file) as replaying:
        asked = configuration(replaying, "2w")
        result, reporter = run(asked, store)
    assert (result.candles, result.missing) == (13_681, 717)
    assert "717 candles in 538 holes" in reporter.warnings[0]


def test_a_candle_off_the_grid_is_not_asked_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = RetryPolicy(2, 5)
    client = ExchangeClient(ExchangeSpec(id="binance"), "1m", policy, lambda *_, **__: None)
    rows = [[i * MINUTE_MS, 1.0, 1.0, 1.0, 1.0, 1.0] for i in range(9)]
    rows.append([8.5 * MINUTE_MS, 1.0, 1.0, 1.0, 1.0, 1.0])
    asked = count()

    def page(
        _symbol: str, _timeframe: str, since: int, limit: int, _params: object
    ) -> list[list[float]]:
        assert next(asked) < 10, "asked for ever"
        return [row for row in rows if row[0] >= since][:limit]

    monkeypatch.setattr(client._client, "fetch_ohlcv", page)
    assert len(client.candles("BTC/USDT", 0, 10 * MINUTE_MS)) == 10
