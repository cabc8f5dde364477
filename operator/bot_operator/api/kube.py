"""The API server: the one module that calls it, as raw JSON through the official client."""

import asyncio
import json
import math
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp
from kubernetes.aio import client, config

from bot_operator import metrics
from bot_operator.api.errors import NotFound, Unavailable, error_of
from bot_operator.api.eventlists import EventLists
from bot_operator.api.resources import (
    EVENTS,
    LEASES,
    Manifest,
    Ref,
    Resource,
    name_of,
    namespace_of,
    resource_of,
    uid_of,
)
from bot_runtime.contract import names

_TIMEOUT_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
_PAGE = 500
_LOG_BYTES = 16_384
_CONNECTIONS = 64
# The client would write JSON for the type alone, without a character set.
_APPLY = "application/apply-patch+yaml; charset=utf-8"
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_READS = ("get", "list")
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_OURS = {"fieldManager": names.FIELD_MANAGER}
_METHODS = {"get": "GET", "list": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the API server; `verb` as a Role spells it."""

    verb: Literal["get", "list", "create", "patch", "delete"]
    resource: Resource
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | bytes | None = None
    content: str = _JSON


class ApiServer:
    """A `Kube` over HTTP: in the cluster by its own account, outside by KUBECONFIG."""

    def __init__(self, api: client.ApiClient) -> None:
        self.api = api
        self.last_success = time.monotonic()
        self._event_lists = EventLists(self._list_events)
        self.leads_until: Callable[[], float] = lambda: math.inf
        """Until when, on the monotonic clock, this process may write anything but its Lease."""

    @classmethod
    async def connect(cls) -> "ApiServer":
        """Return a client configured by the pod's account or by KUBECONFIG."""
        configuration = client.Configuration()
        configuration.connection_pool_maxsize = _CONNECTIONS
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            await config.load_kube_config(client_configuration=configuration)
        # Left to the client, the environment's proxy (and a .netrc) is looked up in a thread for
        # every request: two changes of thread, each of which waits for the busy interpreter.
        configuration.client_session_kwargs = {"trust_env": False}
        configuration.proxy = configuration.proxy or proxy_of(configuration.host)
        return cls(client.ApiClient(configuration))

    async def close(self) -> None:
        """Close the connections."""
        await self.api.close()

    async def get(self, ref: Ref) -> Manifest | None:
        """Return the object as it is now, None where it does not exist."""
        path = ref.resource.path(ref.namespace, ref.name)
        try:
            return await self._call(Request("get", ref.resource, path))
        except NotFound:
            return None

    async def list_all(
        self, resource: Resource, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> tuple[list[Manifest], int]:
        """Return all matching objects, read in pages, and the version of the list."""
        query = {"limit": str(_PAGE), "labelSelector": labels, "fieldSelector": fields}
        found: list[Manifest] = []
        while True:
            given = {key: value for key, value in query.items() if value}
            page = await self._call(Request("list", resource, resource.path(namespace), given))
            # Lists leave kind and apiVersion out of their items.
            kind = {"apiVersion": resource.api_version, "kind": resource.kind}
            found.extend({**kind, **item} for item in page.get("items") or ())
            query["continue"] = page["metadata"].get("continue", "")
            if not query["continue"]:
                return found, int(page["metadata"].get("resourceVersion") or 0)

    async def events_about(self, subject: Manifest, fields: str) -> list[Manifest]:
        """Return the Events about an object that match `fields`, as they were seconds ago."""
        return await self._event_lists.about(uid_of(subject), namespace_of(subject), fields)

    async def create(self, manifest: Manifest) -> Manifest:
        """Create the object; AlreadyExists where one of its name is there."""
        resource = resource_of(manifest)
        path = resource.path(namespace_of(manifest))
        return await self._call(Request("create", resource, path, _OURS, manifest))

    async def apply(self, manifest: Manifest, *, force: bool) -> Manifest:
        """Apply the object server-side as our field manager, and return it."""
        return await self._apply(manifest, "", force=force)

    async def apply_status(self, manifest: Manifest) -> Manifest:
        """Apply the status subresource of the object with the manifest's uid."""
        return await self._apply(manifest, "status", force=True)

    async def patch_status(self, seen: Manifest, body: Mapping[str, Any]) -> Manifest:
        """Merge `body` into the status of the object as it was seen; None removes a field."""
        resource = resource_of(seen)
        path = resource.path(namespace_of(seen), name_of(seen), "status")
        merged = {**body, "metadata": {"resourceVersion": seen["metadata"]["resourceVersion"]}}
        return await self._call(Request("patch", resource, path, _OURS, merged, _MERGE))

    async def patch(
        self, ref: Ref, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Manifest | None:
        """Merge `body` into the object of this uid; None where it does not exist."""
        query = {**_OURS, "dryRun": "All"} if dry_run else _OURS
        path = ref.resource.path(ref.namespace, ref.name)
        merged = {**body, "metadata": {**body.get("metadata", {}), "uid": ref.uid}}
        try:
            return await self._call(Request("patch", ref.resource, path, query, merged, _MERGE))
        except NotFound:
            return None

    async def delete(self, ref: Ref) -> bool:
        """Delete the object of this uid and what it owns; return whether it was there."""
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        if ref.uid:
            body["preconditions"] = {"uid": ref.uid}
        path = ref.resource.path(ref.namespace, ref.name)
        try:
            await self._call(Request("delete", ref.resource, path, body=body))
        except NotFound:
            return False
        return True

    async def read_log(self, pod: Ref, container: str, lines: int) -> str:
        """Return the last lines of a container's log, 16 KiB at most."""
        path = pod.resource.path(pod.namespace, pod.name, "log")
        query = {"container": container, "tailLines": str(lines), "limitBytes": str(_LOG_BYTES)}
        data = await self._request(Request("get", pod.resource, path, query))
        return data.decode(errors="replace")

    async def _list_events(self, namespace: str, fields: str) -> list[Manifest]:
        events, _ = await self.list_all(EVENTS, namespace, fields=fields)
        return events

    async def _apply(self, manifest: Manifest, subresource: str, *, force: bool) -> Manifest:
        resource = resource_of(manifest)
        path = resource.path(namespace_of(manifest), name_of(manifest), subresource)
        query = {**_OURS, "force": "true" if force else "false"}
        return await self._call(Request("patch", resource, path, query, to_yaml(manifest), _APPLY))

    async def _call(self, request: Request) -> Manifest:
        data = await self._request(request)
        try:
            answer: Manifest = json.loads(data)
        except ValueError as e:
            raise Unavailable(200, "BadAnswer", f"not JSON: {data[:200]!r}") from e
        self.last_success = time.monotonic()
        return answer

    async def _request(self, request: Request) -> bytes:
        status = 0
        started = time.perf_counter()
        connect = _CONNECT_SECONDS
        if request.verb not in _READS and request.resource != LEASES:
            # A process that was stopped and goes on must not send what it was about to.
            connect = min(connect, self.leads_until() - time.monotonic())
            if connect <= 0:
                raise Unavailable(0, "NotLeading", "the Lease was not renewed in time")
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                status, headers, data = await self._send(request, connect)
        except (aiohttp.ClientError, TimeoutError, OSError) as e:
            raise Unavailable(0, type(e).__name__, str(e) or "no answer") from e
        finally:
            code = str(status)
            metrics.API_REQUESTS.labels(request.verb, request.resource.plural, code).inc()
            seconds = time.perf_counter() - started
            metrics.API_REQUEST_SECONDS.labels(request.verb).observe(seconds)
        if status >= 400:
            raise _refusal(status, headers, data)
        return data

    async def _send(self, request: Request, connect: float) -> tuple[int, Mapping[str, str], bytes]:
        arguments = await self.api.param_serialize(
            _METHODS[request.verb],
            request.path,
            query_params=list(request.query.items()),
            header_params={"Accept": _JSON, "Content-Type": request.content},
            body=request.body,
            auth_settings=["BearerToken"],
        )
        limits = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS, connect=connect)
        response = await self.api.call_api(*arguments, _request_timeout=limits)
        return response.status, response.headers, await response.read()


def to_yaml(value: Manifest) -> bytes:
    """Return `value` as JSON that is YAML too, in UTF-8, as the API server reads what is applied.

    JSON writes a character beyond U+FFFF as two halves, which YAML refuses; YAML has others that it
    does not take as they are, or folds as the end of a line.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    escaped = _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return escaped.encode(errors="replace")


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment (HTTPS_PROXY, NO_PROXY) names for `url`, if any."""
    parts = urlsplit(url)
    if parts.hostname is None or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _refusal(status: int, headers: Mapping[str, str], data: bytes) -> Exception:
    try:
        answer = json.loads(data)
        reason, message = str(answer.get("reason", "")), str(answer.get("message", ""))
    except (ValueError, AttributeError):
        # A proxy or load balancer answered in the API server's place.
        reason, message = "", data[:200].decode(errors="replace")
    after = headers.get("Retry-After", "")
    return error_of(status, reason, message, float(after) if after.isdecimal() else 0.0)
