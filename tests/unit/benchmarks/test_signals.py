"""How long a signal took is told honestly, also of one that never came."""

from typing import Any

from benchmarks.fleet import BOTS
from benchmarks.signals import Signals


def bot(uid: str | None) -> dict[str, Any]:
    return {"status": {} if uid is None else {"lastSignal": {"producedBy": uid}}}


def test_a_signal_that_never_came_is_infinitely_late() -> None:
    seen = Signals()
    seen.sent = {"a": 0.0, "b": 0.0, "c": 0.0}
    seen.deleted = {"c"}
    assert not seen.see("MODIFIED", bot("a"))
    assert not seen.see("ADDED", bot(None))
    first, second = seen.delays(deleted=False)
    assert 0 < first < second == float("inf")
    assert seen.delays(deleted=True) == [float("inf")]


def test_the_first_sight_of_a_signal_counts_and_all_of_them_end_the_watch() -> None:
    seen = Signals()
    seen.sent = {str(number): 0.0 for number in range(BOTS)}
    for number in range(BOTS - 1):
        assert not seen.see("MODIFIED", bot(str(number)))
    before = seen.delays(deleted=False)[0]
    assert not seen.see("MODIFIED", bot("0"))
    assert seen.delays(deleted=False)[0] == before
    assert seen.see("MODIFIED", bot(str(BOTS - 1)))
