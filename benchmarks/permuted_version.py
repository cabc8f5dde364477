"""A version whose raw outputs are those of other moments: its calibration holds, its skill is gone.

Each objective is permuted for itself, so that nothing is left of what belongs together.
"""

import numpy as np

from bot_runtime.arrays import Flags, Rows, Values
from bot_runtime.serving.version import GraphRunner, ServedVersion


class _Permuted(GraphRunner):
    """Another runner, which is asked at other rows."""

    def __init__(self, runner: GraphRunner, asked: Rows) -> None:
        self._runner = runner
        self._asked = asked

    def raw(self, features: Values, rows: Rows) -> Values:
        return self._runner.raw(features, self._asked[rows])

    def whole(self, features: Values) -> Flags:
        return self._runner.whole(features)


class PermutedVersion(ServedVersion):
    """A version as it is served until it is permuted."""

    def permute(self, rows: Rows, count: int, seed: int) -> None:
        """Permute the raw outputs of `rows` among each other, of `count` rows of features."""
        draw = np.random.default_rng(seed)
        self._runners = {
            objective: _Permuted(runner, _asked(rows, count, draw))
            for objective, runner in self._runners.items()
        }


def _asked(rows: Rows, count: int, draw: np.random.Generator) -> Rows:
    asked = np.arange(count)
    asked[rows] = draw.permutation(rows)
    return asked
