"""The demo on a cluster: our own on this machine, or the one that kubectl points at."""

import os
from pathlib import Path

from demo.expected import describe_expected
from demo.market import DemoMarket
from demo.steps import DemoError, Steps, say, show
from demo.story import Story
from tests.cluster import install, target
from tests.cluster.images import WITHOUT_TORCH
from tests.cluster.install import ExchangeSetup
from tools.environment import cache_folder

NAMESPACE = "botcripto-demo"
CANDLES_FILE = "/etc/exchange/candles/candles.parquet"


def run_on_cluster(market: DemoMarket) -> int:
    """Run the demo; return 0 for a bot that has traded, or on the user's candles has decided.

    There the gate's rejection is an end as good as any.

    Raises RequirementsMissing where no node can run, ClusterError and DemoError where a step fails.
    """
    steps = Steps()
    if "CLUSTER" not in os.environ:
        say(describe_expected())
    with steps.step("Start Kubernetes, and build the images meanwhile"):
        cluster = target.start(os.environ, show, WITHOUT_TORCH)
    with steps.step("Load the images"):
        images = cluster.ensure_images(show, WITHOUT_TORCH)
    kubectl = cluster.kubectl
    with steps.step("Install the CRDs and the operator"):
        install.create_namespace(kubectl, NAMESPACE)
        install.install_crds(kubectl)
        install.install_operator(kubectl, NAMESPACE, images)
        show(f"namespace {NAMESPACE}, which enforces the restricted PodSecurity level")
    with steps.step("Start the test exchange"):
        keys = install.exchange_keys(kubectl, NAMESPACE, market.exchange)
        arguments = tuple(market.arguments(CANDLES_FILE))
        setup = ExchangeSetup(
            market.exchange, images.exchange, arguments, keys, market.to_parquet()
        )
        endpoint = install.install_exchange(kubectl, NAMESPACE, setup)
        show(f"{endpoint} speaks Binance's spot REST")
    bot = market.bot()
    bot["metadata"]["namespace"] = NAMESPACE
    bot["spec"]["exchange"]["endpoint"] = endpoint
    trades = market.candles is None
    is_ready = Story(kubectl, NAMESPACE, bot, keys, steps, trades).run()
    if not is_ready and market.candles is None:
        raise DemoError(
            "the gate rejected the models of the generated market, which can be learned"
        )
    say(f"\nHow long it took\n{steps.table()}")
    steps.save(_durations_file())
    say(_how_to_go_on(cluster, bot["metadata"]["name"]))
    return 0


def _durations_file() -> Path:
    return cache_folder() / "demo-durations.json"


def _how_to_go_on(cluster: target.Target, bot: str) -> str:
    return f"""
The cluster stays up, and the bot goes on.
  {cluster.environment}
  kubectl get tradingbots --namespace {NAMESPACE} --watch
  kubectl describe tradingbot {bot} --namespace {NAMESPACE}
  kubectl explain tradingbot.spec
To remove it all: {cluster.removal}"""
