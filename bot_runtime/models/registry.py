"""Find a candidate by its name: GradientBoosting is a class of that name in gradient_boosting.py.

A third algorithm is one more file here and its name in the contract. Modules are imported when
they are asked for, since each brings seconds of libraries.
"""

import importlib
import re
from typing import cast

from bot_runtime.contract.spec import Algorithm
from bot_runtime.models.forecaster import Forecaster


def forecaster_of(algorithm: Algorithm) -> type[Forecaster]:
    """Return the class of a candidate algorithm."""
    module = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", algorithm).lower()
    found = getattr(importlib.import_module(f"bot_runtime.models.{module}"), algorithm)
    return cast("type[Forecaster]", found)
