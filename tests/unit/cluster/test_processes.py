from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import pytest

from tests.cluster import processes
from tests.cluster.errors import ClusterError
from tests.eventually import eventually

LONG = ["sleep", "600"]


@pytest.fixture
def identity() -> Iterator[str]:
    made_up = uuid4().hex[:8]
    yield made_up
    processes.kill(made_up)


def test_a_component_is_found_by_its_mark_and_program(identity: str, tmp_path: Path) -> None:
    started = processes.start(f"{identity}/sleep", LONG, tmp_path / "log")
    assert eventually(lambda: processes.find(identity)) == {"sleep": started}
    assert processes.is_alive(identity)
    assert processes.find("another") == {}


def test_what_a_component_started_is_not_the_component(identity: str, tmp_path: Path) -> None:
    processes.start(f"{identity}/kubelet", LONG, tmp_path / "log")
    eventually(lambda: processes.is_alive(identity))
    assert processes.find(identity) == {}


def test_kill_ends_all_of_one_cluster_and_nothing_else(identity: str, tmp_path: Path) -> None:
    other = f"{identity}x"
    bystander = processes.start(f"{other}/sleep", LONG, tmp_path / "log")
    script = ["sh", "-c", "sleep 600 & sleep 600 & wait"]
    processes.start(f"{identity}/sh", script, tmp_path / "log")
    eventually(lambda: processes.is_alive(identity))

    processes.kill(identity)

    assert not processes.is_alive(identity)
    assert processes.find(other) == {"sleep": bystander}
    processes.kill(other)


def test_a_process_that_hides_its_mark_while_it_becomes_a_program_is_killed_too(
    identity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes.start(f"{identity}/sleep", LONG, tmp_path / "log")
    eventually(lambda: processes.is_alive(identity))
    read, looks = processes._mark, list[int]()

    def hide_once(pid: int) -> str | None:
        mark = read(pid)
        if (mark or "").startswith(identity):
            looks.append(pid)
        return None if len(looks) == 2 else mark

    monkeypatch.setattr(processes, "_mark", hide_once)
    monkeypatch.setattr(processes, "KILL_SECONDS", 5.0)
    processes.kill(identity)
    assert not processes.is_alive(identity)


def test_kill_of_one_component_leaves_the_others(identity: str, tmp_path: Path) -> None:
    processes.start(f"{identity}/sleep", LONG, tmp_path / "log")
    processes.start(f"{identity}/tail", ["tail", "-f", "/dev/null"], tmp_path / "log")
    eventually(lambda: len(processes.find(identity)) == 2)
    processes.kill(identity, "tail")
    assert set(processes.find(identity)) == {"sleep"}


def test_an_unmarked_process_is_never_killed(identity: str) -> None:
    with Popen(LONG, env={"PATH": "/usr/bin:/bin", "OTHER": f"{identity}/sleep"}) as stranger:
        processes.kill(identity)
        assert stranger.poll() is None
        stranger.kill()


def test_a_failed_command_is_told_with_what_it_said() -> None:
    with pytest.raises(ClusterError, match=r"ended with 3: no such thing"):
        processes.run(["sh", "-c", "echo no such thing >&2; exit 3"])


def test_a_missing_command_is_named() -> None:
    with pytest.raises(ClusterError, match="command not found: no-such-command"):
        processes.run(["no-such-command"])
