"""The user's own candles end to end: whatever the verdict, every number of it holds."""

from pathlib import Path

import pytest

from bot_runtime.market.candle_files import load_candles
from bot_runtime.market.candles import Candles
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import model_spec, prepare_training, train_and_evaluate

pytestmark = pytest.mark.real_candles


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("file", "timeframe", "count"),
    [("BTC_USDT-5m.parquet", "5m", 40_000), ("BTC_USDT-1h.parquet", "1h", 20_000)],
)
def test_real_candles_are_learned_from_and_judged(
    real_candles: Path, tmp_path: Path, file: str, timeframe: str, count: int
) -> None:
    interval_ms = {"5m": 300_000, "1h": 3_600_000}[timeframe]
    newest: Candles = load_candles(real_candles / file, interval_ms)[-count:]
    store = Store(tmp_path)
    configuration = prepare_training(
        store, {"BTC/USDT": newest}, model_spec(gradientBoosting={}), timeframe=timeframe
    )
    result = train_and_evaluate(configuration, store)
    assert result.promoted == (not result.reasons)
    assert not any(reason.startswith(("Parity", "NotFinite")) for reason in result.reasons)
    trend, band, risk = (o.metrics for o in result.objectives)
    assert 0.68 < float(trend["log_loss"]) < 0.70
    assert float(band["coverage"]) == pytest.approx(0.8, abs=0.1)  # the market drifts
    assert float(band["pinball"]) < float(band["pinball_naive"])
    assert float(risk["rank_correlation"]) > 0.3
    assert float(risk["qlike"]) < 1.05 * float(risk["qlike_naive"])
    details = load_json(store.version(result.version) / "evaluation.json")
    assert details["trading"]["rows"] > 0.15 * count
