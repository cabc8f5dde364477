"""The API server's audit log: what was asked of it and answered, also while it is being written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_calls(audit_log: Path, user: str, start: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the entries (audit.k8s.io/v1 Event) of a user from byte `start` on, oldest first.

    The last line is left out while the API server is still writing it. A call whose token was
    refused is nobody's.
    """
    with audit_log.open("rb") as lines:
        lines.seek(start)
        for line in lines:
            if not line.endswith(b"\n"):
                return
            call = json.loads(line)
            if call["user"].get("username") == user:
                yield call
