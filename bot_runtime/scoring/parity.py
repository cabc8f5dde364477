"""Parity: a served model says what the trained one says, on every row it is asked about."""

from collections.abc import Mapping

import numpy as np

from bot_runtime.arrays import Values


def check_parity(
    served: Mapping[str, Values],
    native: Mapping[str, Values],
    tolerance: Mapping[str, float | Values],
) -> str | None:
    """Return the worst column's deviation in words, or None where all rows agree.

    `tolerance` has one limit for all rows, or one for each. A value that is not finite never
    agrees.
    """
    for name, limit in tolerance.items():
        difference = np.abs(served[name] - native[name])
        limits = np.broadcast_to(limit, difference.shape)
        wrong = ~(difference <= limits)
        if wrong.any():
            row = int(np.argmax(np.where(np.isfinite(difference), difference / limits, np.inf)))
            return (
                f"{name}: {int(wrong.sum())} of {len(wrong)} rows differ, row {row} by "
                f"{difference[row]:.3g}; at most {limits[row]:.3g} is allowed"
            )
    return None
