"""Images built from two commits give two different, matching git_commit values in two signals."""

from collections.abc import Callable

from tests.cluster.install import Images
from tests.e2e.world import World
from tests.eventually import eventually

OTHER_COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_signal_names_the_commit_that_its_image_was_built_from(
    world: World, build_images: Callable[[str], Images], commit: str
) -> None:
    bot = "provenance"
    world.apply(world.bot(bot))
    world.wait(bot, "Ready", 300)
    assert world.status(bot)["lastSignal"]["git_commit"] == commit

    other = build_images(OTHER_COMMIT)
    assert other.inference != world.images.inference
    world.apply(world.bot(bot, images={"inference": other.inference}))
    eventually(lambda: world.status(bot)["lastSignal"]["git_commit"] == OTHER_COMMIT, timeout=200)
    model = world.status(bot)["activeModel"]
    assert model["gitCommit"] == commit, "the model was trained by the first image"
    assert len(world.all("modeltrainings", f"botcripto.io/bot={bot}")) == 1
    world.delete("tradingbot", bot)
