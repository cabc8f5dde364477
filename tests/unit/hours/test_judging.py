import pytest

from tests.hours.judging import Kept, gaps, unexplained

MINUTE_MS = 60_000
BEGIN_MS = 1_760_000_040_000
CLOSES = [BEGIN_MS + n * MINUTE_MS for n in range(5)]


def done(name: str, minute: float) -> Kept:
    """Return a disturbance of one second, so many minutes after the first close."""
    second = BEGIN_MS / 1000 + minute * 60
    return {"name": name, "from": second, "to": second + 1, "error": ""}


def test_one_candle_and_one_decision_at_every_close_is_as_it_should_be() -> None:
    assert list(gaps(CLOSES, CLOSES)) == []


@pytest.mark.parametrize(
    ("closes", "decided", "what"),
    [
        pytest.param(CLOSES[:2] + CLOSES[3:], CLOSES, "candle", id="no candle"),
        pytest.param(CLOSES, CLOSES[:2] + CLOSES[3:], "decision", id="no decision"),
        pytest.param(CLOSES, [*CLOSES, CLOSES[2]], "decision", id="two decisions"),
        pytest.param(CLOSES, [*CLOSES, CLOSES[-1] + MINUTE_MS], "decision", id="of no candle"),
    ],
)
def test_a_close_without_one_row_of_each_is_told(
    closes: list[int], decided: list[int], what: str
) -> None:
    (told,) = gaps(closes, decided)
    assert told.startswith(f"1 closes have not one {what}")


def test_a_candle_that_is_missed_in_a_disturbance_is_explained_and_another_is_not() -> None:
    missed = [BEGIN_MS + n * MINUTE_MS for n in (5, 10, 12, 20)]
    assert unexplained(missed, [done("killed", 10)]) == [missed[0], missed[3]]


def test_what_is_away_explains_every_candle_until_it_is_back() -> None:
    missed = [BEGIN_MS + n * MINUTE_MS for n in (5, 15, 18, 30)]
    gone = [done("containerd taken away", 5), done("containerd back", 18)]
    assert unexplained(missed, gone) == [missed[3]]
    assert unexplained(missed, [done("killed", 5), gone[1]]) == [missed[1], missed[3]]
