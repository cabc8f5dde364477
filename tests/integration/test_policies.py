"""The ValidatingAdmissionPolicies of manifests/policies, on a real API server."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import resources
from tests.eventually import eventually
from tests.integration.api import MERGE, Api, Refused
from tests.integration.stage import ControlPlane

Object = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
POLICIES = ROOT / "manifests" / "policies"
DOCUMENTED = ROOT / "docs" / "security.md"
FORBIDDEN, NOT_FOUND = 403, 404
MARK = "policies.test/rules"
DIGEST = f"registry.example.com/trading/infer@sha256:{'0' * 64}"
KINDS = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


@pytest.fixture(scope="module")
def policies(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Install the policies as shipped, and with the stricter parameters of docs/security.md.

    Each is bound to namespaces that are labelled for it: other tests share the cluster.
    """
    strict = tmp_path_factory.mktemp("strict")
    text = DOCUMENTED.read_text(encoding="utf-8").split("```yaml\n# policies\n")[1].split("```")[0]
    text = text.replace("manifests/policies", os.path.relpath(POLICIES, strict))
    (strict / "kustomization.yaml").write_text(text, encoding="utf-8")
    shipped = list(yaml.safe_load_all(control_plane.kubectl("kustomize", str(POLICIES))))
    patched = list(yaml.safe_load_all(control_plane.kubectl("kustomize", str(strict))))
    assert {o["kind"] for o in shipped} == KINDS
    assert not any("namespace" in o["metadata"] for o in shipped)
    bound = [_bound(o, "shipped") for o in shipped] + [_bound(o, "strict") for o in patched]
    text = yaml.safe_dump_all(bound)
    control_plane.kubectl("apply", "--server-side", "--validate=strict", "-f", "-", stdin=text)
    for item in bound:
        if item["kind"] == "ValidatingAdmissionPolicy":
            _assert_types_hold(control_plane.api, item["metadata"]["name"])


def _bound(item: Object, rules: str) -> Object:
    item["metadata"]["name"] = f"{rules}-{item['metadata']['name']}"
    if item["kind"] == "ValidatingAdmissionPolicyBinding":
        item["spec"]["policyName"] = f"{rules}-{item['spec']['policyName']}"
        selector = {"matchLabels": {MARK: rules}}
        item["spec"]["matchResources"] = {"namespaceSelector": selector}
    else:
        assert item["spec"]["failurePolicy"] == "Fail"
    return item


def _assert_types_hold(api: Api, name: str) -> None:
    path = f"/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/{name}"
    status: Object = eventually(lambda: api.request("GET", path)["status"])
    assert "expressionWarnings" not in status["typeChecking"]


@pytest.fixture
def api(control_plane: ControlPlane) -> Api:
    return control_plane.api


Namespaces = Callable[..., str]


@pytest.fixture
def make_namespace(api: Api, policies: None) -> Iterator[Namespaces]:
    """Return a function that makes a namespace under some rules, once these are in force."""
    made: list[str] = []

    def make(rules: str = "shipped", **labels: str) -> str:
        name = f"policies-{uuid.uuid4().hex[:8]}"
        every = {MARK: rules, **{key.replace("_", "/"): value for key, value in labels.items()}}
        metadata = {"name": name, "labels": every}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        api.request("POST", "/api/v1/namespaces", body)
        made.append(name)
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        eventually(lambda: api.request("GET", account))
        eventually(lambda: _refusal(lambda: api.create(live("probe"), name, dry_run=True))
                   or "botcripto.io/live" in every)  # fmt: skip
        eventually(lambda: _refusal(lambda: _run(api, name, "made/up:latest", dry_run=True)))
        return name

    yield make
    for name in made:
        _delete_namespace(api, name)


def _delete_namespace(api: Api, name: str) -> None:
    with suppress(Refused):
        for bot in api.request("GET", _bots(name))["items"]:
            _approve(api, name, bot["metadata"]["name"])
        api.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture
def trading(make_namespace: Namespaces) -> str:
    """Return a namespace that is labelled for Live bots."""
    return make_namespace(**{"botcripto.io_live": "allowed"})


def live(name: str = "btc-live", **spec: Any) -> Object:
    return resources.bot(name, mode="Live", **{"exchange.credentialsSecret": "keys"}, **spec)


def _bots(namespace: str, name: str = "") -> str:
    path = f"/apis/botcripto.io/v1alpha1/namespaces/{namespace}/tradingbots"
    return f"{path}/{name}" if name else path


def _change(api: Api, namespace: str, change: Object, name: str = "btc-live") -> Object:
    return api.request("PATCH", _bots(namespace, name), change, MERGE)


def _approve(api: Api, namespace: str, name: str, approval: str | None = None) -> None:
    annotations = {"botcripto.io/approve-deletion": approval or name}
    _change(api, namespace, {"metadata": {"annotations": annotations}}, name)


def _refusal(call: Callable[[], object]) -> str:
    """Return what the API server said no with, empty where it said yes."""
    try:
        call()
    except Refused as e:
        return e.message if e.code == FORBIDDEN else ""
    return ""


def _run(api: Api, namespace: str, image: str, *, dry_run: bool = False, **pod: Any) -> Object:
    labels = pod.pop("labels", {"app.kubernetes.io/name": "botcripto"})
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "run", "labels": labels},
        "spec": {"containers": [{"name": "runtime", "image": image}], **pod},
    }
    query = "?dryRun=All" if dry_run else ""
    return api.request("POST", f"/api/v1/namespaces/{namespace}/pods{query}", body)


def test_live_is_refused_in_a_namespace_that_is_not_labelled(
    api: Api, make_namespace: Namespaces
) -> None:
    namespace = make_namespace()
    refused = _refusal(lambda: api.create(live(), namespace))
    assert "spec.mode: Live is not allowed in namespace " + namespace in refused
    assert f"kubectl label namespace {namespace} botcripto.io/live=allowed" in refused
    api.create(resources.bot("btc-live"), namespace)  # Paper is
    switched = {"spec": {"mode": "Live", "exchange": {"credentialsSecret": "keys"}}}
    assert "is not allowed in namespace" in _refusal(lambda: _change(api, namespace, switched))


@pytest.mark.parametrize("value", ["", "true", "Allowed"])
def test_only_the_one_value_of_the_label_counts(
    api: Api, make_namespace: Namespaces, value: str
) -> None:
    namespace = make_namespace(**{"botcripto.io_live": value})
    assert "botcripto.io/live=allowed" in _refusal(lambda: api.create(live(), namespace))


def test_live_where_the_label_was_taken_away_can_only_be_calmed(api: Api, trading: str) -> None:
    api.create(live(), trading)
    unlabelled = {"metadata": {"labels": {"botcripto.io/live": None}}}
    api.request("PATCH", f"/api/v1/namespaces/{trading}", unlabelled, MERGE)
    riskier = {"spec": {"decision": {"riskMax": 1}}}
    eventually(lambda: _refusal(lambda: _change(api, trading, riskier)))
    _change(api, trading, {"metadata": {"annotations": {"seen": "yes"}}})
    api.apply_status(live(), {"observedGeneration": 1}, trading)
    _change(api, trading, {"spec": {"suspend": True}})
    assert _refusal(lambda: _change(api, trading, {"spec": {"suspend": False}}))
    _change(api, trading, {"spec": {"mode": "Paper"}})


def test_a_live_bot_is_deleted_only_with_its_own_name_as_approval(api: Api, trading: str) -> None:
    api.create(live(), trading)
    api.create(resources.bot("btc-paper"), trading)
    api.request("DELETE", _bots(trading, "btc-paper"))
    remedy = (
        f"kubectl annotate tradingbot btc-live --namespace={trading} --overwrite "
        "botcripto.io/approve-deletion=btc-live"
    )
    assert remedy in _refusal(lambda: api.request("DELETE", _bots(trading, "btc-live")))
    for wrong in ("true", "eth-live"):
        _approve(api, trading, "btc-live", wrong)
        assert remedy in _refusal(lambda: api.request("DELETE", _bots(trading, "btc-live")))
    assert remedy in _refusal(lambda: api.request("DELETE", _bots(trading)))  # all at once
    _approve(api, trading, "btc-live")
    api.request("DELETE", _bots(trading, "btc-live"))


def test_a_namespace_with_a_live_bot_stays_and_tells_why(api: Api, trading: str) -> None:
    api.create(live(), trading)
    api.request("DELETE", f"/api/v1/namespaces/{trading}")

    def told() -> str:
        found = api.request("GET", f"/api/v1/namespaces/{trading}")["status"]
        failed = "NamespaceDeletionContentFailure"
        return str(next(c["message"] for c in found["conditions"] if c["type"] == failed))

    assert "tradingbot btc-live is Live; approve its deletion" in (text := eventually(told))
    assert "botcripto.io/approve-deletion=btc-live" in text
    assert api.get("TradingBot", "btc-live", trading)["spec"]["mode"] == "Live"
    _approve(api, trading, "btc-live")

    def gone() -> bool:
        try:
            api.request("GET", f"/api/v1/namespaces/{trading}")
        except Refused as e:
            return e.code == NOT_FOUND
        return False

    eventually(gone, timeout=60)


def test_live_is_left_only_while_suspended(api: Api, trading: str) -> None:
    api.create(live(), trading)
    paper = {"spec": {"mode": "Paper"}}
    refused = _refusal(lambda: _change(api, trading, paper))
    assert "tradingbot btc-live is Live and not suspended" in refused
    assert f"kubectl patch tradingbot btc-live --namespace={trading} --type=merge" in refused
    at_once = {"spec": {"mode": "Paper", "suspend": True}}  # nothing has stopped yet
    assert "suspend it first" in _refusal(lambda: _change(api, trading, at_once))
    _change(api, trading, {"spec": {"suspend": True}})
    assert _change(api, trading, paper)["spec"]["mode"] == "Paper"


@pytest.mark.parametrize("plural", ["tradingbots", "modeltrainings"])
def test_our_crds_are_deleted_only_with_approval(
    api: Api, trading: str, request: pytest.FixtureRequest, plural: str
) -> None:
    name = f"{plural}.botcripto.io"
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"

    def annotate(value: str | None) -> None:
        annotations = {"botcripto.io/approve-deletion": value}
        api.request("PATCH", path, {"metadata": {"annotations": annotations}}, MERGE)

    refused = _refusal(lambda: api.request("DELETE", path))
    assert (
        f"kubectl annotate crd {name} --overwrite botcripto.io/approve-deletion={name}" in refused
    )
    assert "--field-selector=spec.mode=Live" in refused
    request.addfinalizer(lambda: annotate(None))
    annotate(name)
    api.request("DELETE", f"{path}?dryRun=All")


def test_crds_of_others_are_none_of_our_business(api: Api, trading: str) -> None:
    root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"plural": "things", "singular": "thing", "kind": "Thing"}
    spec = {"group": "example.org", "scope": "Cluster", "names": names, "versions": [version]}
    api.request("POST", root, {"metadata": {"name": "things.example.org"}, "spec": spec})
    api.request("DELETE", f"{root}/things.example.org")


@pytest.mark.parametrize("image", ["botcripto/infer:1.2.3", "host:5000/infer:1", DIGEST])
def test_pinned_images_run(api: Api, make_namespace: Namespaces, image: str) -> None:
    _run(api, make_namespace(), image, dry_run=True)


@pytest.mark.parametrize("image", ["infer", "a/infer:latest", "host:5000/infer", "a@sha256:12"])
def test_images_that_may_move_are_refused(api: Api, make_namespace: Namespaces, image: str) -> None:
    namespace = make_namespace()
    refused = _refusal(lambda: _run(api, namespace, image))
    assert f"image {image} may move; write name:<version> other than latest" in refused
    beside: Object = {"initContainers": [{"name": "preflight", "image": image}]}
    assert image in _refusal(lambda: _run(api, namespace, DIGEST, **beside))
    _run(api, namespace, image, labels={})  # not ours
    ours = {"metadata": {"labels": {"app.kubernetes.io/name": "botcripto"}}}
    path = f"/api/v1/namespaces/{namespace}/pods/run"
    assert image in _refusal(lambda: api.request("PATCH", path, ours, MERGE))


def test_a_debug_container_is_pinned_too(api: Api, make_namespace: Namespaces) -> None:
    namespace = make_namespace()
    _run(api, namespace, DIGEST)
    debug = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    path = f"/api/v1/namespaces/{namespace}/pods/run/ephemeralcontainers"
    strategic = "application/strategic-merge-patch+json"
    assert "busybox" in _refusal(lambda: api.request("PATCH", path, debug, strategic))


def test_digests_and_registries_can_be_asked_for(api: Api, make_namespace: Namespaces) -> None:
    namespace = make_namespace("strict")
    tagged = "registry.example.com/trading/infer:1.2.3"
    refused = _refusal(lambda: _run(api, namespace, tagged))
    assert f"image {tagged} may move; write name@sha256:<digest>, a tag is not enough" in refused
    foreign = DIGEST.replace("trading", "others")
    refused = _refusal(lambda: _run(api, namespace, foreign))
    assert f"image {foreign} is of no registry that is allowed here" in refused
    assert "registry.example.com/trading/, mirror.example.com/" in refused
    _run(api, namespace, DIGEST)
