"""Which class a candidate algorithm is: a third one is a file here, a row here, and its name.

Modules are imported when they are asked for, since each brings seconds of libraries, and not every
environment has them: the one of `make demo-local` and the image `train-trees` are without torch.
"""

import importlib
import importlib.util
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple, cast

from bot_runtime.contract.spec import Algorithm
from bot_runtime.learning.models.forecaster import Forecaster
from bot_runtime.process.errors import ConfigurationError

_LOCK: Final = Path(__file__).resolve().parents[3] / "requirements" / "train.txt"
"""The lock of everything that trains; it is there in a checkout, and not in an image."""


class _Kind(NamedTuple):
    module: str
    """The module of the class, which has the algorithm's name."""
    library: str
    """What a fit takes, beside what every environment has that trains."""


_KINDS: Final[dict[Algorithm, _Kind]] = {
    "GradientBoosting": _Kind("bot_runtime.learning.models.gradient_boosting", "lightgbm"),
    "TemporalFusionTransformer": _Kind(
        "bot_runtime.learning.models.temporal_fusion_transformer", "torch"
    ),
}


def forecaster_of(algorithm: Algorithm) -> type[Forecaster]:
    """Return the class of a candidate algorithm."""
    found = getattr(importlib.import_module(_KINDS[algorithm].module), algorithm)
    return cast("type[Forecaster]", found)


def check_installed(candidates: Iterable[Algorithm]) -> None:
    """Check that the libraries of all candidates are here; nothing is imported for it.

    Raises ConfigurationError, which names the first candidate whose library is not, and the remedy.
    """
    for algorithm in candidates:
        library = _KINDS[algorithm].library
        if not _is_installed(library):
            raise ConfigurationError(
                f"spec.model.candidates: {algorithm} needs {library}, which is not installed here; "
                + _remedy()
            )


def _remedy() -> str:
    add = "run an image of the target train"
    if _LOCK.is_file():
        command = [sys.executable, "-m", "pip", "install", "--no-deps", "-r", str(_LOCK)]
        add = f"add it: {shlex.join(command)}"
    others = [algorithm for algorithm, kind in _KINDS.items() if _is_installed(kind.library)]
    return f"{add}; or write candidates: [{', '.join(others)}]" if others else add


def _is_installed(library: str) -> bool:
    return importlib.util.find_spec(library) is not None
