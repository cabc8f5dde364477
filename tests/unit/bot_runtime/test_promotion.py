"""The pointer to the promoted version: one writer, and every reader takes what it finds."""

from pathlib import Path

import pytest

from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import Promotion, load_promotion, promote, promoted_version

VERSION = "btc-paper-0a1b2c3d-0a1b2c3d"


def test_what_is_promoted_is_what_is_loaded(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert load_promotion(store) is None
    assert promoted_version(store) is None
    promotion = Promotion(
        version=VERSION, trained_at="2026-01-02T03:04:05Z", training_digest="ab" * 32
    )
    promote(store, promotion)
    assert load_promotion(store) == promotion
    assert promoted_version(store) == VERSION
    assert load_json(store.promoted()) == {
        "version": VERSION,
        "trainedAt": "2026-01-02T03:04:05Z",
        "trainingDigest": "ab" * 32,
    }


def test_a_pointer_of_another_release_is_read(tmp_path: Path) -> None:
    store = Store(tmp_path)
    save_json(store.promoted(), {"version": VERSION, "fieldOfALaterRelease": 1})
    assert promoted_version(store) == VERSION


@pytest.mark.parametrize("content", [{}, {"version": None}, {"version": 5}, {"version": ""}, []])
def test_a_file_that_is_no_pointer_promotes_nothing(tmp_path: Path, content: object) -> None:
    store = Store(tmp_path)
    save_json(store.promoted(), content)
    assert promoted_version(store) is None
    with pytest.raises(ArtifactInvalidError, match=r"promoted\.json"):
        load_promotion(store)
