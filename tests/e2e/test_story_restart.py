"""The operator killed in the middle of a training converges, and creates no Job twice."""

from tests.e2e.world import Object, World
from tests.eventually import eventually

STEPS = ("data", "trend", "return", "risk", "evaluation")


def test_an_operator_killed_while_training_converges_with_five_jobs(world: World) -> None:
    bot = "restarted"
    world.apply(world.bot(bot))
    training = eventually(
        lambda: world.status(bot).get("candidateTraining", {}).get("name"), timeout=60
    )
    eventually(lambda: _finished(world, f"{training}-data"), timeout=120)
    world.stop_operator()
    # What has ended while nobody looked may even be deleted: it is not run again.
    world.delete("job", f"{training}-data")
    eventually(
        lambda: all(_finished(world, str(j["metadata"]["name"])) for j in _jobs(world, training)),
        timeout=180,
    )
    world.start_operator()
    world.wait(bot, "ModelAvailable", 300)
    world.wait(bot, "InferenceScheduled", 60)
    creations = world.job_creations(training)
    assert sorted(creations) == sorted(f"{training}-{step}" for step in STEPS)
    world.delete("tradingbot", bot)


def _jobs(world: World, training: str) -> list[Object]:
    return world.all("jobs", f"botcripto.io/training={training}")


def _finished(world: World, job: str) -> bool:
    found = world.get("job", job)
    if found is None:
        return False
    conditions = found.get("status", {}).get("conditions", [])
    return any(c["type"] in {"Complete", "Failed"} and c["status"] == "True" for c in conditions)
