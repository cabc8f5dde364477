"""The demo without a cluster: the same YAML through the same runtime code, as plain processes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from demo.market import DemoMarket
from demo.steps import DemoError, Steps, say, show
from tests.cluster.install import ExchangeKeys


def run_local(market: DemoMarket) -> int:
    """Run the demo's bot on this machine; return the exit code of the run."""
    store = Path(os.environ.get("STORE") or tempfile.mkdtemp(prefix="botcripto-"))
    if store.exists() and not store.is_dir():
        raise DemoError(f"STORE: {store} is a file; name a folder")
    keys = ExchangeKeys.generate()
    steps = Steps()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        credentials = _write_credentials(folder, keys)
        bot = folder / "mybot.yaml"
        bot.write_text(yaml.safe_dump(market.bot(), sort_keys=False), encoding="utf-8")
        with steps.step("Start the test exchange"):
            endpoint = stack.enter_context(_exchange(folder, keys, market))
            show(f"{endpoint} speaks Binance's spot REST on loopback")
        command = [
            sys.executable, "-m", "bot_runtime", "run", str(bot),
            "--endpoint", endpoint, "--store", str(store), "--credentials", str(credentials),
            "--no-hint",
        ]  # fmt: skip
        say(f"\n$ {' '.join(command)}\n")
        code = subprocess.call(command)
    say("\nThe test exchange has ended. The same demo again trains anew, on another one.")
    say(f"The store with its versions and signals: {store}")
    return code


def _write_credentials(folder: Path, keys: ExchangeKeys) -> Path:
    credentials = folder / "credentials"
    credentials.mkdir(mode=0o700)
    (credentials / "apiKey").write_text(keys.api_key, encoding="utf-8")
    (credentials / "apiSecret").write_text(keys.api_secret, encoding="utf-8")
    return credentials


@contextmanager
def _exchange(folder: Path, keys: ExchangeKeys, market: DemoMarket) -> Iterator[str]:
    keys_file = folder / "keys.json"
    keys_file.touch(mode=0o600)
    keys_file.write_text(keys.to_document(), encoding="utf-8")
    candles_file = folder / "candles.parquet"
    candles_file.write_bytes(market.to_parquet() or b"")
    command = [
        sys.executable, "-m", "bot_exchange", "serve", "--port=0",
        f"--credentials-file={keys_file}", *market.arguments(str(candles_file)),
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            first_line = process.stdout.readline()
            if not first_line:
                raise DemoError(f"the test exchange ended: exit {process.wait()}")
            yield json.loads(first_line)["url"]
        finally:
            process.terminate()
