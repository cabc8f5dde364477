"""Whose store it is: another bot's is refused by its name, before anything is written."""

import pytest

from bot_runtime.process.errors import ConfigurationError
from bot_runtime.store.layout import Store
from bot_runtime.store.ownership import check_owner
from bot_runtime.store.promotion import Promotion, promote

OWN = "btc-paper-0a1b2c3d"
OTHER = "eth-paper-0a1b2c3d"


def _hold(store: Store, *trainings: str, promoted: str | None = None) -> None:
    for name in trainings:
        store.training(name).mkdir(parents=True)
    if promoted is not None:
        promote(store, Promotion(version=promoted))


@pytest.mark.parametrize(
    ("trainings", "promoted"),
    [
        ((), None),
        ((OWN,), None),
        ((OWN, OTHER), None),
        ((OTHER, f"{OWN}-2"), f"{OWN}-2-01234567"),
        (("nightly",), "nightly-01234567"),
    ],
)
def test_a_store_of_ones_own_or_of_nobody_is_taken(
    store: Store, trainings: tuple[str, ...], promoted: str | None
) -> None:
    _hold(store, *trainings, promoted=promoted)
    check_owner(store, "btc-paper")


@pytest.mark.parametrize(
    ("trainings", "promoted"),
    [
        ((OTHER,), None),
        ((OTHER, OWN), f"{OTHER}-01234567"),
        ((), f"{OTHER}-3-01234567"),
        (("nightly", OTHER), None),
    ],
)
def test_another_bots_store_is_refused_by_its_name(
    store: Store, trainings: tuple[str, ...], promoted: str | None
) -> None:
    _hold(store, *trainings, promoted=promoted)
    with pytest.raises(ConfigurationError, match="belongs to the bot eth-paper; run btc-paper"):
        check_owner(store, "btc-paper")
