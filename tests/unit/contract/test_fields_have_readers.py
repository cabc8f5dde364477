"""Every field of a spec is read by the product: a switch that does nothing is a lie."""

import pytest

from bot_runtime.contract.modeltraining import ModelTrainingSpec
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.unit.contract.readers import attributes_read, fields_of

FIELDS = sorted(fields_of(TradingBotSpec) | fields_of(ModelTrainingSpec))


@pytest.mark.parametrize(("model", "field"), FIELDS, ids=lambda name: name)
def test_a_field_of_a_spec_has_a_reader(model: str, field: str) -> None:
    assert field in attributes_read()
