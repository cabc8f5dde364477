import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot_exchange.command.cli import main
from bot_exchange.market.candle_files import load_candles
from bot_exchange.market.generated import GeneratedMarket
from tests.unit.bot_exchange.requests_of import request, signed
from tests.unit.bot_exchange.servers import KEY

END = "2026-11-22T12:00:00Z"
END_MS = 1_795_348_800_000
KEYS = json.dumps({"keys": [{"api_key": KEY.api_key, "secret": KEY.secret}]})


@contextmanager
def running(*flags: str, keys: str = KEYS) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the command in a process of its own; gives its URL and the process."""
    command = [sys.executable, "-m", "bot_exchange", "serve", "--port", "0", *flags]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"EXCHANGE_KEYS": keys},
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"], process
        finally:
            process.kill()


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_it_says_where_it_serves_and_ends_at_once_on_sigterm() -> None:
    flags = ("--credentials-env", "EXCHANGE_KEYS", "--control", "--start", END, "--speed", "0")
    with running(*flags, "--verbose") as (url, process):
        assert request(url, "/api/v3/time").body == {"serverTime": END_MS}
        rows = request(url, "/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000").body
        assert rows[-1][0] == END_MS
        path = signed(KEY, "/api/v3/account", timestamp=END_MS)
        assert request(url, path, headers={"X-MBX-APIKEY": KEY.api_key}).status == 200
        request(url, "/_control/faults", "POST", body={"hang_next": 1})
        with pytest.raises(TimeoutError):
            request(url, "/api/v3/ping", timeout=0.1)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=10)
        assert time.monotonic() - started < 5
        assert process.returncode == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in log.splitlines()]
    assert lines[-1]["message"] == "stopping"
    assert {"path": "/api/v3/account", "status": 200}.items() <= lines[2].items()
    assert KEY.api_key not in log
    assert KEY.secret not in log


def test_it_replays_a_file_that_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "candles.csv"
    main(["generate", "--bars", "300", "--end", END, "--seed", "3", "--out", str(path)])
    expected = GeneratedMarket(seed=3).candles("BTC/USDT", END_MS - 300 * 60_000, END_MS)
    assert load_candles(path).close.tolist() == expected.close.tolist()
    flags = ("--candles", f"ETH/USDT={path}", "--replay-now", "end-100", "--start", END)
    with running(*flags, "--speed", "0", "--timeframe", "1m") as (url, _):
        rows = request(url, "/api/v3/klines?symbol=ETHUSDT&interval=1m&limit=1000").body
        assert len(rows) == 201
        assert [float(row[4]) for row in rows[:-1]] == expected.close[:200].tolist()
        assert request(url, "/api/v3/klines?symbol=BTCUSDT&interval=1m").body["code"] == -1121
        assert "/_control" not in request(url, "/api/v3/time").body
        assert request(url, "/_control/clock").status == 404


def test_an_address_that_cannot_be_had_is_named() -> None:
    command = [sys.executable, "-m", "bot_exchange", "serve", "--host", "192.0.2.1", "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("bot-exchange: 192.0.2.1:0: ")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--port", "70000"], "--port: found '70000'; use a whole number from 0 to 65535"),
        (["--timeframe", "7m"], "--timeframe: found '7m'; use one of 1s, 1m"),
        (["--symbols", "BTCUSDT"], "--symbols: symbol: found 'BTCUSDT'; write BASE/QUOTE"),
        (["--symbols", "BTC/USDT,BTC/USDT"], "name each symbol once"),
        (["--strength", "2"], "--strength: found '2'; use a number from 0 to 1"),
        (["--strength", "strong"], "--strength: found 'strong'"),
        (["--flavour", "vanilla"], "--flavour: invalid choice: 'vanilla'"),
        (["--seed", "-1"], "--seed: found '-1'"),
        (["--start", "noon"], "--start: found 'noon'; use an ISO date and time"),
        (["--replay-now", "start"], "--replay-now: found 'start'; use end, end-N"),
        (["--candles", "none.csv"], "none.csv: No such file"),
        (["--candles", "x.csv", "--candles", "BTC/USDT=y.csv"], "the same symbol is given twice"),
        (["--credentials-env", "NOT_SET"], "--credentials-env: NOT_SET is not set"),
        (["--credentials-file", "none.json"], "none.json: No such file"),
        (["--api-key", "x"], "unrecognized arguments: --api-key"),
    ],
)
def test_a_flag_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert message in refusal(capsys, "serve", *flags)


def test_candles_of_another_timeframe_than_the_flag_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(tmp_path / "candles.parquet")
    main(["generate", "--bars", "10", "--timeframe", "5m", "--out", path])
    told = refusal(capsys, "serve", "--candles", path, "--timeframe", "1m")
    assert "--timeframe: found 60 s, but the candles of --candles are 300 s long" in told
    assert "end-N with N up to 9" in refusal(
        capsys, "serve", "--candles", path, "--replay-now", "end-10"
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--bars", "0", "--out", "x.csv"], "--bars: found '0'"),
        (["--bars", "5", "--out", "x.txt"], "x.txt: found '.txt'"),
        (["--bars", "5"], "the following arguments are required: --out"),
        (["--bars", "5", "--out", "x.csv", "--symbols", "BTC/USDT,ETH/USDT"], "--symbols: found 2"),
        (["--bars", "5", "--out", "x.csv", "--end", "2017-01-01"], "--bars: found 5"),
    ],
)
def test_generate_names_what_it_cannot_use(
    capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    assert message in refusal(capsys, "generate", *flags)


def test_a_broken_credentials_file_is_refused_without_its_text(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"keys": [{"api_key": "key-of-a-trader", "secret": "s3cret"}]}')
    told = refusal(capsys, "serve", "--credentials-file", str(path))
    assert "keys[0].secret: expected 8 to 128" in told
    assert "s3cret" not in told
