"""A step on a laptop: its result, or how it ended, told apart."""

import sys
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.journal.opening import open_journal
from bot_runtime.journal.sqlite_file import SqliteFile
from bot_runtime.local.step_runner import StepFailedError, StepRunner
from bot_runtime.process.errors import BusyError
from bot_runtime.steps.trade import owner_of
from bot_runtime.store.layout import Store
from tests.exchanges import Exchange
from tests.unit.bot_runtime.markets import bot_spec, inference_configuration


def test_a_journal_that_another_run_writes_is_no_failure(store: Store, exchange: Exchange) -> None:
    configuration = inference_configuration(bot_spec(exchange.url), "v-1")
    with (
        open_journal(SqliteFile(store.journal), owner_of(configuration), 0),
        pytest.raises(BusyError, match="another run of the bot is writing its journal"),
    ):
        StepRunner(store, None).run("Trade", configuration)


def test_a_failure_has_its_code_its_words_and_its_log(store: Store) -> None:
    configuration = inference_configuration(bot_spec("http://127.0.0.1:9"), "v-1")
    with pytest.raises(StepFailedError, match=r"exit code 66: .*v-1") as failed:
        StepRunner(store, None).run("Inference", configuration)
    assert failed.value.exit_code == ExitCode.ARTIFACT_INVALID
    assert '"event": "finished"' in failed.value.log.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("kill -9 $$", "exit code 137: killed by SIGKILL; see the log"),
        ("exit 3", "exit code 3: no result; see the log"),
        ("exit 0", "exit code 1: no result; see the log"),
    ],
)
def test_a_step_that_leaves_no_result_is_known_by_its_end(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    configuration = inference_configuration(bot_spec(), "v-1")
    with pytest.raises(StepFailedError) as failed:
        StepRunner(store, None).run("Inference", configuration)
    assert str(failed.value) == words
    assert words.startswith(f"exit code {failed.value.exit_code}:")
