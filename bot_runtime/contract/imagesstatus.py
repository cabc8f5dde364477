"""The images that a bot runs, as both statuses tell them."""

from typing import Annotated

from pydantic import Field

from bot_runtime.contract.base import Image, Model
from bot_runtime.contract.newer_fields import newer

ReadFields = Annotated[
    tuple[Annotated[str, Field(max_length=64)], ...],
    Field(max_length=64, json_schema_extra={"x-kubernetes-list-type": "atomic"}),
]


class ImagesStatus(Model):
    """Images that the bot runs, resolved once: a new operator changes nothing by itself."""

    training: Image = Field(description="Image of the training steps.")
    trees_training: Image | None = Field(
        default=None,
        description=(
            "Image of the training steps where GradientBoosting is the only candidate; unset: "
            "the one in `training`."
        ),
    )
    inference: Image = Field(description="Image of the inference runs.")
    reads: ReadFields = newer(
        (),
        description=(
            "Fields of spec, newer than the first release, that all of these images read; of "
            "images that spec.images names it is taken for granted."
        ),
    )
