"""What tools that follow kstatus (Flux, kpt, Argo CD's health scripts) read from an object.

The rules of sigs.k8s.io/cli-utils/pkg/kstatus (its README, "Statuses" and "Conditions"), in its
order: a deletion, a generation that nobody has looked at, Reconciling, Stalled, and last Ready.
"""

from typing import Any, Literal

Health = Literal["Terminating", "InProgress", "Failed", "Current"]


def kstatus(manifest: dict[str, Any]) -> Health:
    """Return the status that kstatus computes for a custom resource."""
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata["generation"]:
        return "InProgress"
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    if "Ready" in conditions and conditions["Ready"] != "True":
        return "InProgress"
    return "Current"
