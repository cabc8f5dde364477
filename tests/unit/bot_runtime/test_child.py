"""A step as a child process: its result comes back without a file, its log is written or told."""

import os
from pathlib import Path

import pytest

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.names import ENV_STORE
from bot_runtime.local.child import Child
from bot_runtime.process.errors import StoreUnavailableError
from bot_runtime.store.layout import Store
from tests.exchanges import Exchange
from tests.unit.bot_runtime.markets import bot_spec, training_configuration


def _preflight(endpoint: str, store: Store, log: Path, told: list[str]) -> Child:
    configuration = training_configuration(bot_spec(endpoint))
    environment = os.environ | {ENV_STORE: str(store.root)}
    return Child("Preflight", configuration, environment, log, told.append)


def test_result_comes_back_and_every_line_is_logged_and_told(
    exchange: Exchange, store: Store, tmp_path: Path
) -> None:
    log, told = tmp_path / "logs" / "Preflight.log", list[str]()
    child = _preflight(exchange.url, store, log, told)
    code, result = child.run()
    assert code == ExitCode.OK
    assert result is not None
    assert (result.step, result.run_digest) == ("Preflight", child.configuration.digest)
    assert log.read_text(encoding="utf-8") == "".join(told)
    assert '"event": "finished"' in told[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_log_that_takes_nothing_ends_the_step(
    exchange: Exchange, store: Store, tmp_path: Path
) -> None:
    log = tmp_path / "Preflight.log"
    log.symlink_to("/dev/full")
    with pytest.raises(StoreUnavailableError, match=r"Preflight\.log: .* No space left on device"):
        _preflight(exchange.url, store, log, []).run()
