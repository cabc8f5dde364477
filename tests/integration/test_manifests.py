"""The manifests as README says to apply them."""

from pathlib import Path

from tests.integration.stage import ControlPlane

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "botcripto"


def test_the_base_is_applied_as_it_stands(control_plane: ControlPlane) -> None:
    control_plane.kubectl("create", "namespace", NAMESPACE)
    base = str(ROOT / "manifests" / "base")
    control_plane.kubectl("apply", "--server-side", "--validate=strict", "--kustomize", base)
    account = f"system:serviceaccount:{NAMESPACE}:botcripto-operator"
    may = ("auth", "can-i", "create", "jobs.batch", f"--namespace={NAMESPACE}", f"--as={account}")
    assert control_plane.kubectl(*may).strip() == "yes"
    found = control_plane.kubectl("get", "deployments", f"--namespace={NAMESPACE}", "-o", "name")
    assert found.split() == ["deployment.apps/botcripto-operator"]
    control_plane.kubectl("delete", "namespace", NAMESPACE, "--wait=false")
