"""The command: every step ends with a termination message and the right exit code."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot_runtime.command_line import main
from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.store.layout import Store
from tests.exchanges import API_KEY, API_SECRET, Exchange
from tests.unit.bot_runtime.markets import (
    bot_spec,
    inference_configuration,
    publish_version,
    training_configuration,
)

Run = Callable[..., tuple[int, StepResult]]


@pytest.fixture
def run(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command on a configuration as a pod would."""
    message = tmp_path / "message"
    config = tmp_path / "run.json"
    monkeypatch.setenv("BOTCRIPTO_CONFIG", str(config))
    monkeypatch.setenv("BOTCRIPTO_STORE", str(store.root))
    monkeypatch.setenv("BOTCRIPTO_TERMINATION", str(message))
    monkeypatch.setenv("BOTCRIPTO_GIT_COMMIT", "c0ffee")
    for name in ("OMP", "OPENBLAS", "MKL"):  # what the command sets is put back
        monkeypatch.setenv(f"{name}_NUM_THREADS", "1")

    def run_command(configuration: RunConfiguration, *command: str) -> tuple[int, StepResult]:
        config.write_text(json.dumps(configuration.to_json()), encoding="utf-8")
        code = main(command)
        return code, StepResult.model_validate_json(message.read_bytes())

    return run_command


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_data_step_reports_and_keeps_its_result(
    exchange: Exchange, store: Store, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = training_configuration(bot_spec(exchange.url))
    code, result = run(configuration, "fetch")
    assert code == ExitCode.OK
    assert result.step == "Data"
    assert result.data is not None
    assert result.data.candles == 1440
    assert result.run_digest == configuration.digest
    assert result.git_commit == "c0ffee"
    assert result.peak_memory_bytes > 0
    assert configuration.training is not None
    kept = store.result(configuration.training.name, "Data").read_bytes()
    assert StepResult.model_validate_json(kept) == result
    told = lines(capsys.readouterr().out)
    assert [line["event"] for line in told][:1] == ["started"]
    assert told[-1]["event"] == "finished"
    assert told[-1]["exit_code"] == 0


def test_inference_reports_its_signals(exchange: Exchange, store: Store, run: Run) -> None:
    spec = bot_spec(exchange.url)
    version = publish_version(store, spec)
    code, result = run(inference_configuration(spec, version), "infer", "--no-jitter")
    assert code == ExitCode.OK
    assert result.model_version == version
    assert [signal.symbol for signal in result.signals] == ["BTC/USDT"]


@pytest.mark.parametrize(
    ("changes", "command", "expected"),
    [
        ({"symbols": ["NO/SUCH"]}, "fetch", ExitCode.CONFIGURATION),
        ({"training": {"lookback": "1h"}}, "fetch", ExitCode.DATA_UNUSABLE),
        ({}, "infer", ExitCode.CONFIGURATION),
        ({}, "evaluate", ExitCode.ARTIFACT_INVALID),
    ],
)
def test_failure_ends_with_its_exit_code_and_message(
    exchange: Exchange, run: Run, changes: dict[str, Any], command: str, expected: ExitCode
) -> None:
    code, result = run(training_configuration(bot_spec(exchange.url, **changes)), command)
    assert code == expected
    assert result.error is not None
    assert result.error.exit_code == expected
    assert result.error.message


def test_missing_version_ends_inference_and_writes_no_signal(
    exchange: Exchange, store: Store, run: Run
) -> None:
    code, _ = run(inference_configuration(bot_spec(exchange.url), "no-such"), "infer")
    assert code == ExitCode.ARTIFACT_INVALID
    assert not store.signal("BTC/USDT").exists()


def test_store_that_is_gone_ends_with_its_code(exchange: Exchange, store: Store, run: Run) -> None:
    store.root.write_text("a file where the volume should be", encoding="utf-8")
    code, result = run(training_configuration(bot_spec(exchange.url)), "fetch")
    assert code == ExitCode.STORE_UNAVAILABLE
    assert result.error is not None
    assert "cannot be" in result.error.message


def test_rejected_key_ends_with_its_code_and_is_shown_nowhere(
    exchange: Exchange,
    run: Run,
    key_directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    wrong = "Wr0ngKeyThatNobodyKnows0000000001"
    (key_directory / "apiKey").write_text(wrong, encoding="utf-8")
    monkeypatch.setenv("BOTCRIPTO_CREDENTIALS", str(key_directory))
    code, result = run(training_configuration(bot_spec(exchange.url)), "preflight")
    told = "".join(capfd.readouterr()) + result.model_dump_json()
    assert code == ExitCode.CREDENTIALS_REJECTED
    for secret in (wrong, API_KEY, API_SECRET):
        assert secret not in told


def test_configuration_that_is_not_there_ends_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setenv("BOTCRIPTO_CONFIG", str(tmp_path / "no.json"))
    assert main(["fetch"]) == ExitCode.CONFIGURATION


def test_crash_is_reported_with_its_words(
    exchange: Exchange,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("bot_runtime.steps.fetch.needed_candles", lambda model: model.no_such_field)
    code, result = run(training_configuration(bot_spec(exchange.url)), "fetch")
    assert code == ExitCode.CRASH
    assert result.error is not None
    assert result.error.message.startswith("AttributeError: ")
    assert any(line["event"] == "crash" for line in lines(capsys.readouterr().out))


def test_result_that_cannot_be_told_fails_the_step(
    exchange: Exchange, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configuration = training_configuration(bot_spec(exchange.url))
    run(configuration, "preflight")
    monkeypatch.setenv("BOTCRIPTO_TERMINATION", "/dev/full")
    assert main(["preflight"]) == ExitCode.STORE_UNAVAILABLE


@pytest.mark.parametrize("command", [("preflight",), ("run", "no.yaml")])
@pytest.mark.parametrize("errors_too", [False, True])
def test_full_standard_output_ends_with_a_message(
    command: tuple[str, ...], *, errors_too: bool, tmp_path: Path
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bot_runtime", *command],
            env=os.environ | {"BOTCRIPTO_CONFIG": str(tmp_path / "no.json")},
            stdout=full,
            stderr=full if errors_too else subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == ExitCode.STORE_UNAVAILABLE
    if not errors_too:
        (line,) = done.stderr.splitlines()
        assert line == "bot-runtime: standard output: cannot be written: No space left on device"


@pytest.mark.parametrize("arguments", [[], ["train"], ["train", "--objective", "Luck"], ["sell"]])
def test_wrong_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
