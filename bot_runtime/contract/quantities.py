"""Kubernetes quantities: amounts of CPU, memory and the like, such as `500m`, `2` or `4Gi`."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from bot_runtime.contract.rules import Rule

_QUANTITY: Final = re.compile(
    r"(?P<number>[0-9]+(\.[0-9]*)?|\.[0-9]+)"
    r"(?P<suffix>n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][-+]?[0-9]{1,2})?"
)
_DECIMAL: Final = {s: Decimal(10) ** (3 * i) for i, s in enumerate("num kMGTPE", -3) if s != " "}
_BINARY: Final = {f"{s}i": Decimal(1024) ** i for i, s in enumerate("KMGTPE", 1)}


def quantity_value(text: str) -> Decimal:
    """Return the value of a quantity: cores, bytes or a count.

    >>> quantity_value("250m"), quantity_value("2Ki")
    (Decimal('0.250'), Decimal('2048'))

    Raises ValueError that names the text where it is not one.
    """
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(f"quantity: found {text!r}; write a number and a unit: 500m, 2, 4Gi")
    number, suffix = Decimal(found["number"]), found["suffix"] or ""
    if suffix[:1] in {"e", "E"} and len(suffix) > 1 and suffix != "Ei":
        return number.scaleb(int(suffix[1:]))
    return number * {"": Decimal(1), **_DECIMAL, **_BINARY}[suffix]


def _to_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_to_text),  # `cpu: 1` is a number in YAML
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "maxLength": 32,
        }
    ),
    Rule(
        "isQuantity(string(self)) && !string(self).startsWith('-')",
        "is not a quantity: write a number and a unit, such as 500m or 2 (cpu), 4Gi (memory)",
        lambda text: _QUANTITY.fullmatch(text) is not None,
    ),
]
"""Amount of one resource; a whole number may be written without quotes."""

_NAMES: Final = ("cpu", "memory", "ephemeral-storage")

Quantities = Annotated[
    dict[Annotated[str, Field(max_length=63)], Quantity],
    Field(max_length=8),
    Rule(
        f"self.all(k, k in {list(_NAMES)} || k.contains('/'))",
        "names no resource of a container: write cpu, memory, ephemeral-storage, or a qualified "
        "name such as nvidia.com/gpu",
        lambda amounts: all(name in _NAMES or "/" in name for name in amounts),
    ),
]
"""Amounts by the name of the resource."""
