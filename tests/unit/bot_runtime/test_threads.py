"""Threads: the quota of cgroup v1 and v2, rounded up, within the cores."""

import os
from pathlib import Path

import pytest

from bot_runtime.process.threads import ControlGroups, cpu_count, limit_threads

CORES = len(os.sched_getaffinity(0))


def v2(group: Path, text: str) -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "cpu.max").write_text(text)


def v1(group: Path, quota: int, period: int = 100_000) -> None:
    group.mkdir(parents=True, exist_ok=True)
    (group / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (group / "cpu.cfs_period_us").write_text(f"{period}\n")


def groups(root: Path, membership: str = "") -> ControlGroups:
    file = root / "membership"
    file.write_text(membership)
    return ControlGroups(root, file)


@pytest.mark.parametrize(
    ("quota", "threads"),
    [(25_000, 1), (100_000, 1), (150_000, 2), (200_000, 2), (6_400_000, 64)],
)
def test_quota_is_rounded_up_and_bound_by_the_cores(
    tmp_path: Path, quota: int, threads: int
) -> None:
    v2(tmp_path / "two", f"{quota} 100000\n")
    assert cpu_count(groups(tmp_path / "two")) == min(threads, CORES)
    v1(tmp_path / "one" / "cpu", quota)
    assert cpu_count(groups(tmp_path / "one")) == min(threads, CORES)


def test_without_a_quota_all_cores_count(tmp_path: Path) -> None:
    assert cpu_count(groups(tmp_path)) == CORES
    assert groups(tmp_path, "0::/gone\n4:memory:/x\n").quota() is None
    v2(tmp_path, "max 100000\n")
    v1(tmp_path / "cpu", -1)
    assert groups(tmp_path).quota() is None


@pytest.mark.parametrize("controllers", ["cpu", "cpuacct,cpu"])
def test_group_of_the_process_counts_below_the_mount(tmp_path: Path, controllers: str) -> None:
    v1(tmp_path / "cpu", -1)
    v1(tmp_path / "cpu" / "pods", 300_000)
    v1(tmp_path / "cpu" / "pods" / "one", 150_000)
    v1(tmp_path / "cpu" / "other", 10_000)
    assert groups(tmp_path, f"3:cpuset:/\n2:{controllers}:/pods/one\n").quota() == 1.5


def test_least_quota_of_all_parents_counts(tmp_path: Path) -> None:
    v2(tmp_path / "pods", "50000 100000\n")
    v2(tmp_path / "pods" / "one", "150000 100000\n")
    assert groups(tmp_path, "0::/pods/one\n").quota() == 0.5


def test_path_of_the_host_does_not_hide_the_containers_own_group(tmp_path: Path) -> None:
    v1(tmp_path / "cpu", 100_000)
    assert groups(tmp_path, "2:cpu:/kubepods/pod1/abc\n").quota() == 1.0


def test_libraries_are_told_unless_the_user_has_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MKL_NUM_THREADS", "")  # recorded, so that it is put back afterwards
    monkeypatch.delenv("MKL_NUM_THREADS")
    limit_threads()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["MKL_NUM_THREADS"] == str(cpu_count())
