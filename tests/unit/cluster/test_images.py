import json
import re
from pathlib import Path

import pytest

from tests.cluster import buildah, images
from tests.cluster.images import Target
from tests.cluster.layout import CHECKOUT

TARGET = Target(
    "infer",
    "Dockerfile.runtime",
    ("requirements/infer.txt", "tools/leave_out.py"),
    ("code", "one.py"),
)
FILES = {
    "Dockerfile.runtime": "FROM base",
    "requirements/infer.txt": "numpy==1",
    "tools/leave_out.py": "print()",
    "code/a.py": "a = 1",
    "one.py": "",
    "README.md": "about",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path


def tag(checkout: Path, base: str = "base:1", commit: str = "c1") -> tuple[str, str]:
    libraries, _, code = images.content_tag(TARGET, base, commit, checkout).partition("-")
    return libraries, code


@pytest.mark.parametrize(
    "changed", ["Dockerfile.runtime", "requirements/infer.txt", "tools/leave_out.py"]
)
def test_libraries_change_with_lock_and_dockerfile(checkout: Path, changed: str) -> None:
    before = tag(checkout)
    (checkout / changed).write_text("something else")
    assert tag(checkout)[0] != before[0]


def test_libraries_change_with_the_base(checkout: Path) -> None:
    assert tag(checkout, base="base:1")[0] != tag(checkout, base="base:2")[0]


@pytest.mark.parametrize("changed", ["code/a.py", "code/new.py", "one.py"])
def test_a_code_change_makes_a_new_tag_on_the_same_libraries(checkout: Path, changed: str) -> None:
    before = tag(checkout)
    (checkout / changed).write_text("a = 2")
    after = tag(checkout)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_a_renamed_file_makes_a_new_tag(checkout: Path) -> None:
    before = tag(checkout)
    (checkout / "code/a.py").rename(checkout / "code/b.py")
    assert tag(checkout) != before


def test_another_commit_makes_a_new_tag_on_the_same_libraries(checkout: Path) -> None:
    assert tag(checkout, commit="c1")[0] == tag(checkout, commit="c2")[0]
    assert tag(checkout, commit="c1")[1] != tag(checkout, commit="c2")[1]


@pytest.mark.parametrize("changed", ["README.md", "code/__pycache__/a.pyc"])
def test_what_no_image_holds_changes_no_tag(checkout: Path, changed: str) -> None:
    before = tag(checkout)
    (checkout / changed).parent.mkdir(exist_ok=True)
    (checkout / changed).write_text("new")
    assert tag(checkout) == before


def test_every_target_of_the_project_can_be_tagged() -> None:
    names = images.names("base:1", "unknown")
    assert set(names) == {target.name for target in images.TARGETS}
    assert all(not name.endswith(":latest") for name in names.values())
    assert len(set(names.values())) == len(names)


@pytest.mark.parametrize("target", images.TARGETS, ids=lambda target: target.name)
def test_every_target_is_a_stage_of_its_dockerfile_which_copies_what_its_tag_counts(
    target: Target,
) -> None:
    text = (CHECKOUT / target.dockerfile).read_text(encoding="utf-8")
    assert re.search(rf"^FROM \S+ AS {target.name}$", text, re.MULTILINE)
    for path in target.libraries:
        assert f"COPY {path} " in text


def test_a_folder_without_git_has_an_unknown_commit(checkout: Path) -> None:
    assert images.git_commit(checkout) == "unknown"


def test_builds_on_other_libraries_and_old_builds_are_outdated() -> None:
    stored = [f"r/infer:new-{n}" for n in range(5)] + ["r/infer:old-0", "r/train:old-0", "r/base:1"]
    outdated = images.outdated_names(stored, ["r/infer:new-4"])
    assert outdated == ["r/infer:new-3", "r/infer:old-0"]


def test_builds_of_two_releases_stay_whose_libraries_differ() -> None:
    stored = ["r/infer:new-1", "r/infer:new-0", "r/infer:old-1", "r/infer:other-0", "r/train:old-0"]
    outdated = images.outdated_names(stored, ["r/infer:new-1", "r/infer:old-1"])
    assert outdated == ["r/infer:other-0"]


def test_an_id_without_a_name_goes_and_one_of_a_named_image_stays() -> None:
    found = {"r/infer:1": "sha256:aa", "sha256:11": "sha256:aa", "sha256:22": "sha256:bb"}
    assert images.nameless(found) == ["sha256:22"]


def test_stored_images_are_listed_newest_first() -> None:
    """As the builder prints them, the oldest first: a build of a minute ago was removed once."""
    listing = json.dumps(
        [
            {"names": ["r/infer:a-1"], "created": 1795378166},
            {"names": None, "created": 1795378169},
            {"names": ["r/infer:a-2", "r/other:1"], "created": 1795438206},
        ]
    )
    assert buildah.newest_first(listing) == ["r/infer:a-2", "r/other:1", "r/infer:a-1"]
    assert buildah.newest_first("") == buildah.newest_first("null") == []


def test_pip_settings_are_read_from_every_source() -> None:
    listing = ":env:.cert='/etc/ssl/ca.pem'\nglobal.find-links='/opt/a'\ninstall.cache-dir='/x'\n"
    assert buildah.pip_settings(listing) == {"cert": "/etc/ssl/ca.pem", "find-links": "/opt/a"}
