"""The demo's story: its end is a complete trade, or an explanation."""

import json
from typing import Any

import pytest

from bot_runtime.contract.status import TradingBotStatus
from demo import paper_trade, story
from demo.market import DemoMarket
from demo.steps import DemoError, Steps
from demo.story import Story
from tests.cluster.install import ExchangeKeys
from tests.unit.demo.test_paper_trade import ENTRY, EXIT, FIRST, LATER, LONG, status


class Cluster:
    """A cluster that answers kubectl; each look at the bot shows its next status."""

    def __init__(self, *statuses: dict[str, Any]) -> None:
        ready = {"type": "Ready", "status": "True", "reason": "Deciding"}
        secret = {"type": "SecretsValid", "status": "True", "reason": "Found"}
        self.statuses = [found | {"conditions": [ready, secret]} for found in statuses]
        self.commands: list[str] = []

    def __call__(self, *args: str, **_: Any) -> str:
        self.commands.append(" ".join(args))
        if args[:2] == ("get", "tradingbot"):
            later = len(self.statuses) > 1 and self.is_ready
            return json.dumps({"status": self.statuses.pop(0) if later else self.statuses[0]})
        if args[:2] == ("get", "secret"):
            return "{}"
        if args[:2] == ("get", "events") and "json" in args:
            event = {"reason": "EntryFilled", "message": "bought 0.02", "lastTimestamp": FIRST}
            return json.dumps({"items": [event]})
        return ""

    @property
    def is_ready(self) -> bool:
        """Whether somebody has waited for the bot: from then on time goes on."""
        return any(command.startswith("wait ") for command in self.commands)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "POLL_SECONDS", 0)


def tell(cluster: Cluster, *, trades: bool = True) -> bool:
    keys = ExchangeKeys.generate()
    return Story(cluster, "demo", DemoMarket().bot(), keys, Steps(), trades).run()


def test_it_ends_with_a_complete_trade_and_where_its_reasons_lie(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = {"activeModel": {"version": "btc-paper-1-2"}}
    end = status(LATER, EXIT, trades=1) | model
    assert tell(Cluster(status(LONG), status(LATER, ENTRY), end))
    shown = capsys.readouterr().out
    assert "▶ Trade on paper until a trade is complete" in shown
    assert "last action: Entry of 0.02 BTC/USDT at 70000" in shown
    last = shown[shown.index("The paper account") :]
    assert "exit     Target of 0.02 BTC/USDT at 70100" in last
    assert "profit 1.9" in last
    assert "why      LONG  LongSignal: probability 0.8" in last
    assert "report   versions/btc-paper-1-2/report.html on the claim btc-paper-store" in last
    assert "EntryFilled: bought 0.02" in last


def test_without_a_trade_it_ends_with_an_explanation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paper_trade, "CANDLES", 0)
    cluster = Cluster(status(LONG))
    with pytest.raises(DemoError, match="no trade was complete within 0 candles"):
        tell(cluster)
    assert "$ kubectl describe tradingbot btc-paper" in capsys.readouterr().out


def test_on_candles_of_one_s_own_the_decision_is_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tell(Cluster(TradingBotStatus(signals=(LONG,)).to_json()), trades=False)
    shown = capsys.readouterr().out
    assert "Trade on paper" not in shown
    assert "so far   0 orders, 0 fills, 0 trades" in shown
