"""What the author of a resource may choose of its pods: their size and their place."""

import re
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from bot_runtime.contract.base import Model, ObjectName
from bot_runtime.contract.quantities import Quantities, quantity_value
from bot_runtime.contract.rules import Rule, matches


def _requests_within_limits(resources: "ResourcesSpec") -> bool:
    return all(
        quantity_value(amount) <= quantity_value(resources.limits[name])
        for name, amount in resources.requests.items()
        if name in resources.limits
    )


class ResourcesSpec(Model):
    """Compute resources of a pod, as Kubernetes spells them; written, they replace the default."""

    # Atomic: server-side apply would merge the user's amounts with the default ones.
    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})
    RULES = (
        Rule(
            "!has(self.requests) || !has(self.limits) || self.requests.all(k, "
            "!(k in self.limits) || !isQuantity(string(self.requests[k])) || "
            "!isQuantity(string(self.limits[k])) || quantity(string(self.requests[k]))"
            ".compareTo(quantity(string(self.limits[k]))) <= 0)",
            "a request is above its limit: lower the request or raise the limit",
            _requests_within_limits,
            field=".requests",
        ),
    )

    requests: Quantities = Field(
        default_factory=dict,
        description="Reserved for it: cpu in cores (500m, 2), memory in bytes (1Gi).",
    )
    limits: Quantities = Field(
        default_factory=dict,
        description="The most it may use: cpu in cores (500m, 2), memory in bytes (4Gi).",
    )


LabelValue = Annotated[
    str,
    Field(max_length=63),
    matches(
        "([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?",
        "is not the value of a label: write at most 63 of A-Z, a-z, 0-9, -, _ and ., with a "
        "letter or digit at both ends",
    ),
]


class TolerationSpec(Model):
    """A taint that the pods tolerate."""

    RULES = (
        Rule(
            "self.operator == 'Equal' || !has(self.value)",
            "operator Exists takes no value: remove value, or write operator: Equal",
            lambda self: self.operator == "Equal" or self.value is None,
            field=".value",
        ),
        Rule(
            "has(self.key) || self.operator == 'Exists'",
            "without a key the operator must be Exists: add key, or write operator: Exists",
            lambda self: self.key is not None or self.operator == "Exists",
            field=".operator",
        ),
    )

    key: str | None = Field(
        default=None, max_length=316, description="Key of the taint; unset tolerates all keys."
    )
    operator: Literal["Exists", "Equal"] = Field(
        default="Equal",
        description="How they are compared: Equal asks for this value, Exists for any.",
    )
    value: LabelValue | None = Field(
        default=None, description="Value of the taint, with operator Equal."
    )
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; unset tolerates all effects."
    )


_RESERVED_LABEL = r"([a-z0-9-]+\.)*(kubernetes\.io|k8s\.io|argoproj\.io|botcripto\.io)/.*"
_DNS_LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_LABEL_NAME = "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_LABEL_KEY = rf"{_DNS_LABEL}(\.{_DNS_LABEL})*/{_LABEL_NAME}"
_LABEL_KEY_MAX = 128


def _may_be_label(key: str) -> bool:
    return (
        len(key) <= _LABEL_KEY_MAX
        and re.fullmatch(_LABEL_KEY, key) is not None
        and re.fullmatch(_RESERVED_LABEL, key) is None
    )


PodLabels = Annotated[
    dict[str, LabelValue],
    Field(max_length=8),
    Rule(
        f"self.all(k, k.size() <= {_LABEL_KEY_MAX} && k.matches(r'^{_LABEL_KEY}$') && "
        f"!k.matches(r'^{_RESERVED_LABEL}$'))",
        "a label needs a prefix of your own, such as example.com/team: by plain ones and those of "
        "kubernetes.io, argoproj.io and botcripto.io others select pods",
        lambda labels: all(map(_may_be_label, labels)),
    ),
]
"""Labels that mean nothing to the Services, NetworkPolicies and tools that others have."""


ProxyAddress = Annotated[
    str,
    Field(max_length=253),
    matches(
        r"https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}",
        "is not a proxy: write http://host:port, without a user, a password or a path",
    ),
]
ProxyException = Annotated[
    str,
    Field(max_length=253),
    matches(
        r"[A-Za-z0-9.:/-]+",
        "is not a host, a domain or a network: write such as .example.com or 10.0.0.0/8",
    ),
]


class PodSpec(Model):
    """What a bot's author may choose of the pods; all else is fixed by the operator."""

    labels: PodLabels = Field(
        default_factory=dict,
        description="Labels of the pods, each with a prefix of your own: example.com/team.",
    )
    node_selector: dict[str, LabelValue] = Field(
        default_factory=dict,
        max_length=16,
        description="Labels that a node must have to take the pods.",
    )
    tolerations: tuple[TolerationSpec, ...] = Field(
        default=(),
        max_length=16,
        description="Taints of nodes that the pods tolerate.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    priority_class_name: (
        Annotated[
            ObjectName,
            Rule(
                "!self.startsWith('system-')",
                "is for the cluster's own pods: name a priority class of yours",
                lambda name: not name.startswith("system-"),
                quotes=True,
            ),
        ]
        | None
    ) = Field(default=None, description="Name of the PriorityClass of the pods.")
    proxy: ProxyAddress | None = Field(
        default=None,
        description="Proxy on the way to the exchange: http://host:port.",
    )
    no_proxy: tuple[ProxyException, ...] = Field(
        default=(),
        max_length=16,
        description="Hosts, domains and networks that are reached without the proxy.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    ca_config_map: ObjectName | None = Field(
        default=None,
        description=(
            "Name of a ConfigMap with the certificates (PEM, key ca.crt) that the exchange and the "
            "proxy are checked with, in place of the public ones."
        ),
    )
    image_pull_secrets: tuple[ObjectName, ...] = Field(
        default=(),
        max_length=4,
        description="Names of image pull secrets in the namespace.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


TRAINING_RESOURCES = ResourcesSpec(
    requests={"cpu": "250m", "memory": "1Gi"}, limits={"cpu": "1", "memory": "4Gi"}
)
INFERENCE_RESOURCES = ResourcesSpec(
    requests={"cpu": "50m", "memory": "256Mi"}, limits={"cpu": "1", "memory": "512Mi"}
)
