"""YAML as kubectl reads it: a key that is written twice is refused by its name and its line."""

from pathlib import Path

import pytest

from bot_runtime.local.kubectl_yaml import load_documents
from bot_runtime.process.errors import ConfigurationError


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bot.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "key", "line", "first"),
    [
        ("a: 1\nb: 2\na: 1\n", "a", 3, 1),
        (
            "spec:\n  mode: Paper\n  training:\n    lookback: 5d\n    lookback: 9d\n",
            "lookback",
            5,
            4,
        ),
        ("a: {id: binance, id: kraken}", "id", 1, 1),
        ("list:\n- a: 1\n- b: 1\n  'b': 2\n", "b", 4, 3),
        ("kind: Secret\n---\nkind: TradingBot\nspec:\nkind: TradingBot\n", "kind", 5, 3),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  y: 1\n  y: 2\n", "y", 5, 4),
        ('{"a": 1,\n"a": 2}', "a", 2, 1),
    ],
)
def test_a_key_that_is_written_twice_is_refused(
    tmp_path: Path, text: str, key: str, line: int, first: int
) -> None:
    words = rf"bot.yaml: line {line}: the key {key} stands in line {first} already"
    with pytest.raises(ConfigurationError, match=words):
        load_documents(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {x: 1}\nb: {x: 1}\n", [{"a": {"x": 1}, "b": {"x": 1}}]),
        ("a: 1\n---\na: 2\n", [{"a": 1}, {"a": 2}]),
        ("a: &a {x: 1}\nb: {<<: *a, x: 2}\n", [{"a": {"x": 1}, "b": {"x": 2}}]),
        (
            "a: &a {x: 1}\nb: &b {<<: *a, x: 2}\nc: {<<: [*a, *b], x: 3}\n",
            [{"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 3}}],
        ),
        ("day: 2026-01-02\n", [{"day": "2026-01-02"}]),
        ("\ufeffa: 1\n", [{"a": 1}]),
        ("", []),
    ],
)
def test_what_is_written_once_is_read(tmp_path: Path, text: str, expected: list[object]) -> None:
    assert load_documents(written(tmp_path, text)) == expected
