"""Ctrl-C while a program is still importing ends it without a traceback."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
RUN = ("bot_runtime", "run", "/dev/stdin")
SERVE = ("bot_exchange", "serve", "--port=0")
DEMO = ("demo", "local")


@pytest.mark.parametrize(
    ("command", "imported"),
    [
        (RUN, "pydantic"),
        (RUN, "yaml"),
        (SERVE, "numpy"),
        (SERVE, "aiohttp"),
        (DEMO, "numpy"),
        (DEMO, "yaml"),
    ],
)
def test_ctrl_c_while_it_imports_prints_no_traceback(
    command: tuple[str, ...], imported: str, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,  # open, so that `run` waits for a bot
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        found = any(line.rpartition("|")[2].strip() == imported for line in process.stderr)
        process.send_signal(signal.SIGINT)
        rest = process.stderr.readlines()
    assert found
    assert [line for line in rest if not line.startswith("import time:")] == []
    assert process.returncode in {-signal.SIGINT, 128 + signal.SIGINT}


def test_ctrl_c_while_it_works_prints_no_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", *SERVE],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in rest
