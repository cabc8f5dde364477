"""A version that meets the inference of another release: it is served, or refused in words."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.names import ENV_CONFIG, ENV_STORE, ENV_TERMINATION
from bot_runtime.contract.results import StepResult
from bot_runtime.exchange.retries import Patience
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.version import load_version
from bot_runtime.steps.infer import infer
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store
from tests.exchanges import Exchange
from tests.unit.bot_runtime.markets import (
    COMBINATION,
    bot_spec,
    inference_configuration,
    publish_version,
)

PUBLISH = """
import sys
from pathlib import Path
from bot_runtime.store.layout import Store
from tests.unit.bot_runtime.markets import bot_spec, publish_version
print(publish_version(Store(Path(sys.argv[1])), bot_spec(sys.argv[2])))
"""


def of_release(files: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the files of a release."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(files), "PYTHONDONTWRITEBYTECODE": "1", **variables},
        cwd=files,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_mixed_risk_forecast_is_refused_by_the_release_before_in_words(
    previous_files: Path, store: Store, tmp_path: Path
) -> None:
    spec = bot_spec()
    version = publish_version(store, spec, combination=COMBINATION)
    configuration, message = tmp_path / "run.json", tmp_path / "message.json"
    save_json(configuration, inference_configuration(spec, version).to_json())
    variables = {
        ENV_STORE: str(store.root),
        ENV_CONFIG: str(configuration),
        ENV_TERMINATION: str(message),
    }
    run = of_release(previous_files, "-m", "bot_runtime", "infer", "--no-jitter", **variables)
    assert run.returncode == ExitCode.ARTIFACT_INVALID, run.stderr
    assert "Traceback" not in run.stderr + run.stdout
    found = StepResult.model_validate(load_json(message)).error
    assert found is not None
    assert found.message == (
        f"{version}/manifest.json: contractVersion 2; this release reads 1; train again with it, "
        "or run the release that wrote it"
    )


def test_a_version_of_the_release_before_is_served(
    previous_files: Path, exchange: Exchange, store: Store
) -> None:
    published = of_release(previous_files, "-c", PUBLISH, str(store.root), exchange.url)
    assert published.returncode == 0, published.stderr
    name = published.stdout.strip()
    version = load_version(store, name)
    assert version.manifest.contract_version == 1
    assert version.manifest.naive is None
    assert version.memory_length == version.context_length
    exchange.stop_clock()
    configuration = inference_configuration(bot_spec(exchange.url), name)
    patience = Patience(wait_seconds=0.5, jitter_seconds=0.0, timeout_seconds=0.4)
    reporter = Reporter("Inference", stream=StringIO())
    (signal,) = infer(configuration, store, reporter, patience).signals
    assert signal.prob_up == pytest.approx(1 / (1 + 2.718281828**-3), abs=1e-6)
    assert signal.volatility is not None
