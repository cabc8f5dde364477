"""What a ServiceAccount wrote, from the API server's audit log, as requests to send again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.client import APPLY, JSON, MERGE, Request
from tests.cluster.audit import read_calls

_METHODS = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
_REFUSED = 300
_UID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Write:
    """One write that succeeded, and when it was answered (seconds since the epoch)."""

    request: Request
    resource: str
    answered_at: float


@dataclass(frozen=True, slots=True)
class Recording:
    """The audit log from a moment on."""

    audit_log: Path
    start: int

    @classmethod
    def begin(cls, audit_log: Path) -> "Recording":
        """Return the recording of everything that is answered from now on."""
        return cls(audit_log, audit_log.stat().st_size)

    def writes(self, user: str) -> list[Write]:
        """Return the writes of a user in their order, those of its Lease apart."""
        return [
            Write(_request(call), call["objectRef"]["resource"], _answered_at(call))
            for call in read_calls(self.audit_log, user, self.start)
            if call["verb"] in _METHODS
            and call["objectRef"].get("resource") != "leases"
            and call["responseStatus"].get("code", 500) < _REFUSED
        ]


@dataclass(frozen=True, slots=True)
class Move:
    """From one namespace to another with objects of the same names, whose uids differ."""

    first: str
    second: str
    uids: Mapping[str, str]

    def of(self, request: Request) -> Request:
        """Return the request as it is to be sent to the second namespace.

        A version that a write insisted on is left out: that of the other object differs.
        """
        body = json.loads(request.body)
        body.get("metadata", {}).pop("resourceVersion", None)
        text = json.dumps(body).replace(self.first, self.second)
        text = _UID.sub(lambda found: self.uids.get(found[0], found[0]), text)
        path = request.path.replace(self.first, self.second)
        return Request(request.method, path, text, request.content_type)


def _request(call: dict[str, Any]) -> Request:
    method, body = _METHODS[call["verb"]], call.get("requestObject", {})
    return Request(method, call["requestURI"], json.dumps(body), _content_type(call))


def _content_type(call: dict[str, Any]) -> str:
    if call["verb"] != "patch":
        return JSON
    is_apply = "fieldManager=" in call["requestURI"] and "apiVersion" in call["requestObject"]
    return APPLY if is_apply else MERGE


def _answered_at(call: dict[str, Any]) -> float:
    return datetime.fromisoformat(call["stageTimestamp"]).timestamp()
