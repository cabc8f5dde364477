"""What a report has computed for it: the importance of each feature."""

from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.report.findings import permutation_importance
from bot_runtime.serving.version import load_version
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.learning import training_data
from tests.unit.bot_runtime.markets import COMBINATION, bot_spec, publish_version


def test_importance_is_that_of_the_learned_forecasts_whatever_they_are_mixed_with(
    store: Store,
) -> None:
    data = training_data(3000)
    alone, mixed = (
        load_version(store, publish_version(store, bot_spec(), slope=200.0, combination=mixed))
        for mixed in (None, COMBINATION)
    )
    found = permutation_importance(mixed, data, data.splits.test)
    assert found == permutation_importance(alone, data, data.splits.test)
    changed = {o: [name for name, growth in found[o].items() if growth] for o in OBJECTIVES}
    assert changed == {"Trend": ["return_1"], "Return": [], "Risk": []}, "its graph reads no other"
