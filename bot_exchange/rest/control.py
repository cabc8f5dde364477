"""Routes with which a test sets the clock and orders faults; served only where asked for.

GET  /_control/clock     {"now_ms": ..., "speed": ...}
POST /_control/clock     any of {"now_ms": ..., "advance_ms": ..., "speed": ...}
GET  /_control/faults    the faults in force, counts of what is left
POST /_control/faults    the faults from now on; those not named are off
"""

import json
from typing import Any

from aiohttp import web

from bot_exchange.venue.clock import Clock
from bot_exchange.venue.exchange import Exchange
from bot_exchange.venue.faults import FaultError, parse_faults


class ClockError(ValueError):
    """A setting of the clock that cannot be understood; it changes nothing."""


def add_control_routes(app: web.Application, exchange: Exchange) -> None:
    """Add the routes to the application."""

    async def show_clock(_request: web.Request) -> web.Response:
        return web.json_response(_clock_state(exchange.clock))

    async def set_clock(request: web.Request) -> web.Response:
        try:
            _set_clock(exchange.clock, await _body(request))
        except (ClockError, json.JSONDecodeError) as e:
            return web.json_response({"error": str(e)}, status=400)
        return web.json_response(_clock_state(exchange.clock))

    async def show_faults(_request: web.Request) -> web.Response:
        return web.json_response(exchange.faults.to_json())

    async def set_faults(request: web.Request) -> web.Response:
        try:
            exchange.faults.adopt(parse_faults(await _body(request)))
        except (FaultError, json.JSONDecodeError) as e:
            return web.json_response({"error": str(e)}, status=400)
        return web.json_response(exchange.faults.to_json())

    app.router.add_get("/_control/clock", show_clock)
    app.router.add_post("/_control/clock", set_clock)
    app.router.add_get("/_control/faults", show_faults)
    app.router.add_post("/_control/faults", set_faults)


async def _body(request: web.Request) -> Any:
    return json.loads(await request.text())


def _clock_state(clock: Clock) -> dict[str, float]:
    return {"now_ms": clock.now_ms(), "speed": clock.speed}


def _set_clock(clock: Clock, order: Any) -> None:
    if not isinstance(order, dict):
        raise ClockError("expected an object")
    for name, value in order.items():
        if name not in ("now_ms", "advance_ms", "speed"):
            raise ClockError(f"{name}: unknown; known are now_ms, advance_ms, speed")
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ClockError(f"{name}: found {value!r}; use a number from 0")
    now = order.get("now_ms", clock.now_ms()) + order.get("advance_ms", 0)
    clock.set(int(now), order.get("speed"))
