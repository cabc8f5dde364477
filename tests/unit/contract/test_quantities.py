from decimal import Decimal

import pytest

from bot_runtime.contract.podspec import ResourcesSpec
from bot_runtime.contract.quantities import quantity_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        ("0.1", "0.1"),
        (".5", "0.5"),
        ("1k", "1000"),
        ("3M", "3000000"),
        ("4Gi", str(4 * 2**30)),
        ("1.5Ki", "1536"),
        ("2E", "2e18"),
        ("1Ei", str(2**60)),
        ("1e9", "1e9"),
        ("12E-1", "1.2"),
        ("100n", "1e-7"),
    ],
)
def test_the_value_of_a_quantity(text: str, value: str) -> None:
    assert quantity_value(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "Gi", "-1", "1 Gi", "1GB", "1ki", "0x1", "1e"])
def test_what_is_no_quantity_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="quantity: found"):
        quantity_value(text)


def test_a_whole_number_may_be_written_without_quotes() -> None:
    assert ResourcesSpec.model_validate({"limits": {"cpu": 2}}).limits == {"cpu": "2"}


def test_a_truth_value_is_no_quantity() -> None:
    with pytest.raises(ValueError, match="limits"):
        ResourcesSpec.model_validate({"limits": {"cpu": True}})
