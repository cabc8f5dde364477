"""Plain HTTP to the served exchange: what a client would send, signed or not."""

import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from bot_exchange.venue.credentials import ApiKey


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `body` is decoded JSON."""

    status: int
    body: Any
    headers: dict[str, str]


def request(url: str, path: str, method: str = "GET", **options: Any) -> Answer:
    """Send one request; options: `headers`, `body` (sent as JSON), `timeout` in seconds."""
    body = json.dumps(options["body"]).encode() if "body" in options else None
    message = urllib.request.Request(url + path, body, options.get("headers", {}), method=method)
    try:
        with urllib.request.urlopen(message, timeout=options.get("timeout", 5)) as answer:
            return Answer(answer.status, json.loads(answer.read()), dict(answer.headers))
    except urllib.error.HTTPError as e:
        with e:
            return Answer(e.code, json.loads(e.read()), dict(e.headers))


def signed(key: ApiKey, path: str, /, **parameters: object) -> str:
    """Return the path with its parameters and their signature by the key's secret."""
    query = urllib.parse.urlencode(parameters)
    digest = hmac.new(key.secret.encode(), query.encode(), hashlib.sha256)
    return f"{path}?{query}&signature={digest.hexdigest()}"
