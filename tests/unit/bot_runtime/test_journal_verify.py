"""`journal verify`: what is as it should be is said so, and the first row that is not is named."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from bot_runtime.backtest.predicted_again import PredictedAgain, predict_again
from bot_runtime.backtest.told import tell
from bot_runtime.command_line import main
from bot_runtime.contract.spec import DecisionSpec
from bot_runtime.exchange.retries import RetryPolicy
from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.market.candles import Candles
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store
from bot_runtime.trading.account import Track
from bot_runtime.trading.markets import market_of
from tests.unit.bot_runtime.markets import bot_spec, publish_version, random_candles
from tests.unit.bot_runtime.paper_accounts import PaperAccount
from tests.unit.bot_runtime.random_markets import RandomMarket, random_market
from tests.unit.bot_runtime.strategies import strategy_with

BEGIN = 150
CANDLES = random_candles(260, seed=9)
KNOWN = {"BTC/USDT": CANDLES[:BEGIN]}


def tampered(store: Store, statement: str) -> None:
    """Change a journal by hand, as no run may."""
    with sqlite3.connect(store.journal) as database:
        triggers = database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        assert database.execute(statement).rowcount > 0


def verified(store: Store, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    code = main(["journal", "verify", "--store", str(store.root), *options])
    return code, capsys.readouterr().out


@pytest.fixture(scope="module")
def traded_once(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("traded"))
    PaperAccount(store.journal, random_market(1)).run_all()
    return store


@pytest.fixture
def traded(traded_once: Store, tmp_path: Path) -> Store:
    """Return a store of its own for each test, whose account has traded."""
    return copied(traded_once, tmp_path)


@pytest.fixture(scope="module")
def decided_once(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("decided"))
    account_of_version(store).run_all()
    return store


@pytest.fixture
def decided(decided_once: Store, tmp_path: Path) -> Store:
    """Return a store of its own for each test, whose version has decided on all candles."""
    return copied(decided_once, tmp_path)


def copied(store: Store, folder: Path) -> Store:
    return Store(Path(shutil.copytree(store.root, folder / "copy")))


def test_a_journal_that_is_what_led_to_it(
    traded: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told = verified(traded, capsys)
    assert code == 0
    assert "they are what led to them" in told
    assert "decisions of bot-00000000-00000000 are not checked: it is gone from the store" in told


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE fills SET price = '1' WHERE at_ms = (SELECT min(at_ms) FROM fills)", "price is 1"),
        (
            "UPDATE ledger SET delta = '1' WHERE asset = 0 + (SELECT min(asset) FROM ledger)",
            "delta",
        ),
        ("UPDATE trades SET profit = '0'", "trade of the position"),
        ("UPDATE equity SET cash = '5' WHERE candle_ms > 0", "cash is 5.0"),
        ("UPDATE orders SET share = 0.123", "share is 0.123"),
        ("UPDATE order_events SET quote_executed = '7'", "event of the order"),
        ("UPDATE limits SET value = 9", "value is 9"),
        ("UPDATE candles SET p50 = p50 - 1 WHERE side IS NOT NULL", "side is"),
        ("UPDATE candles SET outcome = NULL, side = NULL", "decision of"),
        ("DELETE FROM limits", "is missing"),
        ("UPDATE accounts SET state = replace(state, '\"cash\":', '\"cash\":1')", "account: cash"),
    ],
    ids=lambda part: part.split()[1] if " " in part else "",
)
def test_the_first_row_that_differs_is_named(
    traded: Store, capsys: pytest.CaptureFixture[str], statement: str, words: str
) -> None:
    tampered(traded, statement)
    code, told = verified(traded, capsys)
    assert code == 66
    assert words in told


def test_a_store_without_a_journal_is_refused(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verified(store, capsys)[0] == 78


def test_an_empty_journal_has_nothing_that_differs(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with PaperAccount(store.journal, random_market(1)).kept_open():
        pass
    code, told = verified(store, capsys)
    assert code == 0
    assert "0 candles, 0 decisions" in told


# --- predictions computed again


def account_of_version(store: Store, policy: str = "Thresholds") -> PaperAccount:
    """Return the account of a version that is in the store, which decides on all its candles."""
    name = publish_version(store, bot_spec(), score=0.1, slope=200.0)
    said = tell(
        load_version(store, name),
        {"BTC/USDT": CANDLES},
        int(CANDLES.open_time_ms[BEGIN]),
        lambda _: None,
    )["BTC/USDT"]
    decision = DecisionSpec.model_validate({"policy": policy, "probMin": 0.5})
    strategy = strategy_with(decision, interval_ms=60_000)
    own: Candles = CANDLES[BEGIN:]
    rows = np.searchsorted(own.open_time_ms, said.open_ms)
    market = market_of(own, strategy.costs)
    track = Track(own, market, rows, said.predictions, said.regimes)
    return PaperAccount(store.journal, RandomMarket(strategy, {"BTC": track}), version=name)


def again(store: Store, more: dict[str, Candles]) -> PredictedAgain:
    with read_journal(SqliteFile(store.journal)) as journal:
        (found,) = predict_again(journal, store, more)
        return found


def test_predictions_are_what_their_version_makes_of_the_candles(decided: Store) -> None:
    found = again(decided, KNOWN)
    assert found.decisions == found.checked == len(CANDLES) - BEGIN
    assert (found.agrees, found.beyond, found.otherwise, found.notes) == (True, [], [], [])


def test_without_older_candles_the_first_decisions_are_said_not_to_be_checked(
    decided: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    found = again(decided, {})
    assert 0 < found.checked < found.decisions
    assert found.agrees
    code, told = verified(decided, capsys)
    assert code == 0
    assert f"{found.decisions - found.checked} decisions of" in told
    assert "--ask" in told


@pytest.mark.parametrize("column", ["prob_up", "p10", "p50", "p90", "risk_score", "volatility"])
def test_a_prediction_that_is_not_the_versions_own_is_named(decided: Store, column: str) -> None:
    last = "(SELECT max(candle_ms) FROM candles)"
    tampered(decided, f"UPDATE candles SET {column} = {column} * 0.99 WHERE candle_ms = {last}")
    found = again(decided, KNOWN)
    assert not found.agrees
    assert column in found.beyond[0]


def test_a_decision_that_its_candles_do_not_lead_to_is_listed(decided: Store) -> None:
    side = "(SELECT side FROM candles ORDER BY candle_ms LIMIT 1)"
    other = f"(SELECT max(candle_ms) FROM candles WHERE side <> {side})"
    tampered(decided, f"UPDATE candles SET side = {side} WHERE candle_ms = {other}")
    found = again(decided, KNOWN)
    assert len(found.otherwise) == 1
    assert not found.agrees


def test_a_band_that_knows_of_more_than_the_journal_is_not_checked_from_then_on(
    store: Store,
) -> None:
    account = account_of_version(store)
    account.run_all(account.closes[:60])
    account.run_all(account.closes[61:])
    found = again(store, KNOWN)
    assert found.agrees
    assert found.notes[0].startswith("p10 and p90 of BTC/USDT are not checked from ")


def test_managed_shares_are_checked_where_their_memory_reaches(store: Store) -> None:
    account_of_version(store, "VolatilityManaged").run_all()
    found = again(store, KNOWN)
    assert found.agrees
    assert found.checked == 0, "its memory is longer than the candles that are known"
    assert "are not checked" in found.notes[-1]


def test_candles_that_cannot_be_asked_for_are_told(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = account_of_version(store)
    account.changes = {"exchange": {"id": "binance", "endpoint": "http://127.0.0.1:9"}}
    account.run_all()
    policy = "bot_runtime.local.journal_verify.POLICY"
    monkeypatch.setattr(policy, RetryPolicy(attempts=1, budget_seconds=1))
    code, told = verified(store, capsys, "--ask")
    assert code == 0
    assert "older candles could not be asked for" in told


def test_the_store_is_named_on_the_command_line(tmp_path: Path) -> None:
    assert main(["journal", "verify", "--store", str(tmp_path)]) == 78
