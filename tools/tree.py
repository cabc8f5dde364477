"""The files of this tree: what git tracks, and what it would track if it were added."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def project_files(root: Path = ROOT) -> list[Path]:
    """Return the paths, relative to `root`, of all files that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    paths = sorted({Path(name) for name in listing.split("\0") if name})
    return [path for path in paths if (root / path).is_file()]


def python_files(root: Path = ROOT) -> list[Path]:
    """Return the project's own Python files, relative to `root`."""
    return [path for path in project_files(root) if path.suffix == ".py"]
