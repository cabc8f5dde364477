"""A plain client of the API server, for tests: nothing between the test and the answer."""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot_runtime.contract.names import GROUP, VERSION

Object = dict[str, Any]

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
SECONDS = 65
"""Longer than the API server itself takes before it gives up on a request."""
PLURALS = {"TradingBot": "tradingbots", "ModelTraining": "modeltrainings"}


class Refused(Exception):
    """The API server said no; the text is its message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Api:
    """The API server as one user of a kubeconfig sees it."""

    server: str
    token: str
    context: ssl.SSLContext

    @classmethod
    def of(cls, kubeconfig: Path) -> "Api":
        """Return the client of a kubeconfig that names a CA file and a token."""
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster = config["clusters"][0]["cluster"]
        authority = ssl.create_default_context(cafile=cluster["certificate-authority"])
        return cls(cluster["server"], config["users"][0]["user"]["token"], authority)

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Object:
        """Send one request and return the answer; raises Refused for a code from 400 on."""
        request = urllib.request.Request(f"{self.server}{path}", method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", content_type)
        request.data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.context)
        )
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                found: Object = json.loads(answer.read())
        except urllib.error.HTTPError as e:
            raise Refused(e.code, json.loads(e.read()).get("message", "")) from None
        return found

    def create(self, resource: Object, namespace: str, *, dry_run: bool = False) -> Object:
        """Create a resource of ours under strict validation."""
        query = {"fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        return self.request("POST", _path(resource["kind"], namespace, query=query), resource)

    def apply(self, resource: Object, namespace: str, *, manager: str = "test") -> Object:
        """Apply a resource of ours on the server's side under strict validation."""
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        path = _path(resource["kind"], namespace, resource["metadata"]["name"], query=query)
        return self.request("PATCH", path, resource, APPLY)

    def apply_status(self, resource: Object, status: Object, namespace: str) -> Object:
        """Apply a status to a resource of ours, as the operator does."""
        body = {key: resource[key] for key in ("apiVersion", "kind")}
        body |= {"metadata": {"name": resource["metadata"]["name"]}, "status": status}
        query = {"fieldManager": "test-status", "force": "true", "fieldValidation": "Strict"}
        name = f"{resource['metadata']['name']}/status"
        return self.request(
            "PATCH", _path(resource["kind"], namespace, name, query=query), body, APPLY
        )

    def get(self, kind: str, name: str, namespace: str) -> Object:
        """Return a resource of ours."""
        return self.request("GET", _path(kind, namespace, name))


def _path(kind: str, namespace: str, name: str = "", query: dict[str, str] | None = None) -> str:
    path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURALS[kind]}"
    path += f"/{name}" if name else ""
    return f"{path}?{urllib.parse.urlencode(query)}" if query else path
