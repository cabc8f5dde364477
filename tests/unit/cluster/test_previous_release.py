import subprocess
from pathlib import Path

import pytest

from tests.cluster import previous_release
from tests.cluster.errors import ClusterError

WHO = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *WHO, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a clone of two commits, of which the first is the release."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for content in ("released", "newer"):
        (folder / "crds").mkdir(exist_ok=True)
        (folder / "crds" / "one.yaml").write_text(content)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "--message", content)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(previous_release, "CHECKOUT", folder)
    monkeypatch.setattr(previous_release, "COMMIT", git(folder, "rev-parse", "HEAD~1"))
    return folder


def test_the_files_of_the_release_are_taken_once(clone: Path) -> None:
    files = previous_release.check_out()
    assert (files / "crds" / "one.yaml").read_text() == "released"
    assert clone not in files.parents
    (clone / ".git").rename(clone / "gone")
    assert previous_release.check_out() == files
    assert [path for path in files.parent.iterdir() if path != files] == []


def test_a_clone_without_the_commit_is_told_what_fetches_it(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previous_release, "COMMIT", "0" * 40)
    with pytest.raises(ClusterError, match=f"git fetch --depth=1 origin {'0' * 40}"):
        previous_release.check_out()
    folder = previous_release.folder()
    assert list(folder.parent.iterdir()) == []
