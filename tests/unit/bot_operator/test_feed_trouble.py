"""Which decisions were taken for the feed's sake: those degrade the bot."""

import pytest

from bot_operator.tradingbot.signals import is_feed_trouble
from bot_runtime.contract.signal import DecisionReason
from bot_runtime.contract.signalstatus import StatusSignal


def _signal(reason: str) -> StatusSignal:
    return StatusSignal(
        symbol="BTC/USDT",
        decision="NO_TRADE",
        reason=reason,
        ts="2026-03-01T12:00:00Z",
        model_version="btc-0a1b2c3d-0a1b2c3d",
        git_commit="c0ffee0",
        run_digest="d" * 64,
        produced_by="1",
    )


@pytest.mark.parametrize("reason", DecisionReason)
def test_reasons_of_the_feed_are_its_troubles_and_no_others(reason: DecisionReason) -> None:
    of_the_feed = {"FeedStale", "FeedGap", "FeedSkew", "ExchangeUnavailable"}
    assert is_feed_trouble(_signal(f"{reason}: 1 > 0")) == (reason.value in of_the_feed)


@pytest.mark.parametrize("text", ["FeedFrozen: a reason of a later release", "FeedSta…", ""])
def test_a_reason_that_is_not_known_is_no_trouble(text: str) -> None:
    assert not is_feed_trouble(_signal(text))
