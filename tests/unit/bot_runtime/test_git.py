"""Which commit: the image's variable, a checkout's HEAD, or unknown."""

import re
import shutil
from pathlib import Path

import pytest

from bot_runtime.process.git import UNKNOWN, git_commit


def test_variable_of_the_image_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTCRIPTO_GIT_COMMIT", "abc123")
    assert git_commit() == "abc123"


def test_checkout_names_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOTCRIPTO_GIT_COMMIT", raising=False)
    checkout = Path(__file__).resolve().parents[3]
    if not (checkout / ".git").exists() or shutil.which("git") is None:
        assert git_commit() == UNKNOWN
    else:
        assert re.fullmatch(r"[0-9a-f]{40}(\+dirty)?", git_commit())


def test_without_git_it_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOTCRIPTO_GIT_COMMIT", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert git_commit() == UNKNOWN
