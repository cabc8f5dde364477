"""What the demo says of its duration, by the cores and by what is cached."""

import pytest

from demo import expected
from demo.expected import Cached, describe_expected, expected_seconds
from tests.cluster.binaries import release

NOTHING = Cached(packages=False, kubernetes=False, images=False)
EVERYTHING = Cached(packages=True, kubernetes=True, images=True)


def test_a_cold_run_on_two_cores_ends_in_a_quarter_of_an_hour() -> None:
    assert 300 < sum(expected_seconds(NOTHING, 2).values()) < 900


def test_what_is_cached_is_not_expected_again() -> None:
    assert "compile" not in "".join(expected_seconds(EVERYTHING, 2))
    assert sum(expected_seconds(EVERYTHING, 2).values()) < 600
    without_images = Cached(packages=True, kubernetes=True, images=False)
    first = next(iter(expected_seconds(without_images, 2)))
    assert first == "build 4 images, start the cluster"


def test_more_cores_take_less_time_down_to_what_the_network_needs() -> None:
    by_cores = [sum(expected_seconds(NOTHING, cores).values()) for cores in (1, 2, 4, 8, 64)]
    assert by_cores == sorted(by_cores, reverse=True)
    assert by_cores[-1] > expected.IMAGE_SECONDS


def test_the_table_names_the_cores_and_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "look", lambda: NOTHING)
    monkeypatch.setattr(expected, "cpu_count", lambda: 2)
    lines = describe_expected().splitlines()
    assert lines[0] == "Expected on 2 idle cores"
    assert f"compile Kubernetes {release().version}" in lines[1]
    assert lines[-1].split()[-1] == "all"
