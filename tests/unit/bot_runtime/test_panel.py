"""Features of several symbols: of the others at the same close, whatever one of them misses."""

import numpy as np

from bot_runtime.features.indicators import FEATURES, WARM_UP, compute_features
from bot_runtime.features.panel import CROSS_FEATURES, compute_panel, feature_names
from tests.unit.bot_runtime.markets import random_candles, without

NAMES = feature_names(3)
WHOLE = {name: random_candles(200, seed) for seed, name in enumerate(("A", "B", "C"))}


def own(symbol: str, name: str) -> np.ndarray:
    return compute_features(WHOLE[symbol])[:, FEATURES.index(name)]


def crossed(panel: dict[str, np.ndarray], symbol: str, name: str) -> np.ndarray:
    return panel[symbol][:, NAMES.index(name)]


def test_one_symbol_has_no_market_beside_it() -> None:
    assert feature_names(1) == FEATURES
    panel = compute_panel({"A": WHOLE["A"]}, FEATURES)
    assert np.array_equal(panel["A"], compute_features(WHOLE["A"]), equal_nan=True)


def test_market_is_the_mean_of_the_others() -> None:
    panel = compute_panel(WHOLE, NAMES)
    for name in ("return_1", "return_5", "return_20", "volatility_20"):
        expected = (own("B", name) + own("C", name)) / 2
        found = crossed(panel, "A", f"market_{name}")
        assert np.allclose(found, expected, rtol=0, atol=1e-12, equal_nan=True)
    expected = own("A", "return_20") - (own("B", "return_20") + own("C", "return_20")) / 2
    found = crossed(panel, "A", "relative_return_20")
    assert np.allclose(found, expected, rtol=0, atol=1e-12, equal_nan=True)
    assert panel["A"].shape == (200, len(FEATURES) + len(CROSS_FEATURES))


def test_symbol_with_a_hole_leaves_the_market_until_its_window_is_whole() -> None:
    panel = compute_panel(WHOLE | {"C": without(WHOLE["C"], 100)}, NAMES)
    found = crossed(panel, "A", "market_return_5")
    alone, both = own("B", "return_5"), (own("B", "return_5") + own("C", "return_5")) / 2
    for row in range(WARM_UP, 200):
        expected = alone if 100 <= row <= 100 + WARM_UP else both
        assert abs(found[row] - expected[row]) < 1e-12, row
    assert np.isfinite(panel["A"][WARM_UP:]).all()
    assert np.isnan(panel["C"][100 : 100 + WARM_UP]).all()


def test_symbol_whose_others_are_not_delivered_stands_for_the_market() -> None:
    panel = compute_panel({"A": WHOLE["A"]}, NAMES)
    assert np.array_equal(crossed(panel, "A", "market_return_5"), own("A", "return_5"), True)
    assert (crossed(panel, "A", "relative_return_20")[WARM_UP:] == 0).all()


def test_order_of_the_symbols_does_not_matter() -> None:
    there, back = compute_panel(WHOLE, NAMES), compute_panel(dict(reversed(WHOLE.items())), NAMES)
    for name in WHOLE:
        assert np.allclose(there[name], back[name], rtol=0, atol=1e-12, equal_nan=True)


def test_short_window_gives_what_the_whole_history_gives() -> None:
    whole = compute_panel(WHOLE, NAMES)
    window = compute_panel({name: part[100:180] for name, part in WHOLE.items()}, NAMES)
    for name in WHOLE:
        found, expected = window[name][WARM_UP:], whole[name][100 + WARM_UP : 180]
        assert np.allclose(found, expected, rtol=0, atol=1e-9)
