"""The cluster, the images and the world of the end-to-end tests: made once, removed at the end."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import binaries, lifecycle, packages, previous_release, requirements
from tests.cluster import images as builds
from tests.cluster.cluster import Cluster, Options
from tests.cluster.errors import ClusterError, RequirementsMissing
from tests.e2e import world as worlds
from tests.e2e.world import Release, World
from tests.integration.operator_process import is_denied

CLUSTER = "e2e"
NAMESPACE = "botcripto-e2e"


def _report(message: str) -> None:
    print(message, flush=True)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install packages and build programs before the first test, whose time is limited."""
    here = Path(__file__).parent
    wanted = any(here in item.path.parents for item in session.items)
    if not wanted or session.config.option.collectonly:
        return
    try:
        packages.ensure(_report)
        requirements.require(control_plane_only=False)
        binaries.ensure(binaries.CONTROL_PLANE + binaries.NODE, _report)
    except ClusterError as e:
        print(e)  # the fixture says it again, as a skip or a failure


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A real Kubernetes node of our own; skipped loudly where none can run, failed in CI."""
    try:
        requirements.require_room_for_torch()
        found = lifecycle.up(Options(CLUSTER), _report)
    except RequirementsMissing as e:
        if os.environ.get("CI") == "true":
            pytest.fail(str(e))
        pytest.skip(f"no node can run here: {e}")
    yield found
    if os.environ.get("KEEP_CLUSTER") != "1":
        lifecycle.down(_report, CLUSTER)


@pytest.fixture(scope="session")
def commit() -> str:
    """The commit that the images are built from."""
    return builds.git_commit()


@pytest.fixture(scope="session")
def previous(cluster: Cluster, previous_files: Path) -> Release:
    """The release before this one, its images built from its own files."""
    commit = previous_release.COMMIT
    images = builds.ensure(cluster, _report, commit, previous_files, builds.WITHOUT_TORCH)
    return Release(commit, previous_files, images)


@pytest.fixture(scope="session")
def world(cluster: Cluster, commit: str) -> Iterator[World]:
    """The operator and three test exchanges in a namespace that enforces `restricted`.

    At the session's end, whatever the order of the tests was, no story may have met a missing
    right; that no right is left over is for tests/integration/test_rights.py to show.
    """
    images = builds.ensure(cluster, _report, commit)
    found = worlds.install(cluster, NAMESPACE, images, worlds.MARKETS)
    yield found
    calls = list(found.operator_calls())
    assert calls
    assert [call["requestURI"] for call in calls if is_denied(call)] == []


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Add to a failure what explains it: the objects, the Events and the pods' logs."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's wrapper protocol
    world = getattr(item, "funcargs", {}).get("world")
    if report.failed and isinstance(world, World):
        report.sections.append(("the cluster", world.diagnose()))
