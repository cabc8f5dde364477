"""`python -m tests.hours`: run a bot for hours (PAPER_HOURS), judge what came of it.

`judge` also judges a run that is under way or was cut off: all it reads lies in PAPER_FOLDER.
"""

import math
import os
import sys
from pathlib import Path

from tests.cluster import cluster as clusters
from tests.hours import judging, running

FOLDER = Path(os.environ.get("PAPER_FOLDER") or "reports/paper-hours")


def main() -> int:
    """Return the exit code: 1 where the journal is not what it should be."""
    if sys.argv[1:] == ["judge"]:
        return judging.judge(FOLDER, clusters.find(running.CLUSTER))
    if sys.argv[1:]:
        print(f"python -m tests.hours [judge]; found {' '.join(sys.argv[1:])}", file=sys.stderr)
        return 2
    given = os.environ.get("PAPER_HOURS") or "6"
    hours = to_hours(given)
    if hours is None:
        print(f"PAPER_HOURS: found {given}; write hours above 0, such as 0.5", file=sys.stderr)
        return 2
    return running.run(FOLDER, hours)


def to_hours(text: str) -> float | None:
    """Return a number of hours; None where it is none, or not above 0."""
    try:
        hours = float(text)
    except ValueError:
        return None
    return hours if 0 < hours < math.inf else None


if __name__ == "__main__":
    sys.exit(main())
