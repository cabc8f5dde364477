"""The steps: their names, and the command by which the runtime runs each."""

from typing import Final, Literal

from bot_runtime.contract.spec import OBJECTIVES, Objective

Step = Literal["Data", Objective, "Evaluation"]
"""A step of a training, which has a Job of its own."""
TRAINING_STEPS: Final[tuple[Step, ...]] = ("Data", *OBJECTIVES, "Evaluation")
"""In their order; those of the objectives run side by side."""
StepOrRun = Literal["Preflight", Step, "Inference", "Trade"]
"""Whatever the runtime runs and leaves a result of."""

COMMANDS: Final[dict[StepOrRun, tuple[str, ...]]] = {
    "Preflight": ("preflight",),
    "Data": ("fetch",),
    **{objective: ("train", "--objective", objective) for objective in OBJECTIVES},
    "Evaluation": ("evaluate",),
    "Inference": ("infer",),
    "Trade": ("trade",),
}
"""Arguments of `python -m bot_runtime`: a word, and where steps share it an option that has the
step's name as its value."""
AT_ONCE: Final = "--no-jitter"
"""Option of the inference's command, for one bot on its own: the exchange is asked at once."""
