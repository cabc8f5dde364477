"""What the demo does once a cluster is there: from the namespace to the bot's first trade."""

import json
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.intervals import seconds_of
from bot_runtime.contract.names import LABEL_BOT, claim_name
from demo import paper_trade
from demo.paper_trade import PaperTrade
from demo.steps import DemoError, Steps, say, show
from tests.cluster.errors import ClusterError
from tests.cluster.install import ExchangeKeys, Kubectl, apply_objects

TRAINING_SECONDS = 1200
"""Longest wait for a training; the first decision comes at the next close of a candle."""
POLL_SECONDS = 1.0
Object = dict[str, Any]


@dataclass(slots=True)
class Story:
    """The bot's way from its YAML to its first trade, as a user sees it.

    Attributes:
        trades: whether a trade is waited for: on candles of the user's own there may be none.
    """

    kubectl: Kubectl
    namespace: str
    bot: Object
    keys: ExchangeKeys
    steps: Steps
    trades: bool = True
    _shown: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The bot's name."""
        name: str = self.bot["metadata"]["name"]
        return name

    @property
    def secret(self) -> str:
        """The name of the credentials secret that the bot asks for."""
        secret: str = self.bot["spec"]["exchange"]["credentialsSecret"]
        return secret

    def run(self) -> bool:
        """Tell the whole story; return whether the bot is Ready, or else was rejected.

        Raises DemoError where it ends in neither, after showing what explains it.
        """
        with self.steps.step("Apply the bot: refused, its secret is missing"):
            self._apply_without_secret()
        with self.steps.step("Create the secret with the command that the bot's status names"):
            self._create_secret()
        with self.steps.step("Train, judge, promote, schedule, decide"):
            is_ready = self._wait()
        trade = PaperTrade(self._show_change)
        if is_ready and self.trades:
            with self.steps.step("Trade on paper until a trade is complete"):
                self._wait_for_trade(trade)
        self._show_all()
        if is_ready:
            self._show_trade(trade)
        return is_ready

    def _apply_without_secret(self) -> None:
        if self._condition("SecretsValid").get("status") == "True":
            show("The bot and its secret are there from an earlier run.")
            apply_objects(self.kubectl, [self.bot])
            return
        apply_objects(self.kubectl, [self.bot])
        deadline = time.monotonic() + 60
        while self._condition("SecretsValid").get("status") != "False":
            if time.monotonic() > deadline:
                self._explain()
                raise DemoError("the operator did not look at the bot within 60 s")
            time.sleep(POLL_SECONDS)
        show(f"SecretsValid=False: {self._condition('SecretsValid')['message']}")

    def _create_secret(self) -> None:
        exists = self._get("secret", self.secret)
        if exists:
            show("The secret is there from an earlier run.")
            return
        command = EXCHANGE_SECRET.create_command(self.namespace, self.secret)
        show(f"$ {command}")
        words = {"$API_KEY": self.keys.api_key, "$API_SECRET": self.keys.api_secret}
        arguments = [_substituted(word, words) for word in shlex.split(command)]
        show(self.kubectl(*arguments[1:]))

    def _wait(self) -> bool:
        """Show the training's steps until the bot is Ready or its version is rejected."""
        timeout = TRAINING_SECONDS + seconds_of(self.bot["spec"]["timeframe"])
        deadline = time.monotonic() + timeout
        show(f"$ kubectl wait --for=condition=Ready tradingbot/{self.name}")
        while time.monotonic() < deadline:
            self._show_progress()
            if self._rejected():
                show("The gate rejected the version; the numbers are below.")
                return False
            if self._waited(5):
                return True
        self._explain()
        raise DemoError(f"the bot was not Ready within {timeout} s")

    def _wait_for_trade(self, trade: PaperTrade) -> None:
        """Show what is decided and done until a position was closed."""
        candles = paper_trade.CANDLES
        show(f"an order is filled at the open of the next candle; up to {candles} candles")
        deadline = time.monotonic() + candles * seconds_of(self.bot["spec"]["timeframe"])
        while not trade.look(self._status("tradingbot", self.name)):
            if time.monotonic() > deadline:
                self._explain()
                raise DemoError(f"no trade was complete within {candles} candles")
            time.sleep(POLL_SECONDS)

    def _waited(self, seconds: int) -> bool:
        try:
            self.kubectl(
                "wait", "--for=condition=Ready", f"tradingbot/{self.name}",
                f"--namespace={self.namespace}", f"--timeout={seconds}s", timeout=seconds + 10,
            )  # fmt: skip
        except ClusterError as e:
            if "timed out" in str(e):
                return False
            raise
        return True

    def _rejected(self) -> bool:
        return self._condition("ModelAvailable").get("reason") == "NotBetterThanNaive"

    def _show_progress(self) -> None:
        status = self._status("tradingbot", self.name)
        self._show_change("bot", f"{status.get('state', 'Pending')}")
        training = status.get("candidateTraining", {}).get("name")
        if training is None:
            return
        for step in self._status("modeltraining", training).get("steps", []):
            algorithm = f" ({step['algorithm']})" if step.get("algorithm") else ""
            self._show_change(step["name"], f"{step['state']}{algorithm}")
        failure = status.get("lastFailure")
        if failure:
            self._show_change("failure", f"{failure['class']}: {failure['message']}")

    def _show_change(self, subject: str, text: str) -> None:
        if self._shown.get(subject) != text:
            self._shown[subject] = text
            show(f"{subject}: {text}")

    def _explain(self) -> None:
        """Show the objects, the Events and the last lines of every log."""
        for arguments in (
            ("get", "tradingbots,modeltrainings,jobs,pods,pvc", "-o", "wide"),
            ("describe", "tradingbot", self.name),
            ("get", "events", "--sort-by=.lastTimestamp"),
            ("logs", f"--selector={LABEL_BOT}={self.name}", "--all-containers", "--tail=20"),
            ("logs", "deployment/botcripto-operator", "--tail=40"),
        ):
            say(f"\n$ kubectl {' '.join(arguments)}")
            show(self.kubectl(*arguments, f"--namespace={self.namespace}"))

    def _show_all(self) -> None:
        say(f"\n$ kubectl get tradingbots,modeltrainings --namespace {self.namespace}")
        show(self.kubectl("get", "tradingbots,modeltrainings", f"--namespace={self.namespace}"))
        status = self._status("tradingbot", self.name)
        say("\nConditions")
        for condition in status.get("conditions", []):
            message = condition.get("message", "").splitlines()[:1]
            show(f"{condition['type']:<20} {condition['status']:<8} {condition['reason']:<20} "
                 f"{' '.join(message)[:100]}")  # fmt: skip
        self._show_models(status)
        if signal := status.get("lastSignal"):
            say("\nThe signal that the CronJob's pod produced")
            show(json.dumps(signal, indent=2))

    def _show_trade(self, trade: PaperTrade) -> None:
        say("\nThe paper account")
        for heading, text in trade.lines():
            show(f"{heading:<8} {text}")
        claim = claim_name(self.name)
        version = self._status("tradingbot", self.name).get("activeModel", {}).get("version")
        show(f"{'report':<8} versions/{version}/report.html on the claim {claim}")
        show(f"{'journal':<8} journal/journal.db on the same claim: docs/trading.md")
        listed = self.kubectl(
            "get", "events", f"--namespace={self.namespace}",
            f"--field-selector=involvedObject.name={self.name}", "-o", "json",
        )  # fmt: skip
        if told := paper_trade.told_by_events(listed):
            say("\nEvents of its purchases and sales")
            show("\n".join(told))

    def _show_models(self, status: Mapping[str, Any]) -> None:
        training = status.get("candidateTraining", {}).get("name")
        steps = self._status("modeltraining", training).get("steps", []) if training else []
        say("\nModels, on candles that no fit has seen (each metric beside its naive reference)")
        for step in steps:
            if metrics := step.get("metrics"):
                show(f"{step['name']} by {step.get('algorithm', '?')}")
                show("\n".join(f"  {key:<28} {value}" for key, value in sorted(metrics.items())))
        version = self._status("modeltraining", training).get("version", {}) if training else {}
        for reason in version.get("reasons", []):
            show(f"rejected: {reason}")

    def _condition(self, kind: str) -> Object:
        conditions = self._status("tradingbot", self.name).get("conditions", [])
        return next((c for c in conditions if c["type"] == kind), {})

    def _status(self, kind: str, name: str) -> Object:
        found = self._get(kind, name)
        return dict(found.get("status", {})) if found else {}

    def _get(self, kind: str, name: str) -> Object | None:
        text = self.kubectl(
            "get", kind, name, f"--namespace={self.namespace}", "--ignore-not-found", "-o", "json"
        )
        found: Object | None = json.loads(text) if text.strip() else None
        return found


def _substituted(word: str, values: Mapping[str, str]) -> str:
    for variable, value in values.items():
        word = word.replace(variable, value)
    return word
