"""One step: the table of what runs it. What it reports is in test_command_line."""

from bot_runtime.contract.steps import COMMANDS
from bot_runtime.steps.step import STEPS


def test_every_step_that_has_a_command_has_a_function() -> None:
    assert STEPS.keys() == COMMANDS.keys()
