from typing import Any

import pytest

from tests.kstatus import kstatus


def _object(generation: int, observed: int | None, **conditions: str) -> dict[str, Any]:
    status: dict[str, Any] = {
        "conditions": [{"type": t, "status": s} for t, s in conditions.items()]
    }
    if observed is not None:
        status["observedGeneration"] = observed
    return {"metadata": {"generation": generation}, "status": status}


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ({"metadata": {"generation": 1}}, "Current"),
        (_object(1, -1), "InProgress"),
        (_object(2, 1, Ready="True"), "InProgress"),
        (_object(1, 1, Ready="True", Reconciling="True"), "InProgress"),
        (_object(1, 1, Ready="True", Stalled="True"), "Failed"),
        (_object(1, 1, Ready="False", Stalled="False", Reconciling="False"), "InProgress"),
        (_object(1, 1, Ready="Unknown"), "InProgress"),
        (_object(1, 1, Ready="True", Stalled="False", Reconciling="False"), "Current"),
        (
            {"metadata": {"generation": 1, "deletionTimestamp": "2026-01-01T00:00:00Z"}},
            "Terminating",
        ),
    ],
)
def test_the_rules_in_their_order(manifest: dict[str, Any], expected: str) -> None:
    assert kstatus(manifest) == expected
