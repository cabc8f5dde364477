"""A bot whose secret is not there waits, says what to run, and goes on by itself."""

import time

import pytest

from tests.cluster.errors import ClusterError
from tests.e2e.world import World
from tests.eventually import eventually


def test_a_missing_secret_is_told_and_its_creation_heals_within_ten_seconds(world: World) -> None:
    bot, secret = "waiting", "late-keys"
    world.apply(world.bot(bot, exchange={"credentialsSecret": secret}))
    eventually(lambda: world.condition(bot, "SecretsValid")["status"] == "False", timeout=30)
    condition = world.condition(bot, "SecretsValid")
    assert condition["reason"] == "SecretMissing"
    assert (
        f"kubectl create secret generic {secret} --namespace {world.namespace} "
        "--type=botcripto.io/exchange" in condition["message"]
    )
    assert world.condition(bot, "Ready")["reason"] == "WaitingForSecrets"
    assert world.pods_of(bot) == []
    assert world.all("jobs", f"botcripto.io/bot={bot}") == []
    events = eventually(lambda: world.events(bot), timeout=20)
    assert any(e["reason"] == "SecretMissing" for e in events)

    world.create_secret(secret, apiKey="replace-me", apiSecret="<your secret>")
    eventually(
        lambda: world.condition(bot, "SecretsValid").get("reason") == "SecretPlaceholder",
        timeout=15,
    )
    assert world.pods_of(bot) == []

    world.create_secret(secret)
    created_at = time.monotonic()
    eventually(lambda: world.condition(bot, "SecretsValid")["status"] == "True", timeout=15)
    assert time.monotonic() - created_at < 12  # ten seconds, and the time to look
    eventually(lambda: world.all("jobs", f"botcripto.io/bot={bot}"), timeout=20)
    world.delete("tradingbot", bot)


def test_the_operator_cannot_list_or_watch_secrets(world: World) -> None:
    account = f"system:serviceaccount:{world.namespace}:botcripto-operator"
    for verb in ("list", "watch", "create", "update", "patch", "delete"):
        with pytest.raises(ClusterError, match="no"):
            world.kubectl(
                "auth", "can-i", verb, "secrets", f"--namespace={world.namespace}",
                f"--as={account}",
            )  # fmt: skip
    assert world.kubectl(
        "auth", "can-i", "get", "secrets", f"--namespace={world.namespace}", f"--as={account}"
    ).startswith("yes")
