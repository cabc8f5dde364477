import re

import pytest

from bot_runtime.contract import names
from bot_runtime.contract.steps import TRAINING_STEPS

LONGEST_BOT = "b" * names.BOT_NAME_MAX
DIGEST = "0123456789abcdef" * 4
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


@pytest.mark.parametrize("attempt", [1, 2, 99])
def test_the_longest_bot_has_trainings_and_jobs_of_legal_names(attempt: int) -> None:
    training = names.training_name(LONGEST_BOT, DIGEST, attempt)
    assert len(training) <= names.TRAINING_NAME_MAX
    assert DNS_LABEL.fullmatch(training)


@pytest.mark.parametrize("step", TRAINING_STEPS)
def test_the_longest_training_has_jobs_of_legal_names(step: str) -> None:
    job = names.job_name("t" * names.TRAINING_NAME_MAX, step)
    assert len(job) <= 63
    assert DNS_LABEL.fullmatch(job)


def test_the_longest_bot_has_a_cron_job_of_a_legal_name() -> None:
    assert len(names.cron_job_name(LONGEST_BOT)) <= 52


@pytest.mark.parametrize("owner", [LONGEST_BOT, "t" * names.TRAINING_NAME_MAX])
def test_other_children_have_names_that_fit_a_label(owner: str) -> None:
    assert len(names.claim_name(owner)) <= 63
    assert len(names.run_configuration_name(owner, DIGEST)) <= 63 + len("-run-")


def test_names_differ_by_owner_digest_and_attempt() -> None:
    other = "f" * 64
    trainings = {
        names.training_name(bot, digest, attempt)
        for bot in ("a", "b")
        for digest in (DIGEST, other)
        for attempt in (1, 2)
    }
    assert len(trainings) == 8
    assert len({names.job_name("t", step) for step in TRAINING_STEPS}) == 5


@pytest.mark.parametrize("bot", ["b", "btc-paper", "btc-01234567", "btc-01234567-2", LONGEST_BOT])
@pytest.mark.parametrize("attempt", [1, 2, 99])
def test_trainings_and_versions_tell_their_bot(bot: str, attempt: int) -> None:
    training = names.training_name(bot, DIGEST, attempt)
    version = f"{training}-{DIGEST[-8:]}"
    assert names.bot_of_training(training) == bot
    assert names.bot_of_version(version) == bot


@pytest.mark.parametrize("name", ["nightly", "btc-paper", "btc-0123456", "-01234567"])
def test_a_name_that_no_bot_gives_tells_none(name: str) -> None:
    assert names.bot_of_training(name) is None
    assert names.bot_of_version(name) is None
