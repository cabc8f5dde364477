"""A backtest from a store, by the command: who decided when, what is left out, what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bot_runtime.backtest.assemble import Asked, run_backtest
from bot_runtime.backtest.result import Backtest
from bot_runtime.backtest.versions import terms_of, terms_of_version
from bot_runtime.command_line import main
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.market.candle_files import save_candles
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import ArtifactInvalidError, DataUnusableError
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import Promotion, past_promotions, promote
from tests.unit.bot_runtime.markets import (
    bot_spec,
    inference_configuration,
    publish_version,
    random_candles,
    without,
)
from tests.unit.bot_runtime.strategies import UNLIMITED, strategy_with

CANDLES = random_candles(2000, seed=5)
EAGER = {"probMin": 0.5, "minExpectedReturn": 0, "feesBps": 0.1, "slippageBps": 0.1}
STRATEGY = strategy_with(
    DecisionSpec.model_validate(EAGER), interval_ms=60_000, max_position=0.5, **UNLIMITED
)


def close_of(row: int) -> str:
    return utc(int(CANDLES.close_time_ms[row]))


def store_with(
    root: Path, *rows: int, symbols: tuple[str, ...] = ("BTC/USDT",)
) -> tuple[Store, list[str]]:
    """Return a store whose versions were promoted at the closes of these candles."""
    store, names = Store(root), []
    for place, row in enumerate(rows):
        spec = bot_spec(symbols=list(symbols))
        name = publish_version(store, spec, score=0.05 + place / 100, slope=200.0)
        promote(store, Promotion(version=name, trained_at=close_of(row)))
        names.append(name)
    return store, names


def run(store: Store, candles: Candles = CANDLES, **asked: Any) -> Backtest:
    last = int(candles.close_time_ms[-1])
    run_ = inference_configuration(bot_spec(), "promoted")
    what: dict[str, Any] = {
        "filters": {},
        "terms": terms_of(store, run_, last),
        "from_ms": int(candles.close_time_ms[0]),
        "to_ms": last,
    }
    return run_backtest(
        Asked("bot", STRATEGY, {"BTC/USDT": candles}, **(what | asked)), lambda *_: None
    )


def test_each_candle_is_decided_on_by_the_version_promoted_then(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 500, 1200)
    found = run(store)
    assert [(s.version, utc(s.begin_ms), utc(s.end_ms), s.candles) for s in found.spans] == [
        (names[0], close_of(500), close_of(1199), 700),
        (names[1], close_of(1200), close_of(1999), 800),
    ]
    assert utc(int(found.account.close_ms[0])) == close_of(500)
    assert len(found.account.trades) > 10
    assert any("are left out: no version had been promoted" in note for note in found.notes)
    assert found.account.capital == 10_000
    assert found.account.equity[-1] == pytest.approx(
        10_000 * np.prod(1 + found.account.net), rel=1e-9
    )


BOTH = ("BTC/USDT", "ETH/USDT")


def run_both(store: Store, ether: Candles) -> Backtest:
    """Run a bot of two symbols, of which the second one has these candles."""
    spec = bot_spec(symbols=list(BOTH))
    last = int(CANDLES.close_time_ms[-1])
    terms = terms_of(store, inference_configuration(spec, "promoted"), last)
    candles = dict(zip(BOTH, (CANDLES, ether), strict=True))
    asked = Asked("bot", STRATEGY, candles, {}, terms, int(CANDLES.close_time_ms[0]), last)
    return run_backtest(asked, lambda *_: None)


def test_two_symbols_share_one_equity(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, 500, symbols=BOTH)
    found = run_both(store, random_candles(2000, seed=6))
    assert set(found.account.fills["symbol"].tolist()) == {0, 1}
    earned = float(found.account.trades["profit"].sum())
    assert found.account.equity[-1] == pytest.approx(10_000 + earned, abs=200)
    assert found.held[0] == pytest.approx(10_000 * (1 - STRATEGY.round_trip / 2))


def test_a_symbol_without_candles_is_named(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, 500, symbols=BOTH)
    with pytest.raises(DataUnusableError, match="ETH/USDT: no candle between"):
        run_both(store, random_candles(2000, seed=6)[:300])


def test_a_symbol_that_is_listed_later_is_decided_on_from_then(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 500, 1200, symbols=BOTH)
    later = random_candles(2000, seed=6)[1500:]
    found = run_both(store, later)
    assert [span.version for span in found.spans] == names
    bitcoin, ether = (found.tracks[symbol] for symbol in BOTH)
    assert utc(int(bitcoin.candles.close_time_ms[bitcoin.rows[0]])) == close_of(500)
    first = int(ether.candles.open_time_ms[ether.rows[0]])
    assert first > int(later.open_time_ms[0])
    own = found.account.fills[found.account.fills["symbol"] == 1]
    assert len(own) > 0
    assert int(own["at_ms"].min()) > first


def test_what_two_versions_say_is_what_each_says_alone(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 500, 1200)
    together = run(store)
    alone = terms_of_version(store, inference_configuration(bot_spec(), names[0]), names[0], 2**60)
    first = run(store, terms=alone, to_ms=int(CANDLES.close_time_ms[1199]))
    mine, its = together.tracks["BTC/USDT"], first.tracks["BTC/USDT"]
    shared = int(
        np.searchsorted(its.candles.close_time_ms[its.rows], mine.candles.close_time_ms[0])
    )
    np.testing.assert_array_equal(mine.predictions.prob_up[:700], its.predictions.prob_up[shared:])
    np.testing.assert_array_equal(mine.predictions.p10[:700], its.predictions.p10[shared:])


def test_candles_of_a_version_that_is_gone_are_left_out(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 500, 1200)
    store.version(names[0]).rename(tmp_path / "gone")
    found = run(store)
    assert [span.version for span in found.spans] == [names[1]]
    assert f"{names[0]} decided from {close_of(500)} to {close_of(1200)} and is gone: these " in (
        " ".join(found.notes)
    )


def test_no_version_left_is_said(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 500)
    store.version(names[0]).rename(tmp_path / "gone")
    with pytest.raises(DataUnusableError, match="every version that was promoted is gone"):
        run(store)


def test_promoted_after_the_last_candle_names_the_way_on(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 1999)
    promote(store, Promotion(version=names[0], trained_at="2099-01-01T00:00:00Z"))
    with pytest.raises(DataUnusableError, match=f"Take --version {names[0]} to test it"):
        run(store)


def test_holes_are_told_and_decided_around(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, 300)
    found = run(store, without(CANDLES, *range(800, 830)))
    assert "BTC/USDT: 30 candles are missing; nothing was filled in them" in found.notes
    assert any("have no decision: their history has a hole" in note for note in found.notes)
    at = found.account.fills["at_ms"]
    hole = CANDLES.open_time_ms[[800, 829]]
    assert not np.any((at >= hole[0]) & (at <= hole[1]))


def test_months_and_regimes_multiply_to_the_whole(tmp_path: Path) -> None:
    store, _ = store_with(tmp_path, 300)
    found = run(store)
    for parts in (found.months, found.regimes):
        assert sum(part.candles for part in parts) == len(found.account.close_ms)
        assert np.prod([1 + part.net for part in parts]) == pytest.approx(
            1 + found.performance.net_return
        )
        assert np.prod([1 + part.held for part in parts]) == pytest.approx(
            1 + found.held_performance[0]
        )
    assert sum(month.trades for month in found.months) == len(found.account.trades)


def test_past_promotions_are_known_of_an_earlier_release(tmp_path: Path) -> None:
    """A store without promotions.json: versions tell of themselves, by their verdict."""
    store, names = store_with(tmp_path, 500)
    assert [p.version for p in past_promotions(store)] == names
    store.promotions().unlink()
    assert past_promotions(store) == ()
    store.promotions().write_text("{", encoding="utf-8")
    assert past_promotions(store) == ()


@pytest.fixture
def bot(tmp_path: Path) -> Callable[..., list[str]]:
    """Return what writes a bot's file and its store's candles, and gives the command's words."""

    def write(candles: Candles = CANDLES, **spec: Any) -> list[str]:
        store = Store(tmp_path / "store")
        store.own_candles.mkdir(parents=True, exist_ok=True)
        save_candles(store.own_candles / "BTC-USDT-1m.parquet", candles)
        document = {
            "apiVersion": "botcripto.io/v1alpha1",
            "kind": "TradingBot",
            "metadata": {"name": "bot"},
            "spec": {
                "exchange": {"id": "binance"},
                "symbols": ["BTC/USDT"],
                "timeframe": "1m",
                "mode": "Paper",
                "decision": EAGER,
                **spec,
            },
        }
        path = tmp_path / "bot.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return ["backtest", str(path), "--store", str(store.root), "--offline"]

    return write


def test_the_command_writes_a_report(
    tmp_path: Path, bot: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    words = bot(capital="500", risk={"maxPosition": 0.4, "maxHoldingCandles": 3})
    _, names = store_with(tmp_path / "store", 500)
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert f"versions  {names[0]}" in shown
    assert f"candles   1,500 from {close_of(500)} to {close_of(1999)}" in shown
    assert "after costs, Sharpe ratio" in shown
    report = (tmp_path / "store" / "backtest.html").read_text(encoding="utf-8")
    assert names[0] in report


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (["--from", "2023-13-01"], (78, "--from: found '2023-13-01'; write a date as 2026-01-31")),
        (
            ["--from", "2023-11-15", "--to", "2023-11-14"],
            (78, "is after --to 2023-11-14; swap them"),
        ),
        (["--from", "2030-01-01"], (65, "--from: 2030-01-01 is after the newest candle")),
        (["--to", "2001-01-01"], (65, "--to: 2001-01-01 is before the first candle")),
        (["--version", "latest"], (66, "--version: latest is not in")),
        (
            ["--to", "2023-11-14T22:20:00"],
            (65, "closed while a version was promoted: the first one"),
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path,
    bot: Callable[..., list[str]],
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    refusal: tuple[int, str],
) -> None:
    command = bot()
    store_with(tmp_path / "store", 500)
    assert main([*command, *options]) == refusal[0]
    assert refusal[1] in capsys.readouterr().out
    assert not (tmp_path / "store" / "backtest.html").exists()


def test_an_empty_store_says_what_to_do(
    tmp_path: Path, bot: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    command = bot()
    assert main(command) == 65
    assert "no version was ever promoted; run `python -m bot_runtime run` first" in (
        capsys.readouterr().out
    )
    (tmp_path / "store" / "candles" / "BTC-USDT-1m.parquet").unlink()
    assert main(command) == 65
    assert "BTC/USDT: " in (shown := capsys.readouterr().out)
    assert "has no candles of 1m from binance" in shown


def test_a_version_of_another_horizon_is_refused(
    tmp_path: Path, bot: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    command = bot(model={"horizonSteps": 9})
    _, names = store_with(tmp_path / "store", 500)
    assert main([*command, "--version", names[0]]) == 66
    assert "horizonSteps: trained with 5, this run has 9; train again" in capsys.readouterr().out


def test_a_store_of_another_bot_is_refused(
    tmp_path: Path, bot: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    command = bot()
    store_with(tmp_path / "store", 500)
    (tmp_path / "bot.yaml").write_text(
        (tmp_path / "bot.yaml").read_text(encoding="utf-8").replace("name: bot", "name: other"),
        encoding="utf-8",
    )
    main(command)
    assert "Traceback" not in capsys.readouterr().out


def test_one_candle_is_no_backtest(
    tmp_path: Path, bot: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    command = bot(CANDLES[:1])
    store_with(tmp_path / "store", 0)
    assert main(command) == 65
    assert "Traceback" not in capsys.readouterr().out


def test_terms_are_of_versions_that_can_be_served(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 500)
    (store.version(names[0]) / "trend.onnx").write_bytes(b"x")
    configuration = inference_configuration(bot_spec(), "promoted")
    with pytest.raises(ArtifactInvalidError, match=r"trend\.onnx"):
        terms_of(store, configuration, 2**50)


def test_times_of_promotions_are_sorted(tmp_path: Path) -> None:
    store, names = store_with(tmp_path, 1200, 500)
    assert [p.version for p in past_promotions(store)] == names[::-1]
    begin = datetime.now(UTC) - timedelta(days=1)
    promote(store, Promotion(version=names[1], trained_at=begin.isoformat()))
    assert [p.version for p in past_promotions(store)] == names
