"""The kinds of objects that the operator reads and writes, and accessors to manifests."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot_runtime.contract import names

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object, and where the API server keeps it."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """Group and version as manifests spell them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, subresource: str = "") -> str:
        """Return the URL path of the collection, or of one object or its subresource."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        tail = f"/{name}" if name else ""
        return f"{root}{scope}/{self.plural}{tail}" + (f"/{subresource}" if subresource else "")


TRADING_BOTS = Resource(
    names.GROUP, names.VERSION, names.TRADING_BOT_PLURAL, names.TRADING_BOT_KIND
)
MODEL_TRAININGS = Resource(
    names.GROUP, names.VERSION, names.MODEL_TRAINING_PLURAL, names.MODEL_TRAINING_KIND
)
JOBS = Resource("batch", "v1", "jobs", "Job")
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob")
PODS = Resource("", "v1", "pods", "Pod")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
EVENTS = Resource("", "v1", "events", "Event")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")

OWNERS = (TRADING_BOTS, MODEL_TRAININGS)
"""Kinds that are reconciled."""
CHILDREN = (JOBS, CRON_JOBS, PODS, CLAIMS, CONFIG_MAPS)
"""Kinds that are watched because the operator, or a controller on its behalf, makes them."""

_BY_KIND = {
    (r.api_version, r.kind): r for r in (*OWNERS, *CHILDREN, SECRETS, EVENTS, LEASES, NAMESPACES)
}


@dataclass(frozen=True, slots=True)
class Ref:
    """One object; with a uid it is that very object and no other of the same name."""

    resource: Resource
    namespace: str
    name: str
    uid: str | None = None


def resource_of(manifest: Manifest) -> Resource:
    """Return the kind of a manifest."""
    return _BY_KIND[(manifest["apiVersion"], manifest["kind"])]


def ref_of(manifest: Manifest) -> Ref:
    """Return the reference of a manifest."""
    return Ref(
        resource_of(manifest), namespace_of(manifest), name_of(manifest), uid_of(manifest) or None
    )


def name_of(manifest: Manifest) -> str:
    """Return metadata.name."""
    return str(manifest["metadata"]["name"])


def namespace_of(manifest: Manifest) -> str:
    """Return metadata.namespace."""
    return str(manifest["metadata"]["namespace"])


def uid_of(manifest: Manifest) -> str:
    """Return metadata.uid, empty on an object that was never stored."""
    return str(manifest["metadata"].get("uid", ""))


def generation_of(manifest: Manifest) -> int:
    """Return metadata.generation."""
    return int(manifest["metadata"].get("generation", 0))


def labels_of(manifest: Manifest) -> dict[str, str]:
    """Return metadata.labels."""
    return manifest["metadata"].get("labels") or {}


def annotations_of(manifest: Manifest) -> dict[str, str]:
    """Return metadata.annotations."""
    return manifest["metadata"].get("annotations") or {}


def is_deleting(manifest: Manifest) -> bool:
    """Tell whether the object is being deleted."""
    return "deletionTimestamp" in manifest["metadata"]


def controller_uid(manifest: Manifest) -> str | None:
    """Return the uid of the object's controller, None without one."""
    for owner in manifest["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["uid"])
    return None


def condition_of(manifest: Manifest, kind: str) -> Manifest | None:
    """Return the object's condition of type `kind`, None where it has none."""
    for condition in manifest.get("status", {}).get("conditions") or ():
        if condition.get("type") == kind:
            found: Manifest = condition
            return found
    return None


def is_true(manifest: Manifest, kind: str) -> bool:
    """Tell whether the object's condition of type `kind` is True."""
    condition = condition_of(manifest, kind)
    return condition is not None and condition.get("status") == "True"


def container_statuses(pod: Manifest) -> list[Manifest]:
    """Return the statuses of the init containers and containers, in that order."""
    status = pod.get("status", {})
    return [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]


def to_time(at: datetime) -> str:
    """Return `at` (aware) as RFC 3339 in UTC with whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_time(text: str) -> datetime:
    """Return the aware UTC time of an RFC 3339 text; ValueError where it is none."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
