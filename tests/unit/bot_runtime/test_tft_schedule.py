"""The learning rate rises, falls, and knows every number of steps that the resource allows."""

import pytest

from bot_runtime.contract.spec import TemporalFusionTransformerSpec
from bot_runtime.learning.models.tft.schedule import FIRST_PACE, LAST_PACE, Schedule


def paces(epochs: int, steps: int) -> list[float]:
    spec = TemporalFusionTransformerSpec(max_epochs=epochs, max_steps_per_epoch=steps)
    schedule = Schedule.of(spec, rows=1_000_000, seed=7)
    return [schedule.pace(step) for step in range(epochs * steps + 1)]


@pytest.mark.parametrize(("epochs", "steps"), [(1, 2), (1, 10), (2, 10), (8, 200)])
def test_pace_is_a_share_of_the_largest_at_every_step(epochs: int, steps: int) -> None:
    found = paces(epochs, steps)
    assert all(LAST_PACE <= pace <= 1 for pace in found)
    assert found[0] == pytest.approx(FIRST_PACE)
    assert found[-1] == pytest.approx(LAST_PACE)


def test_pace_rises_in_the_first_tenth_and_falls_after_it() -> None:
    found = paces(8, 200)
    assert found[160] == 1
    assert found[:161] == sorted(found[:161])
    assert found[160:] == sorted(found[160:], reverse=True)


def test_few_rows_are_few_steps() -> None:
    spec = TemporalFusionTransformerSpec(batch_size=128, max_steps_per_epoch=200)
    assert Schedule.of(spec, rows=129, seed=7).steps == 2
    assert Schedule.of(spec, rows=0, seed=7).steps == 1


def test_one_step_has_the_first_pace() -> None:
    assert paces(1, 1)[0] == pytest.approx(FIRST_PACE)
