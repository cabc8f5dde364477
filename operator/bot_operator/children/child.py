"""What all children have in common: labels, owner reference, digest of what was asked for."""

from typing import Any

from bot_operator.api.resources import Manifest, Resource, name_of, namespace_of, uid_of
from bot_runtime.contract import names
from bot_runtime.contract.digests import digest_of, to_canonical_json
from bot_runtime.contract.runconfig import RunConfiguration


def build_labels(component: str, **particular: str | None) -> dict[str, str]:
    """Return the labels of a child: `bot`, `training`, `step`, `store` where they are given."""
    known = {
        "bot": names.LABEL_BOT,
        "training": names.LABEL_TRAINING,
        "step": names.LABEL_STEP,
        "store": names.LABEL_STORE,
    }
    return {
        names.LABEL_NAME: names.APP_NAME,
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
        names.LABEL_COMPONENT: component,
        **{known[key]: value for key, value in particular.items() if value},
    }


def build_owner_reference(owner: Manifest) -> Manifest:
    """Return the controller reference to `owner`.

    Without blockOwnerDeletion: that would need rights on the owner's finalizers.
    """
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
    }


def build_child(  # noqa: PLR0913 - the parts of one manifest
    resource: Resource,
    name: str,
    owner: Manifest,
    labels: dict[str, str],
    content: dict[str, Any],
    *,
    owned: bool = True,
) -> Manifest:
    """Return a child of `owner` with `content` (spec, or data) and its digest."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name,
            "namespace": namespace_of(owner),
            "labels": labels,
            "annotations": {
                names.ANNOTATION_SPEC_DIGEST: digest_of(content),
                names.ANNOTATION_OWNER_UID: uid_of(owner),
            },
            "ownerReferences": [build_owner_reference(owner)] if owned else [],
        },
        **content,
    }


def is_made_for(child: Manifest, owner: Manifest) -> bool:
    """Tell whether a child was made for this very owner, not for an earlier one of its name."""
    annotations = child["metadata"].get("annotations") or {}
    return bool(annotations.get(names.ANNOTATION_OWNER_UID) == uid_of(owner))


def build_run_data(configuration: RunConfiguration) -> dict[str, Any]:
    """Return the content of the immutable ConfigMap of a run configuration."""
    text = to_canonical_json(configuration.to_json())
    return {"immutable": True, "data": {names.CONFIG_FILE: text}}
