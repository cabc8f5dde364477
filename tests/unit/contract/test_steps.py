from typing import get_args

from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.contract.steps import AT_ONCE, COMMANDS, TRAINING_STEPS, Step, StepOrRun


def test_the_steps_of_a_training_are_the_objectives_between_data_and_evaluation() -> None:
    assert TRAINING_STEPS == ("Data", "Trend", "Return", "Risk", "Evaluation")
    assert get_args(Step) == TRAINING_STEPS
    assert TRAINING_STEPS[1:-1] == OBJECTIVES


def test_every_step_has_its_command_and_those_of_older_images_never_change() -> None:
    assert COMMANDS == {
        "Preflight": ("preflight",),
        "Data": ("fetch",),
        "Trend": ("train", "--objective", "Trend"),
        "Return": ("train", "--objective", "Return"),
        "Risk": ("train", "--objective", "Risk"),
        "Evaluation": ("evaluate",),
        "Inference": ("infer",),
        "Trade": ("trade",),
    }
    assert tuple(COMMANDS) == get_args(StepOrRun)
    assert AT_ONCE == "--no-jitter"
