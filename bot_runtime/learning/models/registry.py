"""Which class a candidate algorithm is: a third one is a file here, a row here, and its name.

Modules are imported when they are asked for, since each brings seconds of libraries.
"""

import importlib
from typing import Final, cast

from bot_runtime.contract.spec import Algorithm
from bot_runtime.learning.models.forecaster import Forecaster

_MODULES: Final[dict[Algorithm, str]] = {
    "GradientBoosting": "bot_runtime.learning.models.gradient_boosting",
    "TemporalFusionTransformer": "bot_runtime.learning.models.temporal_fusion_transformer",
}
"""The module of each algorithm; its class has the algorithm's name."""


def forecaster_of(algorithm: Algorithm) -> type[Forecaster]:
    """Return the class of a candidate algorithm."""
    found = getattr(importlib.import_module(_MODULES[algorithm]), algorithm)
    return cast("type[Forecaster]", found)
