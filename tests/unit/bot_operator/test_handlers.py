"""kopf's settings, and its log-in inside a cluster."""

import kopf
import pytest

from bot_operator import handlers


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
)
def test_the_api_server_is_found_without_the_cluster_s_dns(
    monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    found = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="t")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: found)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    info = handlers._login_in_cluster(settings=kopf.OperatorSettings())

    assert info is not None
    assert (info.server, info.token) == (server, "t")


def test_outside_a_cluster_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: None)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    assert handlers._login_in_cluster(settings=kopf.OperatorSettings()) is None


def test_kopf_copies_no_object_to_find_out_what_changed() -> None:
    class Untouchable(dict[str, object]):
        def __deepcopy__(self, memo: object) -> None:
            raise AssertionError("the object is copied")

    storage = handlers.build_settings().persistence.diffbase_storage
    body = kopf.Body({"metadata": {}, "spec": Untouchable()})
    assert storage.build(body=body, extra_fields=[]) == {}
    assert storage.fetch(body=body) is None
