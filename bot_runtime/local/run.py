"""`run`: take a TradingBot's YAML through every step on this machine, without Kubernetes.

The same code as in pods: every step is a child process of this command with the same run
configuration, result and exit code. A step whose result stands in the store for the same run
configuration is not repeated: its files would come out the same. (The data step is: it keeps its
snapshot itself, and voids the results of the others where it makes a new one.)
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bot_runtime.contract.exitcodes import ExitCode
from bot_runtime.contract.names import training_name
from bot_runtime.contract.refitting import refit_environment
from bot_runtime.contract.results import EvaluationResult, StepResult
from bot_runtime.contract.runconfig import (
    RunConfiguration,
    training_digest,
    training_run,
    training_spec_of,
)
from bot_runtime.contract.steps import COMMANDS, TRAINING_STEPS, StepOrRun
from bot_runtime.learning.models.registry import check_installed
from bot_runtime.local.bot_file import Bot, load_bot_to_run
from bot_runtime.local.candle import decide_and_trade
from bot_runtime.local.display import Display
from bot_runtime.local.local_store import local_store
from bot_runtime.local.step_runner import StepFailedError, StepRunner
from bot_runtime.local.watch import Watch, candle_clock
from bot_runtime.process.errors import ArtifactInvalidError, StepError
from bot_runtime.store.files import load_json
from bot_runtime.store.layout import Store
from bot_runtime.store.promotion import promoted_version

OF_A_CANDLE: Final[tuple[StepOrRun, ...]] = ("Inference", "Trade")


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What the command line asks for."""

    file: Path
    store: Path | None
    endpoint: str | None
    credentials: Path | None
    watch: bool = False
    """Whether to go on at every close of a candle."""
    hint: bool = True
    """Whether to say at the end how to go on."""


def run(asked: LocalRun) -> int:
    """Run all steps in turn, show them, and return the exit code of the first failing one."""
    display = Display(sys.stdout, total=len(COMMANDS) - (len(OF_A_CANDLE) if asked.watch else 0))
    try:
        bot = load_bot_to_run(asked.file, asked.endpoint)
        check_installed(bot.spec.model.candidates)
        store = local_store(asked.store, bot.name)
        _Steps(bot, store, asked, display).run()
    except StepError as e:
        display.refusal(str(e))
        return int(e.exit_code)
    except StepFailedError as e:
        return e.exit_code
    except KeyboardInterrupt:
        display.refusal("interrupted; run the same command again to go on")
        return 130
    return int(ExitCode.OK)


@dataclass(frozen=True, slots=True)
class _Steps:
    """One bot's steps on this machine."""

    bot: Bot
    store: Store
    asked: LocalRun
    display: Display

    def run(self) -> None:
        """Train, judge, decide and trade; raises StepFailedError at the first step that fails."""
        bot, training = self.bot, self._training()
        assert training.training is not None, "training_run sets it"
        self.display.header(bot.name, training.training.name, self.store.root, bot.replaced)
        self._step("Preflight", training)
        results = {step: self._kept_or_run(step, training) for step in TRAINING_STEPS}
        evaluation = results["Evaluation"].evaluation
        assert evaluation is not None, "the evaluation step's result has it"
        version = self._served_version(evaluation)
        self.display.verdict(evaluation, version)
        if version is None:
            for step in () if self.asked.watch else OF_A_CANDLE:
                self.display.skipped(step, "no version is served")
        elif self.asked.watch:
            self._watch(version)
        else:
            self._decide(version)
        if self.asked.hint:
            self.display.hint(self.store.training(training.training.name), version)

    def _decide(self, version: str) -> None:
        """Decide and trade by a version; show the signals and the account."""
        bot = self.bot
        traded = decide_and_trade(bot, self.store, version, self._step)
        for symbol in bot.spec.symbols:
            self.display.signal(self.store.signal(symbol), load_json(self.store.signal(symbol)))
        self.display.account(traded, bot.quote, self.store.journal)

    def _watch(self, version: str) -> None:
        """Decide and trade until interrupted."""
        bot, runner = self.bot, self._runner
        self.display.watching(bot.spec.timeframe, self.store.journal)
        clock = candle_clock(bot)
        Watch(bot, self.store, version, runner.run, clock, self.display).run()

    def _training(self) -> RunConfiguration:
        """Return the training's configuration, named as the operator would name it."""
        spec = training_spec_of(
            self.bot.name, self.bot.spec, image="local:none", claim="local", champion_version=None
        )
        name = training_name(self.bot.name, training_digest(spec), 1)
        champion = promoted_version(self.store)
        if champion is not None and not champion.startswith(f"{name}-"):
            spec = spec.model_copy(update={"champion_version": champion})
        return training_run(self.bot.namespace, name, spec)

    def _served_version(self, evaluation: EvaluationResult) -> str | None:
        """Return the version to serve: the pinned one, the new one, or the champion."""
        if self.bot.spec.model.pinned_version is not None:
            return self.bot.spec.model.pinned_version
        return evaluation.version if evaluation.promoted else promoted_version(self.store)

    def _kept_or_run(self, step: StepOrRun, configuration: RunConfiguration) -> StepResult:
        assert configuration.training is not None, "only steps of a training are kept"
        if step == "Data":  # it alone can tell whether its snapshot is still the user's candles
            return self._step(step, configuration)
        variables = refit_environment(self.bot.spec.training) if step == "Evaluation" else None
        try:
            kept = load_json(self.store.result(configuration.training.name, step))
            result = StepResult.model_validate(kept)
        except (ArtifactInvalidError, ValidationError):
            return self._step(step, configuration, variables=variables)
        if result.run_digest != configuration.digest or result.error is not None:
            return self._step(step, configuration, variables=variables)
        self.display.kept(step, result)
        return result

    def _step(
        self,
        step: StepOrRun,
        configuration: RunConfiguration,
        *,
        variables: Mapping[str, str] | None = None,
    ) -> StepResult:
        """Run one child process, show it and return its result; raises StepFailedError."""
        started = time.monotonic()
        self.display.started(step)
        tell = partial(self.display.line, step)
        try:
            result = self._runner.run(step, configuration, tell, variables)
        except StepFailedError as e:
            self.display.failed(step, time.monotonic() - started, str(e), e.log)
            raise
        self.display.done(step, time.monotonic() - started, result)
        return result

    @property
    def _runner(self) -> StepRunner:
        return StepRunner(self.store, self.asked.credentials)
