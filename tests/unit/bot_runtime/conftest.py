"""What tests of the data step share."""

import pytest

from tests.unit.bot_runtime.fetching import HASTY, Asked


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up sooner than a pod does; the code that runs is the same."""
    monkeypatch.setattr("bot_runtime.steps.fetch.FETCH", HASTY)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The spans of candles that steps ask for from now on."""
    monkeypatch.setattr("bot_runtime.steps.fetch.ExchangeClient", Asked)
    Asked.spans.clear()
    return Asked.spans
