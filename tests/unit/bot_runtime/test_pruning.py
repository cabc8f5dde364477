"""What leaves the store after an evaluation, and what never does."""

import json
import os
import time
from pathlib import Path

import pytest

from bot_runtime.contract.names import ENV_PRUNING
from bot_runtime.contract.retention import Pruning
from bot_runtime.store.files import save_json
from bot_runtime.store.layout import Store
from bot_runtime.store.pruning import (
    ABANDONED_SECONDS,
    IN_USE_SECONDS,
    load_pruning,
    note_use,
    prune,
)
from tests.unit.bot_runtime.learning import quiet

BOT = "btc-paper"
DAY = 86_400.0


def version(number: int, bot: str = BOT) -> str:
    return f"{bot}-{number:08x}-0a1b2c3d"


def training(number: int, bot: str = BOT) -> str:
    return f"{bot}-{number:08x}"


def put(folder: Path, age: float, file: str = "manifest.json") -> None:
    """Leave a folder whose files were written `age` seconds ago."""
    folder.mkdir(parents=True)
    for path in (folder / file, folder):
        if path != folder:
            path.write_text("{}", encoding="utf-8")
        at = time.time() - age
        os.utime(path, (at, at))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store with ten versions and trainings, 1 the newest, each a day older."""
    store = Store(tmp_path)
    for n in range(1, 11):
        put(store.version(version(n)), n * DAY)
        put(store.training(training(n)), n * DAY, "result-Evaluation.json")
    return store


def versions(store: Store) -> set[str]:
    return {f.name for f in (*store.versions(), *store.unfinished())}


def trainings(store: Store) -> set[str]:
    return {f.name for f in store.trainings()}


def act(store: Store, *keep: str, last: int = 3) -> tuple[str, ...]:
    pruning = Pruning(bot=BOT, keep=keep, last=last)
    return prune(store, pruning, training(1), quiet("Evaluation"))


def test_the_named_the_promoted_and_the_last_stay(store: Store) -> None:
    save_json(store.promoted(), {"version": version(9)})
    gone = act(store, version(1), version(7))
    assert versions(store) == {version(n) for n in (1, 2, 3, 4, 7, 9)}
    assert trainings(store) == {training(n) for n in (1, 2, 3, 4)}
    assert len(gone) == 10


def test_with_no_history_only_what_is_in_use_stays(store: Store) -> None:
    act(store, version(1), last=0)
    assert versions(store) == {version(1)}
    assert trainings(store) == {training(1)}


def test_a_version_that_a_run_may_be_loading_stays(store: Store) -> None:
    note_use(store, version(8))
    act(store)
    assert version(8) in versions(store)
    used = store.version(version(8)) / ".used"
    long_ago = time.time() - IN_USE_SECONDS - 1
    os.utime(used, (long_ago, long_ago))
    act(store)
    assert version(8) not in versions(store)


def test_using_a_version_does_not_make_it_one_of_the_newest(store: Store) -> None:
    note_use(store, version(8))
    save_json(store.band(version(9), "BTC/USDT"), {})
    save_json(store.drift(version(10), "BTC/USDT"), {})
    act(store)
    assert versions(store) == {version(n) for n in (1, 2, 3, 8)}


@pytest.mark.parametrize("other", ["btc", "btc-paper-eth", "study"])
def test_what_is_of_others_in_the_same_store_stays(store: Store, other: str) -> None:
    put(store.version(version(1, other)), 90 * DAY)
    put(store.training(training(1, other)), 90 * DAY)
    put(store.version("my-own-version"), 90 * DAY)
    act(store, last=0)
    assert {version(1, other), "my-own-version"} <= versions(store)
    assert training(1, other) in trainings(store)


def test_a_training_that_has_not_ended_stays_until_no_step_can_be_running(store: Store) -> None:
    put(store.training(training(20)), ABANDONED_SECONDS - 60, "dataset.json")
    put(store.training(training(21)), ABANDONED_SECONDS + 60, "dataset.json")
    act(store, last=0)
    assert training(20) in trainings(store)
    assert training(21) not in trainings(store)


def test_what_killed_steps_left_goes_once_nobody_can_be_writing_it(store: Store) -> None:
    put(store.version(".half.abc"), ABANDONED_SECONDS + 60)
    put(store.version(".young.abc"), 60)
    act(store)
    assert ".half.abc" not in versions(store)
    assert ".young.abc" in versions(store)


def test_a_store_that_cannot_be_changed_is_a_warning_and_no_failure(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    reporter = quiet("Evaluation")
    assert prune(store, Pruning(bot=BOT, last=0), training(1), reporter) == ()
    assert "could not be taken out" in reporter.result().warnings[0]
    assert len(versions(store)) == 10


def test_an_empty_store_and_a_version_that_is_not_there_are_no_matter(tmp_path: Path) -> None:
    store = Store(tmp_path)
    note_use(store, version(1))
    assert not store.version(version(1)).exists()
    assert act(store) == ()


@pytest.mark.parametrize("text", ["", "not JSON", json.dumps({"bot": "b"}), json.dumps([1])])
def test_without_a_readable_order_nothing_goes(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_PRUNING, text)
    assert load_pruning() is None


def test_the_order_is_read_as_the_operator_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Pruning(bot=BOT, keep=(version(1),), last=2)
    monkeypatch.setenv(ENV_PRUNING, json.dumps(order.to_json()))
    assert load_pruning() == order
