"""The marker of an inference run: written last, and read by the same pod and settings alone."""

import os
from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.names import ENV_POD_UID
from bot_runtime.exchange.retries import Patience
from bot_runtime.market.candles import ms_of
from bot_runtime.process.errors import StoreUnavailableError
from bot_runtime.process.reporting import Reporter
from bot_runtime.steps import infer as module
from bot_runtime.steps.infer import infer
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store
from bot_runtime.store.marker import Marker, load_marker, save_marker
from tests.exchanges import Exchange
from tests.unit.bot_runtime.markets import bot_spec, inference_configuration, publish_version

OWN = Marker(pod_uid="a-1", run_digest="d1", candle_ms=60_000)
QUICK = Patience(wait_seconds=0.5, jitter_seconds=0.0, timeout_seconds=2.0)
SYMBOLS = ["BTC/USDT", "ETH/USDT"]


def test_a_marker_is_read_by_its_own_pod_and_settings_alone(store: Store) -> None:
    assert load_marker(store, "a-1", "d1") is None
    save_marker(store, OWN)
    assert load_marker(store, "a-1", "d1") == OWN
    assert load_marker(store, "a-2", "d1") is None, "another pod's"
    assert load_marker(store, "a-1", "d2") is None, "another run configuration's"
    save_marker(store, OWN.model_copy(update={"candle_ms": None}))
    assert load_marker(store, "a-1", "d1") == Marker(pod_uid="a-1", run_digest="d1")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"podUid": "a-1", "runDigest": 1}'])
def test_what_is_no_marker_is_none(store: Store, text: str) -> None:
    store.marker.parent.mkdir(parents=True)
    store.marker.write_text(text, encoding="utf-8")
    assert load_marker(store, "a-1", "d1") is None


def test_a_volume_that_cannot_be_read_is_told(store: Store) -> None:
    store.marker.mkdir(parents=True)
    with pytest.raises(StoreUnavailableError, match=r"signals/marker\.json"):
        load_marker(store, "a-1", "d1")


def infer_once(exchange: Exchange, store: Store) -> tuple[str, list[str]]:
    """Infer on two symbols, and return the run digest and the closes that the signals name."""
    spec = bot_spec(exchange.url, symbols=SYMBOLS)
    configuration = inference_configuration(spec, publish_version(store, spec))
    reporter = Reporter("Inference", stream=StringIO())
    signals = infer(configuration, store, reporter, QUICK).signals
    return configuration.digest, [str(signal.bar_close_ts) for signal in signals]


def test_inference_marks_its_signals_with_pod_digest_and_newest_candle(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_POD_UID, "a-1")
    digest, closes = infer_once(exchange, store)
    found = load_marker(store, "a-1", digest)
    assert found is not None
    assert found.candle_ms == max(map(ms_of, closes))


def test_without_a_name_to_wait_for_there_is_no_marker(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENV_POD_UID, raising=False)
    infer_once(exchange, store)
    assert store.signal(SYMBOLS[0]).exists()
    assert not store.marker.exists()


def test_a_run_that_ends_amid_its_signals_leaves_no_marker_of_its_own(
    exchange: Exchange, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENV_POD_UID, "a-1")
    save_marker(store, OWN.model_copy(update={"pod_uid": "a-0"}))

    def fails_at_the_last(path: Path, value: object) -> None:
        if path == store.signal(SYMBOLS[-1]):
            raise StoreUnavailableError("no room")
        save_json(path, value)

    monkeypatch.setattr(module, "save_json", fails_at_the_last)
    with pytest.raises(StoreUnavailableError):
        infer_once(exchange, store)
    assert store.signal(SYMBOLS[0]).exists()
    assert "a-0" in store.marker.read_text(encoding="utf-8")


def test_no_symbol_has_the_markers_name(store: Store) -> None:
    assert all("-" in store.signal(symbol).stem for symbol in SYMBOLS)
    assert "-" not in store.marker.stem
    assert os.path.commonpath([store.marker, store.root]) == str(store.root)
