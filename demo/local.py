"""The demo without a cluster: the same YAML through the same runtime code, as plain processes.

It ends with a paper trade that is complete, for which it waits by real minutes: a bot refuses an
exchange whose clock is more than a candle ahead of its own, so time cannot be moved for it.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import yaml

from bot_runtime.journal.opening import read_journal
from bot_runtime.journal.order_entries import TradeRow
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.market.candles import utc
from bot_runtime.process.errors import StepError
from bot_runtime.store.layout import Store
from demo.market import DemoMarket
from demo.steps import DemoError, Steps, say, show
from tests.cluster.install import ExchangeKeys

POLL_SECONDS = 1.0
LINE_SECONDS = 3.0
"""How long the line of a candle may take to be shown once the journal has it."""


def run_local(market: DemoMarket) -> int:
    """Run the demo's bot on this machine; return the exit code of the run.

    On candles of the user's own it decides once: a trade might never come.
    """
    folder = Path(os.environ.get("STORE") or tempfile.mkdtemp(prefix="botcripto-"))
    if folder.exists() and not folder.is_dir():
        raise DemoError(f"STORE: {folder} is a file; name a folder")
    keys = ExchangeKeys.generate()
    steps = Steps()
    with ExitStack() as stack:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        credentials = _write_credentials(own, keys)
        bot = own / "mybot.yaml"
        bot.write_text(yaml.safe_dump(market.bot(), sort_keys=False), encoding="utf-8")
        with steps.step("Start the test exchange"):
            endpoint = stack.enter_context(_exchange(own, keys, market))
            show(f"{endpoint} speaks Binance's spot REST on loopback")
        command = [
            sys.executable, "-m", "bot_runtime", "run", str(bot),
            "--endpoint", endpoint, "--store", str(folder), "--credentials", str(credentials),
            "--no-hint",
        ]  # fmt: skip
        if market.candles is None:
            command.append("--watch")
            say(
                "\nThe first decision comes within a minute, and a paper trade is complete some "
                "three minutes later, seldom more than six. Ctrl-C ends it at any time."
            )
        say(f"\n$ {' '.join(command)}\n")
        code = subprocess.call(command) if market.candles else _watch(command, Store(folder))
    say("\nThe test exchange has ended. The same demo again trains anew, on another one.")
    say(f"The store with its versions, signals and journal: {folder}")
    return code


def _watch(command: list[str], store: Store) -> int:
    """Run the bot until a trade is complete, and say why it was made; return its exit code."""
    known = len(_trades(store))
    with subprocess.Popen(command) as process:
        try:
            while process.poll() is None:
                if len(_trades(store)) > known:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(LINE_SECONDS)
                    process.send_signal(signal.SIGINT)
                    process.wait()
                    return _explain(store)
                time.sleep(POLL_SECONDS)
        except BaseException:
            process.terminate()
            raise
    return process.returncode


def _trades(store: Store) -> list[TradeRow]:
    try:
        with read_journal(SqliteFile(store.journal)) as journal:
            return list(journal.all(TradeRow))
    except StepError:  # it is not there yet, or is just being made
        return []


def _explain(store: Store) -> int:
    """Show the decision that opened the newest trade, and what became of its order."""
    trade = _trades(store)[-1]
    question = ["journal", "why", trade.symbol, utc(trade.opened_ms)]
    command = [sys.executable, "-m", "bot_runtime", *question, "--store", str(store.root)]
    say(f"\nA trade is complete: profit {trade.profit:f} after fees of {trade.fees:f}.")
    say(f"\n$ {' '.join(command)}\n")
    return subprocess.call(command)


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
