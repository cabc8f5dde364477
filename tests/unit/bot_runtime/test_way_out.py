"""The way to the exchange: through a proxy, and with certificates of one's own."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot_operator.children.pods import PodRequest, build_pod_template
from bot_runtime.contract import names
from bot_runtime.contract.podspec import INFERENCE_RESOURCES, PodSpec
from bot_runtime.contract.spec import ExchangeSpec
from bot_runtime.exchange.client import ExchangeClient
from bot_runtime.exchange.retries import RetryPolicy
from bot_runtime.process.errors import ExchangeUnavailableError
from tests.cluster.certificates import Authority

ONCE = RetryPolicy(attempts=1, budget_seconds=10)


class _Time(http.server.BaseHTTPRequestHandler):
    """Answers every request with the time, and notes what was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = b'{"serverTime": 1760000000000}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _serving(tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (_Time,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _ask(endpoint: str) -> int:
    spec = ExchangeSpec(id="binance", endpoint=endpoint)
    client = ExchangeClient(spec, "1m", ONCE, lambda *_, **__: None)
    return client.server_time_ms()[0]


def _environment(monkeypatch: pytest.MonkeyPatch, placement: PodSpec) -> None:
    """Set what a pod with this placement has."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", names.ENV_TRUST):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    request = PodRequest(
        "a:1", ("infer",), {}, "store", False, "run", INFERENCE_RESOURCES, placement
    )
    container = build_pod_template(request)["spec"]["containers"][0]
    for variable in container["env"]:
        if "PROXY" in variable["name"] or "CA" in variable["name"] or "TRUST" in variable["name"]:
            monkeypatch.setenv(variable["name"], variable["value"])


def test_requests_go_through_the_proxy_but_for_the_exceptions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with _serving() as (port, asked):
        proxy = f"http://127.0.0.1:{port}"
        _environment(monkeypatch, PodSpec(proxy=proxy))
        assert _ask("http://exchange.invalid") == 1760000000000
        assert asked == ["http://exchange.invalid/api/v3/time"]
        _environment(monkeypatch, PodSpec(proxy=proxy, no_proxy=(".invalid",)))
        with pytest.raises(ExchangeUnavailableError):
            _ask("http://exchange.invalid")


def test_a_proxy_of_the_shell_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving() as (port, asked):
        _environment(monkeypatch, PodSpec())
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(ExchangeUnavailableError):
            _ask("http://exchange.invalid")
    assert asked == []


def test_a_certificate_is_checked_with_the_config_map(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    authority.issue_server("exchange", ["localhost"], ["127.0.0.1"])
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "exchange.crt", tmp_path / "exchange.key")
    monkeypatch.setattr(names, "CA_PATH", str(tmp_path))
    with _serving(tls) as (port, _):
        _environment(monkeypatch, PodSpec())
        with pytest.raises(ExchangeUnavailableError):
            _ask(f"https://127.0.0.1:{port}")
        _environment(monkeypatch, PodSpec(ca_config_map="roots"))
        assert _ask(f"https://127.0.0.1:{port}") == 1760000000000


def test_the_ca_is_mounted_from_one_key_of_the_config_map() -> None:
    placement = PodSpec(ca_config_map="roots")
    request = PodRequest(
        "a:1", ("infer",), {}, "store", False, "run", INFERENCE_RESOURCES, placement
    )
    pod = build_pod_template(request)["spec"]
    item = {"key": "ca.crt", "path": "ca.crt"}
    assert {"name": "ca", "configMap": {"name": "roots", "items": [item]}} in pod["volumes"]
    mount = {"name": "ca", "mountPath": names.CA_PATH, "readOnly": True}
    assert mount in pod["containers"][0]["volumeMounts"]
