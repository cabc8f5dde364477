"""The release before this one: its commit, and its files in the cache folder.

The tests of an upgrade begin with it. At a release, set COMMIT to the commit that is released:
`git rev-parse HEAD`. What was kept for the sake of the one before, such as a field's old name, may
go then.
"""

import tarfile
import tempfile
from pathlib import Path

from tests.cluster import processes
from tests.cluster.errors import ClusterError
from tests.cluster.layout import CHECKOUT
from tools.environment import cache_folder

COMMIT = "3705bd9a9c0a559512166fac4f8b93b7f2b1f8ff"


def folder() -> Path:
    """Return where the release's files are once they are checked out."""
    return cache_folder() / f"release-{COMMIT[:12]}"


def check_out() -> Path:
    """Return the folder of the release's files, taken from git's history if there is none yet.

    Raises:
        ClusterError: git does not have the commit; with the command that fetches it.
    """
    found = folder()
    found.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=found.parent) as temporary:
        if not found.is_dir():
            files = _extract(Path(temporary))
            if not found.is_dir():  # another process may have been quicker
                files.rename(found)
    return found


def _extract(temporary: Path) -> Path:
    archive, files = temporary / "files.tar", temporary / "files"
    try:
        processes.run(["git", "-C", str(CHECKOUT), "archive", f"--output={archive}", COMMIT])
    except ClusterError as error:
        raise ClusterError(
            f"the previous release, commit {COMMIT}, is not in this clone: "
            f"git fetch --depth=1 origin {COMMIT} ({error})"
        ) from error
    with tarfile.open(archive) as content:
        content.extractall(files, filter="data")
    return files
