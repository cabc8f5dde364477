"""What the operator may do: exactly what it does, in one namespace and in all."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import yaml

from tests import resources
from tests.eventually import eventually
from tests.integration.api import Api, Refused
from tests.integration.fake_kubelet import FakeKubelet, failed
from tests.integration.operator_process import (
    ACCOUNT,
    ROOT,
    is_denied,
    resource_of_call,
    running,
)
from tests.integration.stage import STORAGE_CLASS, Object, Stage

Grant = tuple[str, str]
"""Verb and resource."""
RBAC = "/apis/rbac.authorization.k8s.io/v1"
CLUSTER_WIDE = str(ROOT / "manifests" / "overlays" / "cluster-wide")


def test_its_account_can_neither_list_nor_watch_secrets(stage: Stage) -> None:
    account = Api.of(stage.operator.kubeconfig)
    path = f"/api/v1/namespaces/{stage.namespace}/secrets"
    stage.add_secret("keys", {"apiKey": "a1", "apiSecret": "b2"})
    assert account.request("GET", f"{path}/keys")["metadata"]["name"] == "keys"
    for refused in (path, f"{path}?watch=true&timeoutSeconds=1"):
        with pytest.raises(Refused) as e:
            account.request("GET", refused)
        assert e.value.code == 403
    with pytest.raises(Refused):
        account.request("POST", path, {"metadata": {"name": "x"}})


@pytest.mark.timeout(240)
def test_the_role_holds_exactly_what_was_used(stage: Stage) -> None:
    """Each story uses a part; this one makes the operator use all of it.

    Removing a grant breaks the story, which is derived rather than played again for each: the audit
    log names a call of the story that needs the grant, and the API server denies that very call to
    an account that has every grant but this one.
    """
    holds = {"phase": "Running"}
    stage.kubelet.bots = {
        "failing": {"Risk": lambda _: holds, "Trend": lambda _: failed(67, "no parity")},
        "held": {"Data": lambda _: holds},
    }
    with stage.kubelet, running(stage.operator):
        stage.add_bot(exchange={"id": "binance", "credentialsSecret": "keys"})
        stage.add_bot("classless", storage={"storageClassName": "nope"})
        for name in ("failing", "held"):
            stage.add_bot(name)
        stage.wait_for("StorageReady", ("False", "StorageClassMissing"), "classless")
        stage.change_bot("classless", {"storage": {"storageClassName": STORAGE_CLASS}})
        stage.add_secret("keys", {"apiKey": "a1", "apiSecret": "b2"})
        stage.wait_for("Ready", ("False", "TrainingFailed"), "failing")  # Risk's Job is deleted
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"))
        for n in range(4):  # more run configurations than are kept
            stage.change_bot("btc-paper", {"decision": {"probMin": 0.6 + n / 100}})
            time.sleep(1.1)
        _delete_jobs(stage, "held")  # that a running Job is gone is read live
        eventually(lambda: stage.status("held")["state"] != "Pending")
        stage.change_bot("held", {"symbols": ["ETH/USDT"]})
        for suspended in (True, False, True):  # what is told again is counted
            stage.change_bot("failing", {"suspend": suspended})
            ready = ("True", "Suspended") if suspended else ("False", "TrainingFailed")
            stage.wait_for("Ready", ready, "failing")
        stage.wait_for("ModelAvailable", ("True", "ModelPromoted"), "classless")
        live = {"mode": "Live", "exchange": {"credentialsSecret": "keys"}}
        stage.change_bot("classless", live)
        stage.wait_for("Ready", ("False", "LiveNotAvailable"), "classless")
    stage.operator.start()  # the Lease is there already
    eventually(lambda: "serving" in stage.operator.log.read_text(encoding="utf-8"))
    assert [c["requestURI"] for c in stage.calls.all() if is_denied(c)] == []
    used, granted = _used(stage), _granted(stage)
    assert used == granted
    for grant in sorted(granted):
        _assert_story_needs(stage, grant)


def _delete_jobs(stage: Stage, bot: str) -> None:
    def jobs() -> list[Object]:
        found = stage.list("/apis/batch/v1:jobs")
        return [j for j in found if j["metadata"]["labels"].get("botcripto.io/bot") == bot]

    for job in eventually(jobs):
        path = f"/apis/batch/v1/namespaces/{stage.namespace}/jobs/{job['metadata']['name']}"
        stage.api.request("DELETE", path, {"propagationPolicy": "Background"})


def _used(stage: Stage) -> set[Grant]:
    return {grant for call in stage.calls.all() for grant in _grants_of(call)}


def _grants_of(call: Object) -> set[Grant]:
    """Return what a call needed: a patch that made the object needed create as well."""
    if "objectRef" not in call:
        return set()  # discovery, granted to everybody
    resource = resource_of_call(call)
    made = call["verb"] == "patch" and call["responseStatus"]["code"] == 201
    return {(call["verb"], resource), *([("create", resource)] if made else [])}


def _rules(stage: Stage) -> list[Object]:
    return [rule for role in stage.list(f"{RBAC}:roles") for rule in role["rules"]]


def _granted(stage: Stage) -> set[Grant]:
    return {
        (verb, resource)
        for rule in _rules(stage)
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def _assert_story_needs(stage: Stage, grant: Grant) -> None:
    """Ask the API server what of the story an account without this one grant could not do."""
    name = f"without-{grant[0]}-{grant[1].replace('/', '-')}"
    reduced = [rule for full in _rules(stage) for rule in _without(full, grant)]
    path = f"{RBAC}/namespaces/{stage.namespace}"
    role = {"metadata": {"name": name}, "rules": reduced}
    subject = {"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"kind": "Role", "name": name, "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": {"name": name}, "roleRef": reference, "subjects": [subject]}
    calls = [c for c in stage.calls.all() if "objectRef" in c]
    lost = next(c for c in calls if grant in _grants_of(c))
    kept = next(c for c in calls if grant not in _grants_of(c))
    stage.api.request("POST", f"{path}/roles", role)
    stage.api.request("POST", f"{path}/rolebindings", binding)
    eventually(lambda: _may(stage, name, kept["verb"], kept))
    assert not _may(stage, name, grant[0], lost), grant
    for plural in ("rolebindings", "roles"):
        stage.api.request("DELETE", f"{path}/{plural}/{name}")


def _without(rule: Object, grant: Grant) -> Iterator[Object]:
    """Yield the rule as one rule for each resource, without the grant."""
    for resource in rule["resources"]:
        verbs = [verb for verb in rule["verbs"] if (verb, resource) != grant]
        if verbs:
            yield {**rule, "resources": [resource], "verbs": verbs}


def _may(stage: Stage, user: str, verb: str, call: Object) -> bool:
    reference = call["objectRef"]
    attributes = {
        "namespace": stage.namespace,
        "verb": verb,
        "group": reference.get("apiGroup", ""),
        "resource": reference["resource"],
        "subresource": reference.get("subresource", ""),
        "name": reference.get("name", ""),
    }
    spec = {"user": user, "groups": ["system:authenticated"], "resourceAttributes": attributes}
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(stage.api.request("POST", path, {"spec": spec})["status"]["allowed"])


@pytest.mark.timeout(120)
def test_with_the_cluster_wide_overlay_it_serves_another_namespace(stage: Stage) -> None:
    with _cluster_wide(stage), _another_namespace(stage) as other, other.kubelet:
        stage.operator.arguments = ("--all-namespaces",)
        stage.operator.environment["BOTCRIPTO_NAMESPACE"] = stage.namespace
        with running(stage.operator):
            other.add_bot()
            other.wait_for("ModelAvailable", ("True", "ModelPromoted"))
    calls = list(stage.calls.all())
    assert [c["requestURI"] for c in calls if is_denied(c)] == []
    leases = {c["objectRef"]["namespace"] for c in calls if "leases" in c["requestURI"]}
    assert leases == {stage.namespace}


@contextmanager
def _another_namespace(stage: Stage) -> Iterator[Stage]:
    name = f"{stage.namespace}-bots"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    stage.api.request("POST", "/api/v1/namespaces", body)
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    eventually(lambda: stage.api.request("GET", account))
    yield replace(stage, namespace=name, kubelet=FakeKubelet(stage.api, name))
    stage.api.request("DELETE", f"/api/v1/namespaces/{name}")


@contextmanager
def _cluster_wide(stage: Stage) -> Iterator[None]:
    """Give the account the overlay's ClusterRole in place of the base's Role."""
    path = f"{RBAC}/namespaces/{stage.namespace}"
    for plural in ("rolebindings", "roles"):
        stage.api.request("DELETE", f"{path}/{plural}/{ACCOUNT}")
    items = [
        copy.deepcopy(item)
        for item in yaml.safe_load_all(stage.plane.kubectl("kustomize", CLUSTER_WIDE))
        if item["kind"] in {"ClusterRole", "ClusterRoleBinding"}
    ]
    for item in items:
        for subject in item.get("subjects", []):
            subject["namespace"] = stage.namespace
    text = yaml.safe_dump_all(items)
    stage.plane.kubectl("apply", "--server-side", "-f", "-", stdin=text)
    yield
    stage.plane.kubectl("delete", "-f", "-", stdin=text)


def test_owners_can_only_be_blocked_by_who_may_write_their_finalizers(stage: Stage) -> None:
    """The admission plugin is on in every test: the stories run under it."""
    owner = stage.api.create(resources.bot("btc-paper", suspend=True), stage.namespace)
    account = Api.of(stage.operator.kubeconfig)
    reference = {key: owner[key] for key in ("apiVersion", "kind")}
    reference |= {"name": "btc-paper", "uid": owner["metadata"]["uid"], "controller": True}
    path = f"/api/v1/namespaces/{stage.namespace}/configmaps"

    def made(name: str, **more: bool) -> Object:
        metadata = {"name": name, "ownerReferences": [{**reference, **more}]}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    account.request("POST", path, made("as-we-do"))
    with pytest.raises(Refused) as e:
        account.request("POST", path, made("blocking", blockOwnerDeletion=True))
    assert "blockOwnerDeletion" in e.value.message
