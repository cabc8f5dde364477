"""What `quality-months` compares: functions from what was learned to predictions of the same rows.

    served    what inference says by the version that the training has left, fitted once more
    judged    the same version as it was judged, before that

Another contestant is a function here and its row in CONTESTANTS.
"""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.quality_windows import Learned
from bot_runtime.arrays import Rows
from bot_runtime.serving.predictions import Predictions

Contestant = Callable[[Learned, Rows], Predictions]
"""Says something of rows of `learned.data`, each by what was known at its close.

The band is told as the models give it: it is adapted for all contestants alike.
"""


def served(learned: Learned, rows: Rows) -> Predictions:
    """Return what inference says, the band not yet adapted."""
    return learned.version.predict_rows(learned.data.features, learned.data.closes, rows)


def judged(learned: Learned, rows: Rows) -> Predictions:
    """Return what inference would say without the refit."""
    return learned.judged.predict_rows(learned.data.features, learned.data.closes, rows)


SERVED: Final = "served"
JUDGED: Final = "judged"
CONTESTANTS: Final[Mapping[str, Contestant]] = {SERVED: served, JUDGED: judged}
