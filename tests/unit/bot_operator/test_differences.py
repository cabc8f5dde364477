"""What counts as a difference between desired and observed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot_operator.applying.differences import is_current, merging, to_quantity
from tests.unit.bot_operator.fakes import merged_patch


def manifest(spec: dict[str, Any], digest: str = "d1") -> dict[str, Any]:
    annotations = {"botcripto.io/spec-digest": digest}
    return {"metadata": {"name": "a", "annotations": annotations}, "spec": spec}


@pytest.mark.parametrize(
    ("desired", "observed", "expected"),
    [
        ({"a": 1}, {"a": 1, "defaulted": True}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"list": [{"x": 1}]}, {"list": [{"x": 1, "y": 2}]}, True),
        ({"list": [1, 2]}, {"list": [1]}, False),
        ({"list": []}, {}, True),
        ({"list": []}, {"list": [1]}, False),
        ({"map": {}}, {}, True),
        ({"suspend": False}, {}, False),
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, True),
        ({"limits": {"cpu": 1}}, {"limits": {"cpu": "1"}}, True),
        ({"limits": {"memory": "0.5Gi"}}, {"limits": {"memory": "512Mi"}}, True),
        ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1G"}}, False),
        ({"name": "1000m"}, {"name": "1"}, False),
    ],
)
def test_only_what_is_desired_and_differs_counts(
    desired: dict[str, Any],
    observed: dict[str, Any],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_current(manifest(desired), manifest(observed)) is expected


def test_a_field_that_is_no_longer_desired_shows_in_the_digest() -> None:
    assert not is_current(manifest({"a": 1}, "d2"), manifest({"a": 1, "b": 2}, "d1"))
    assert not is_current(manifest({}), None)


def test_quantities_are_numbers() -> None:
    assert to_quantity("250m") == to_quantity("0.25")
    assert to_quantity("1e3") == to_quantity("1k")
    assert to_quantity("lots") is None


JSON = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECT = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@given(OBJECT, OBJECT)
def test_a_merge_patch_makes_exactly_what_is_wanted_and_is_empty_where_it_stands(
    before: dict[str, Any], wanted: dict[str, Any]
) -> None:
    patch = merging(before, wanted)
    assert merged_patch(before, patch) == wanted
    assert (patch == {}) == (before == wanted)
