"""The manifests as the documentation says to apply them."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.install import RESTRICTED_LABELS
from tests.eventually import eventually
from tests.integration.stage import ControlPlane

Object = dict[str, Any]
MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
NAMESPACE = "botcripto"
INSTALLATIONS = ("base", *sorted(f"overlays/{p.name}" for p in (MANIFESTS / "overlays").iterdir()))
ONCE_A_CLUSTER = ("roles", "policies")
COMPONENTS = tuple(sorted(p.name for p in (MANIFESTS / "components").iterdir()))
CHECKED = ("apply", "--server-side", "--validate=strict", "--warnings-as-errors")


@pytest.fixture(scope="module")
def restricted(control_plane: ControlPlane) -> Iterator[str]:
    """Return the namespace that the manifests name, at PodSecurity's strictest level."""
    metadata = {"name": NAMESPACE, "labels": RESTRICTED_LABELS}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    control_plane.api.request("POST", "/api/v1/namespaces", body)
    yield NAMESPACE
    control_plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.mark.parametrize("folder", [*INSTALLATIONS, *ONCE_A_CLUSTER])
def test_a_dry_run_of_the_server_finds_nothing(
    control_plane: ControlPlane, restricted: str, folder: str
) -> None:
    said = control_plane.kubectl(*CHECKED, "--dry-run=server", "-k", str(MANIFESTS / folder))
    assert said.strip()


def test_all_components_go_together_in_a_namespace_of_another_name(
    control_plane: ControlPlane, restricted: str, tmp_path: Path
) -> None:
    items = _render_all(control_plane, "default", tmp_path)
    assert {o["metadata"].get("namespace", "default") for o in items} == {"default"}
    subjects = [s for o in items for s in o.get("subjects", [])]
    assert {s["namespace"] for s in subjects} == {"default"}
    text = yaml.safe_dump_all(items)
    control_plane.kubectl(*CHECKED, "--dry-run=server", "-f", "-", stdin=text)


def _render_all(control_plane: ControlPlane, namespace: str, folder: Path) -> list[Object]:
    kustomization = {
        "namespace": namespace,
        "resources": [os.path.relpath(MANIFESTS / "base", folder)],
        "components": [os.path.relpath(MANIFESTS / "components" / c, folder) for c in COMPONENTS],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return list(yaml.safe_load_all(control_plane.kubectl("kustomize", str(folder))))


def test_high_availability_is_two_replicas_that_a_drain_leaves_one_of(
    control_plane: ControlPlane,
) -> None:
    folder = str(MANIFESTS / "overlays" / "cluster-wide-high-availability")
    items = {o["kind"]: o for o in yaml.safe_load_all(control_plane.kubectl("kustomize", folder))}
    deployment = items["Deployment"]["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }
    assert "--all-namespaces" in deployment["template"]["spec"]["containers"][0]["args"]
    labels = deployment["template"]["metadata"]["labels"]
    budget = items["PodDisruptionBudget"]["spec"]
    assert budget["minAvailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()


def test_the_base_is_applied_as_it_stands(control_plane: ControlPlane, restricted: str) -> None:
    control_plane.kubectl(*CHECKED, "--kustomize", str(MANIFESTS / "base"))
    account = f"system:serviceaccount:{NAMESPACE}:botcripto-operator"
    may = ("auth", "can-i", "create", "jobs.batch", f"--namespace={NAMESPACE}", f"--as={account}")
    assert control_plane.kubectl(*may).strip() == "yes"
    found = control_plane.kubectl("get", "deployments", f"--namespace={NAMESPACE}", "-o", "name")
    assert found.split() == ["deployment.apps/botcripto-operator"]


def test_the_clusters_own_view_and_edit_roles_reach_bots(
    control_plane: ControlPlane, namespace: str
) -> None:
    kubectl, api = control_plane.kubectl, control_plane.api
    kubectl("apply", "--server-side", "--kustomize", str(MANIFESTS / "roles"))
    for role in ("view", "edit"):
        binding = ("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er")
        kubectl(*binding, f"--namespace={namespace}")

    def may(user: str, verb: str, resource: str) -> bool:
        plural, _, part = resource.partition("/")
        asked = {"namespace": namespace, "verb": verb, "group": "botcripto.io", "resource": plural}
        spec = {"user": user, "resourceAttributes": {**asked, "subresource": part}}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(api.request("POST", path, {"spec": spec})["status"]["allowed"])

    for resource in ("tradingbots", "modeltrainings"):
        eventually(partial(may, "viewer", "watch", resource))
        eventually(partial(may, "editer", "delete", resource))
        assert not may("viewer", "create", resource)
        assert may("editer", "get", resource)
        assert not may("editer", "patch", f"{resource}/status")


def test_an_operator_of_one_namespace_has_no_rights_elsewhere(
    control_plane: ControlPlane, namespace: str, restricted: str
) -> None:
    items = list(yaml.safe_load_all(control_plane.kubectl("kustomize", str(MANIFESTS / "base"))))
    kinds = {o["kind"] for o in items}
    assert kinds == {"ServiceAccount", "Role", "RoleBinding", "Deployment", "Service"}
    account = f"system:serviceaccount:{NAMESPACE}:botcripto-operator"
    may = ("auth", "can-i", "--list", f"--namespace={namespace}", f"--as={account}")
    listed = control_plane.kubectl(*may)
    assert "botcripto.io" not in listed
    assert "secrets" not in listed
