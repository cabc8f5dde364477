"""The HTTP application: every request passes faults, weights and the routes, and is logged."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot_exchange.rest.account import authenticate
from bot_exchange.rest.control import add_control_routes
from bot_exchange.rest.routes import PUBLIC_ROUTES, SIGNED_ROUTES, TRADING_PATHS
from bot_exchange.rest.spoiled import garble
from bot_exchange.venue.errors import ApiError, not_served, orders_not_served
from bot_exchange.venue.exchange import Exchange
from bot_exchange.venue.view import NothingTradedError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger(__name__)
_UNKNOWN_PATH_WEIGHT = 1
_WEIGHT_HEADERS = ("X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M")


def build_app(exchange: Exchange, *, control: bool) -> web.Application:
    """Return the application; `control` adds the routes with which a test sets clock and faults."""
    app = web.Application(middlewares=[_log_access])
    app.router.add_get("/healthz", _healthz)
    if control:
        add_control_routes(app, exchange)
    app.router.add_route("*", "/{path:.*}", _Api(exchange).handle)
    return app


async def _healthz(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


class _Api:
    """Answers one request: the ordered faults first, then the weight, then the route."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            if await self._exchange.faults.strike(self._exchange.limiter.limit):
                return _dropped(request)
            used = self._exchange.limiter.charge(request.remote or "", _weight(request))
        except ApiError as e:
            return _refuse(e)
        response = await self._answer(request)
        for header in _WEIGHT_HEADERS:
            response.headers[header] = str(used)
        return response

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            return self._garbled(request.path, _json(await self._route(request)))
        except ApiError as e:
            return _refuse(e)
        except NothingTradedError:
            return _refuse(ApiError(-1112, "No orders on book for symbol."))
        except Exception:  # noqa: BLE001 - the one place that must answer whatever happened
            _LOG.exception("request failed", extra={"fields": {"path": request.path}})
            return _refuse(
                ApiError(-1000, "An unknown error occurred while processing the request.", 500)
            )

    def _garbled(self, path: str, response: web.Response) -> web.Response:
        """Return the answer, or what stands in its place where a fault says so."""
        faults = self._exchange.faults
        if not (path.endswith(faults.garbled_path) and faults.take("garbled_next")):
            return response
        text, content_type = garble(response.text or "", faults.garbled_as)
        return web.Response(text=text, content_type=content_type)

    async def _route(self, request: web.Request) -> Any:
        path = request.path
        if path in TRADING_PATHS:
            raise orders_not_served(request.method, path)
        if request.method == "GET" and path in PUBLIC_ROUTES:
            # In a thread: a long span is a second's work, and the loop has others to answer.
            answer = PUBLIC_ROUTES[path].answer
            return await asyncio.to_thread(answer, self._exchange, request.query)
        if request.method == "GET" and path in SIGNED_ROUTES:
            query = request.raw_path.partition("?")[2]
            header = request.headers.get("X-MBX-APIKEY")
            key = authenticate(self._exchange, query, request.query, header)
            return SIGNED_ROUTES[path].answer(self._exchange, key)
        raise not_served(request.method, path)


def _weight(request: web.Request) -> int:
    route = PUBLIC_ROUTES.get(request.path) or SIGNED_ROUTES.get(request.path)
    return route.weight(request.query) if route else _UNKNOWN_PATH_WEIGHT


def _json(document: Any, status: int = 200) -> web.Response:
    text = json.dumps(document, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json")


def _refuse(error: ApiError) -> web.Response:
    response = _json({"code": error.code, "msg": error.message}, error.status)
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _dropped(request: web.Request) -> web.Response:
    """Close the connection; the response is for the framework, no client sees it."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=503)


@web.middleware
async def _log_access(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log what was refused as a warning, the rest for who asks for it; never the query."""
    started = time.monotonic()
    response = await handler(request)
    level = logging.WARNING if response.status >= 400 else logging.DEBUG
    fields = {
        "method": request.method,
        "path": request.path,
        "status": response.status,
        "milliseconds": round((time.monotonic() - started) * 1000, 1),
        "client": request.remote,
    }
    _LOG.log(level, "request", extra={"fields": fields})
    return response
