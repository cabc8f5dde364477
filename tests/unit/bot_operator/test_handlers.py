"""kopf's settings, and its log-in inside a cluster."""

import kopf
import pytest

from bot_operator.watching import handlers


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
)
def test_in_a_pod_the_api_server_is_found_without_the_cluster_s_dns(
    monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    info = _log_in(monkeypatch, account=True)

    assert info is not None
    assert (info.server, info.token) == (server, "account")


@pytest.mark.parametrize("in_pod", [True, False])
def test_where_one_of_both_is_missing_the_kubeconfig_is_taken(
    monkeypatch: pytest.MonkeyPatch, *, in_pod: bool
) -> None:
    for part in ("HOST", "PORT"):
        monkeypatch.delenv(f"KUBERNETES_SERVICE_{part}", raising=False)
        if in_pod:
            monkeypatch.setenv(f"KUBERNETES_SERVICE_{part}", "443")

    info = _log_in(monkeypatch, account=not in_pod)

    assert info is not None
    assert info.token == "kubeconfig"


def _log_in(monkeypatch: pytest.MonkeyPatch, *, account: bool) -> kopf.ConnectionInfo | None:
    """Log in where there is a KUBECONFIG and, perhaps, a ServiceAccount's token."""
    by_account = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="account")
    by_file = kopf.ConnectionInfo(server="https://127.0.0.1:6443", token="kubeconfig")
    monkeypatch.setattr(
        kopf, "login_with_service_account", lambda **_: by_account if account else None
    )
    monkeypatch.setattr(kopf, "login_with_kubeconfig", lambda **_: by_file)
    return handlers._login(settings=kopf.OperatorSettings())


def test_kopf_copies_no_object_to_find_out_what_changed() -> None:
    class Untouchable(dict[str, object]):
        def __deepcopy__(self, memo: object) -> None:
            raise AssertionError("the object is copied")

    storage = handlers.build_settings().persistence.diffbase_storage
    body = kopf.Body({"metadata": {}, "spec": Untouchable()})
    assert storage.build(body=body, extra_fields=[]) == {}
    assert storage.fetch(body=body) is None
