import pytest

from bot_runtime.contract.intervals import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m", 60), ("15m", 900), ("1h", 3600), ("36h", 129_600), ("1d", 86_400), ("2w", 1_209_600)],
)
def test_seconds_of_a_duration(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "m", "0d", "-5d", "5s", "1.5h", "5d ", "5d\n", "100000d"]
)
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="duration: found") as refused:
        seconds_of(text)
    assert repr(text) in str(refused.value)
