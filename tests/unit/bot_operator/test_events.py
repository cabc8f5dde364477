"""Events about one owner: the same words are counted, and a storm is cut short."""

from datetime import timedelta
from typing import Any

from bot_operator.api.errors import Forbidden
from bot_operator.api.resources import EVENTS, Manifest, to_time
from bot_operator.applying.events import BURST, REFILL_SECONDS, Teller
from bot_operator.planning.plans import Note
from bot_runtime.contract.conditions import Reason
from tests.unit.bot_operator.fakes import FakeKube
from tests.unit.bot_operator.world import NAMESPACE, START, World

OWNER: Manifest = {
    "apiVersion": "botcripto.io/v1alpha1",
    "kind": "TradingBot",
    "metadata": {"name": "b", "namespace": NAMESPACE, "uid": "u1"},
}


def note(message: str = "decides on schedule") -> Note:
    return Note("Normal", Reason.BOT_READY, message)


async def test_the_same_words_are_one_event_that_is_counted_across_restarts() -> None:
    kube = FakeKube(lambda: "")
    await Teller(kube).tell(OWNER, note(), START)
    later = START + timedelta(minutes=5)
    for _ in range(2):
        await Teller(kube).tell(OWNER, note(), later)
    (event,) = kube.all(EVENTS)
    assert (event["count"], event["firstTimestamp"]) == (3, to_time(START))
    assert event["lastTimestamp"] == to_time(later)
    await Teller(kube).tell(OWNER, note("something else"), later)
    other = {**OWNER, "metadata": {**OWNER["metadata"], "uid": "u2"}}
    await Teller(kube).tell(other, note(), later)
    assert len(kube.all(EVENTS)) == 3


async def test_a_storm_about_one_owner_is_cut_short_and_begins_no_other() -> None:
    kube = FakeKube(lambda: "")
    teller = Teller(kube)
    for n in range(BURST + 10):
        await teller.tell(OWNER, note(f"message {n}"), START)
    assert len(kube.all(EVENTS)) == BURST
    other = {**OWNER, "metadata": {**OWNER["metadata"], "uid": "u2"}}
    await teller.tell(other, note(), START)
    assert len(kube.all(EVENTS)) == BURST + 1
    for _ in range(2):
        await teller.tell(OWNER, note("later"), START + timedelta(seconds=REFILL_SECONDS))
    assert len(kube.all(EVENTS)) == BURST + 2
    assert {e.get("count") for e in kube.all(EVENTS)} == {1}


async def test_an_event_that_is_refused_stops_nothing() -> None:
    class Refusing(FakeKube):
        async def create(self, *_: Any) -> Manifest:
            raise Forbidden(403, "", "no")

    await Teller(Refusing(lambda: "")).tell(OWNER, note(), START)


async def test_a_bot_that_is_suspended_again_and_again_has_one_event_of_it() -> None:
    world = World()
    world.add_bot()
    for suspended in (True, False, True, False, True):
        world.change_bot(suspend=suspended)
        await world.settle()
    told = [e for e in world.kube.all(EVENTS) if e["reason"] == "Suspended"]
    assert [e["count"] for e in told] == [3]
