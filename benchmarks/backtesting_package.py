"""backtesting.py for `backtest` alone: pinned in backtesting.txt, installed apart into the cache.

It is under the AGPL, so it is in no lock and no image. Its folder is built once per pin and
interpreter; what it needs besides comes from the environment that runs the benchmark.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tools.environment import cache_folder

PINS = Path(__file__).with_name("backtesting.txt")


def installed() -> Path:
    """Return the folder to import it from; raises CalledProcessError where pip fails."""
    digest = hashlib.sha256(PINS.read_bytes() + sys.version.encode()).hexdigest()
    folder = cache_folder() / f"bench-backtesting-{digest[:12]}"
    if folder.exists():
        return folder
    print("   installing backtesting.py, once per pin", flush=True)
    partial = folder.with_suffix(".part")
    shutil.rmtree(partial, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    options = ["--require-hashes", "--no-deps", "--only-binary", ":all:"]
    target = ["--target", str(partial), "-r", str(PINS)]
    subprocess.run([*pip, "install", *options, *target], check=True)
    partial.rename(folder)
    return folder
