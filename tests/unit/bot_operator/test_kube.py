"""The API server's client: how it is set up, and what it counts."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from bot_operator.api.errors import Unavailable
from bot_operator.api.kube import ApiServer, proxy_of, to_yaml
from bot_operator.api.resources import CLAIMS, Ref


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "http://proxy:3128", "no_proxy": "10.96.0.1"}, None),
        ({"http_proxy": "http://proxy:3128"}, None),
    ],
    ids=["none", "proxy", "exempt", "of another scheme"],
)
def test_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of("https://10.96.0.1:443") == proxy


async def test_requests_change_no_thread_and_are_counted_by_verb_and_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/claim"):
            return web.json_response({"kind": "Status", "reason": "NotFound"}, status=404)
        return web.json_response({"items": [], "metadata": {"resourceVersion": "7"}})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _write_kubeconfig(monkeypatch, tmp_path / "config", runner.addresses[0][1])
    counted = {labels: _requests(*labels) for labels in (("get", "404"), ("list", "200"))}
    server = await ApiServer.connect()

    def refuse(*_: object) -> None:
        raise AssertionError("a request waits for a thread")

    try:
        # Threads were asked for the environment's proxy and a .netrc, with every request.
        monkeypatch.setattr("concurrent.futures.ThreadPoolExecutor.submit", refuse)
        assert await server.get(Ref(CLAIMS, "bots", "claim")) is None
        assert await server.list_all(CLAIMS, "bots") == ([], 7)
    finally:
        monkeypatch.undo()
        await server.close()
        await runner.cleanup()
    for labels, before in counted.items():
        assert _requests(*labels) == before + 1


async def test_a_server_that_is_not_there_is_counted_as_code_0(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _write_kubeconfig(monkeypatch, tmp_path / "config", 1)
    server = await ApiServer.connect()
    before = _requests("get", "0")
    try:
        with pytest.raises(Unavailable):
            await server.get(Ref(CLAIMS, "bots", "claim"))
    finally:
        await server.close()
    assert _requests("get", "0") == before + 1


@given(st.dictionaries(st.text(), st.text() | st.lists(st.text())))
@example({"message": "\U0001f98a \x7f \x85 \u2028 \ufeff"})
def test_what_is_applied_is_yaml_whatever_the_text(value: dict[str, Any]) -> None:
    assert yaml.safe_load(to_yaml(value)) == value


def test_half_a_character_is_applied_as_a_question_mark() -> None:
    assert to_yaml({"message": "\ud83e"}) == b'{"message": "?"}'


def _requests(verb: str, code: str) -> float:
    labels = {"verb": verb, "resource": CLAIMS.plural, "code": code}
    return REGISTRY.get_sample_value("botcripto_api_requests_total", labels) or 0.0


def _write_kubeconfig(monkeypatch: pytest.MonkeyPatch, path: Path, port: int) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    config = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    location = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(location, str(path))
