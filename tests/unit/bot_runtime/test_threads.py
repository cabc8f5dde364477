"""Threads: the quota of cgroup v1 and v2, rounded up, within the cores."""

import os
from pathlib import Path

import pytest

from bot_runtime.threads import cpu_count, limit_threads

CORES = len(os.sched_getaffinity(0))


def v2(root: Path, text: str) -> Path:
    (root / "cpu.max").write_text(text)
    return root


def v1(root: Path, quota: int, period: int = 100_000) -> Path:
    (root / "cpu").mkdir()
    (root / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (root / "cpu" / "cpu.cfs_period_us").write_text(f"{period}\n")
    return root


@pytest.mark.parametrize(
    ("quota", "threads"),
    [(25_000, 1), (100_000, 1), (150_000, 2), (200_000, 2), (6_400_000, 64)],
)
def test_quota_is_rounded_up_and_bound_by_the_cores(
    tmp_path: Path, quota: int, threads: int
) -> None:
    assert cpu_count(v2(tmp_path, f"{quota} 100000\n")) == min(threads, CORES)
    assert cpu_count(v1(tmp_path, quota)) == min(threads, CORES)


def test_quota_of_version_1_is_read_where_there_is_no_version_2(tmp_path: Path) -> None:
    assert cpu_count(v1(tmp_path, 50_000)) == 1


def test_without_a_quota_all_cores_count(tmp_path: Path) -> None:
    assert cpu_count(tmp_path) == CORES
    assert cpu_count(v2(tmp_path, "max 100000\n")) == CORES
    assert cpu_count(v1(tmp_path, -1)) == CORES


def test_libraries_are_told_unless_the_user_has_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MKL_NUM_THREADS", "")  # recorded, so that it is put back afterwards
    monkeypatch.delenv("MKL_NUM_THREADS")
    limit_threads()
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert os.environ["MKL_NUM_THREADS"] == str(cpu_count())
