"""Which commit of the code this is."""

import os
import shutil
import subprocess
from pathlib import Path

from bot_runtime.contract.names import ENV_GIT_COMMIT

UNKNOWN = "unknown"


def git_commit() -> str:
    """Return $BOTCRIPTO_GIT_COMMIT, else the checkout's HEAD (`+dirty`), else `unknown`."""
    configured = os.environ.get(ENV_GIT_COMMIT)
    if configured:
        return configured[:64]
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return UNKNOWN
    head = _git(checkout, "rev-parse", "HEAD")
    if not head:
        return UNKNOWN
    return f"{head}+dirty" if _git(checkout, "status", "--porcelain") else head


def _git(checkout: Path, *words: str) -> str:
    program = shutil.which("git")
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *words], cwd=checkout, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
