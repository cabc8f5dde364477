"""What `run` shows: named steps with durations, metrics, verdict, signals, the paper account."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from bot_runtime.contract.progress import EVENT as PROGRESS
from bot_runtime.contract.progress import NOTE
from bot_runtime.contract.results import EvaluationResult, ObjectiveResult, StepResult
from bot_runtime.contract.steps import StepOrRun
from bot_runtime.local.account_words import account_lines, candle_line
from bot_runtime.local.candle import Traded
from bot_runtime.process.output import write_out


@dataclass(slots=True)
class Display:
    """Lines for a person; on a terminal the line of the running step shows its progress."""

    stream: TextIO
    total: int
    number: int = 0
    notes: list[str] = field(default_factory=list)
    _unjudged: list[ObjectiveResult] = field(default_factory=list)
    """Trained objectives whose metrics no verdict has shown yet."""

    def header(self, bot: str, training: str, store: Path, replaced: Mapping[str, str]) -> None:
        """Say what is about to run, where its files are, and what the environment has replaced."""
        self._print(f"bot {bot}, training {training}, store {store}")
        if replaced:
            variables = ", ".join(f"{name}={value}" for name, value in replaced.items())
            self._print(f"from the environment, not from the file: {variables}")

    def started(self, step: StepOrRun) -> None:
        """Announce a step."""
        self.number += 1
        if self.stream.isatty():
            self._print(self._name(step), end="\r")

    def line(self, step: StepOrRun, text: str) -> None:
        """Keep the note in a step's log line; show its progress where there is a terminal."""
        try:
            event = json.loads(text)
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        if event.get("event") == NOTE:
            self.notes.append(str(event.get("message", "")))
        elif event.get("event") == PROGRESS and self.stream.isatty():
            self._erase()
            fraction, message = event.get("fraction", 0.0), str(event.get("message", ""))[:50]
            self._print(f"{self._name(step)} {fraction:4.0%} {message}", end="\r")

    def done(self, step: StepOrRun, seconds: float, result: StepResult) -> None:
        """Close a step's line with its duration and memory; show its notes and warnings."""
        self._erase()
        memory = result.peak_memory_bytes / 2**20
        self._print(f"{self._name(step)} {seconds:8.1f} s  {memory:5.0f} MiB  {_summary(result)}")
        for note in self.notes:
            self._print(f"      {note}")
        self.notes.clear()
        for warning in result.warnings:
            self._print(f"      warning: {warning}")
        self._remember(result)

    def kept(self, step: StepOrRun, result: StepResult) -> None:
        """Say that a step's earlier result stands."""
        self.number += 1
        self._print(f"{self._name(step)}     kept             {_summary(result)}")
        self._remember(result)

    def skipped(self, step: StepOrRun, why: str) -> None:
        """Say why a step does not run."""
        self.number += 1
        self._print(f"{self._name(step)}  skipped  {why}")

    def failed(self, step: StepOrRun, seconds: float, why: str, log: Path) -> None:
        """Close the line of a step that failed, with its own words and its log.

        What was trained before is shown, for no verdict will.
        """
        self._erase()
        self._print(f"{self._name(step)} {seconds:8.1f} s  failed: {why}")
        self._print(f"      log: {log}")
        self._objectives(self._unjudged)

    def refusal(self, why: str) -> None:
        """Say why nothing more runs."""
        self._erase()
        self._print(f"bot-runtime: {why}")

    def verdict(self, evaluation: EvaluationResult, served: str | None) -> None:
        """Show the metrics of the three models and what the gate said of them."""
        self._unjudged.clear()
        self._objectives(evaluation.objectives)
        self._print(
            f"unseen candles that the thresholds would have traded: {evaluation.tradable_share}"
            + (f", most refused by {evaluation.binding_threshold}" if _binding(evaluation) else "")
        )
        said = "promoted" if evaluation.promoted else "rejected"
        self._print(f"gate: version {evaluation.version} {said}")
        for reason in evaluation.reasons:
            self._print(f"      {reason}")
        self._print(f"served: {served or 'none'}")
        self._print("")

    def signal(self, path: Path, signal: dict[str, Any]) -> None:
        """Show one symbol's signal."""
        self._print("")
        self._print(f"{signal['symbol']}: {signal['decision']}  {signal['reason']}")
        self._print(f"      {path}")
        for name in ("bar_close_ts", "prob_up", "expected_return", "p10", "p90", "risk_score"):
            value = signal.get(name)
            shown = f"{value:.6g}" if isinstance(value, float) else value
            self._print(f"      {name:16} {shown if shown is not None else '-'}")
        for name in ("confidence", "regime", "position_size"):
            value = signal.get(name)
            self._print(f"      {name:16} {f'{value:.4g}' if isinstance(value, float) else value}")

    def account(self, traded: Traded, quote: str, journal: Path) -> None:
        """Show what was done, what the paper account has come to, and where its journal lies."""
        self._print("")
        self._print(candle_line(traded.run, traded.result, quote))
        for heading, text in account_lines(traded.result, quote):
            self._print(f"      {heading:16} {text}")
        self._print(f"      {'journal':16} {journal}")

    def watching(self, timeframe: str, journal: Path) -> None:
        """Say what follows, and how it ends."""
        self._print(
            f"a line at every close of {timeframe}, until Ctrl-C; the file is not read again, so "
            "start anew after an edit"
        )
        self._print(f"journal: {journal}")
        self._print("")

    def candle(self, line: str) -> None:
        """Show what a candle has brought."""
        self._print(line)

    def hint(self, training: Path, served: str | None) -> None:
        """Say how to go on."""
        self._print("")
        if served is None:
            self._print("no version is served: change spec.model or spec.training and run it again")
        else:
            self._print("run the same command again to decide on the newest candle, or with")
            self._print("--watch to decide at every close")
        self._print(f"to train on newer candles, remove {training} first")

    def _remember(self, result: StepResult) -> None:
        if result.objective is not None:
            self._unjudged.append(result.objective)

    def _objectives(self, objectives: Iterable[ObjectiveResult]) -> None:
        lines = [_objective(objective) for objective in objectives]
        if lines:
            self._print("\n".join(["", *lines]))

    def _name(self, step: StepOrRun) -> str:
        return f"[{self.number}/{self.total}] {step:10}"

    def _erase(self) -> None:
        if self.stream.isatty():
            self._print("\x1b[2K", end="\r")

    def _print(self, text: str, end: str = "\n") -> None:
        write_out(self.stream, text + end)


def _binding(evaluation: EvaluationResult) -> bool:
    return bool(evaluation.binding_threshold)


def _summary(result: StepResult) -> str:
    """Return one step's result in a few words."""
    if result.data is not None:
        return f"{result.data.candles} candles up to {result.data.last_close}"
    if result.objective is not None:
        scores = ", ".join(f"{name} {score}" for name, score in result.objective.scores.items())
        return f"{result.objective.algorithm} ({scores})"
    if result.evaluation is not None:
        return "promoted" if result.evaluation.promoted else "rejected"
    if result.trade is not None:
        totals = result.trade.state.totals
        return f"{totals.orders} orders, {totals.fills} fills, {totals.trades} trades so far"
    if result.signals:
        return ", ".join(f"{signal.symbol} {signal.decision}" for signal in result.signals)
    return "ok"


def _objective(objective: ObjectiveResult) -> str:
    metrics = "  ".join(f"{name} {value}" for name, value in objective.metrics.items())
    return f"{objective.objective:7} {objective.algorithm:26} {metrics}"
