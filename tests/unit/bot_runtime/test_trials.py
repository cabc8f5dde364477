"""What studies have tried: counted once, never shortened, and never guessed at."""

from pathlib import Path

import pytest

from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.layout import Store
from bot_runtime.store.trials import Trial, add_trials, load_trials

SETTINGS = {"decision": {"probMin": 0.55}}


def test_a_setting_counts_once_however_often_it_is_tried(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert load_trials(store) == ()
    one = Trial.of("1h", 4, "Thresholds", SETTINGS)
    other = Trial.of("1h", 4, "VolatilityManaged", SETTINGS)
    assert add_trials(store, [one, one]) == 1
    assert add_trials(store, [one, other]) == 2
    assert load_trials(store) == (one, other)


@pytest.mark.parametrize(
    "changed",
    [
        Trial.of("4h", 4, "Thresholds", SETTINGS),
        Trial.of("1h", 5, "Thresholds", SETTINGS),
        Trial.of("1h", 4, "VolatilityManaged", SETTINGS),
        Trial.of("1h", 4, "Thresholds", {"decision": {"probMin": 0.56}}),
    ],
)
def test_whatever_decides_makes_another_trial(tmp_path: Path, changed: Trial) -> None:
    store = Store(tmp_path)
    assert add_trials(store, [Trial.of("1h", 4, "Thresholds", SETTINGS), changed]) == 2


@pytest.mark.parametrize("text", ["", "[]", "{", '{"trials": 3}', '{"trials": [{"digest": ""}]}'])
def test_a_list_that_cannot_be_read_is_named_and_stays_as_it_is(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    store.trials().write_text(text, encoding="utf-8")
    with pytest.raises(ArtifactInvalidError, match=r"trials\.json: is no list of trials"):
        add_trials(store, [Trial.of("1h", 4, "Thresholds", SETTINGS)])
    assert store.trials().read_text(encoding="utf-8") == text


def test_fields_of_a_later_release_are_passed_over(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add_trials(store, [Trial.of("1h", 4, "Thresholds", SETTINGS)])
    text = store.trials().read_text(encoding="utf-8").replace('"policy"', '"newer": 1, "policy"')
    store.trials().write_text(text, encoding="utf-8")
    assert len(load_trials(store)) == 1
