"""Termination messages: whether one may be believed, and what it says of an error.

Whatever a pod has left is text from outside: it speaks for its own step of its own run, or not at
all, and no secret in it goes any further (`contract.scrub`).
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bot_runtime.contract.explanations import explain_first
from bot_runtime.contract.failures import MESSAGE_MAX
from bot_runtime.contract.results import StepResult
from bot_runtime.contract.scrub import scrub
from bot_runtime.contract.signal import SUPPORTED_CONTRACT_VERSIONS

_NOT_TEXT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that nobody can believe, and what was found instead."""

    found: str
    other_contract: bool = False


def parse_result(text: str) -> StepResult:
    """Return the result in a termination message; raises ValidationError where it has none.

    Fields of a later release are passed over: its images may run under this operator. What is
    written for people is scrubbed, for an older image hides less than this release.
    """
    result = StepResult.model_validate_json(text, extra="ignore")
    update: dict[str, Any] = {
        "warnings": tuple(map(_scrubbed, result.warnings)),
        "signals": tuple(
            signal.model_copy(update={"reason": _scrubbed(signal.reason)})
            for signal in result.signals
        ),
    }
    if result.error is not None:
        message = _scrubbed(result.error.message)
        update["error"] = result.error.model_copy(update={"message": message})
    if result.evaluation is not None:
        reasons = tuple(map(_scrubbed, result.evaluation.reasons))
        update["evaluation"] = result.evaluation.model_copy(update={"reasons": reasons})
    if result.live_skill is not None and result.live_skill.lost is not None:
        lost = _scrubbed(result.live_skill.lost)
        update["live_skill"] = result.live_skill.model_copy(update={"lost": lost})
    if result.trade is not None:
        doubts = {"entries": result.trade.entries, "records": result.trade.records}
        told = {
            name: doubt.model_copy(update={"message": _scrubbed(doubt.message)})
            for name, doubt in doubts.items()
            if doubt is not None
        }
        update["trade"] = result.trade.model_copy(update=told)
    return result.model_copy(update=update)


def _scrubbed(text: str) -> str:
    """Return a text without secrets, no longer than it was: each has its limit."""
    return scrub(text)[: len(text)]


def read_result(text: str, step: str, run_digest: str) -> StepResult | Unreadable:
    """Return the result in a termination message, if it speaks of this step of this run."""
    if not text.strip():
        return Unreadable("left no result")
    try:
        result = parse_result(text)
    except ValidationError as e:
        version = _contract_version(text)
        if version is not None and version not in SUPPORTED_CONTRACT_VERSIONS:
            return _other_contract(version)
        found = explain_first(e, whole="message")
        return Unreadable(f"left no readable result ({found}): {plain(text, 120)}")
    if result.contract_version not in SUPPORTED_CONTRACT_VERSIONS:
        return _other_contract(result.contract_version)
    if result.step != step:
        return Unreadable(f"left the result of step {result.step}, not of {step}")
    if result.run_digest != run_digest:
        found = result.run_digest[:10] or "none"
        return Unreadable(f"speaks for run configuration {found}, not for {run_digest[:10]}")
    return result


def last_words(text: str) -> str:
    """Return the error in a termination message, or the last line of a log, scrubbed."""
    try:
        error = parse_result(text).error
        found = error.message if error is not None else text
    except ValidationError:
        # Scrubbed as a whole: what a line alone does not show, such as a part of a private key.
        lines = [line.strip() for line in scrub(text).splitlines() if line.strip()]
        found = lines[-1] if lines else ""
    return plain(found, MESSAGE_MAX)


def plain(text: str, length: int) -> str:
    """Return `text` scrubbed, without control characters and cut to `length` characters."""
    # A terminal acts on control characters; a lone surrogate cannot even be sent.
    shown = scrub("".join(c if c.isprintable() or c == "\n" else _NOT_TEXT for c in text))
    return shown if len(shown) <= length else shown[: length - 1] + "…"


def _contract_version(text: str) -> int | None:
    match = re.search(r'"contractVersion"\s*:\s*([0-9]{1,9})', text)
    return int(match[1]) if match else None


def _other_contract(version: int) -> Unreadable:
    spoken = ", ".join(map(str, SUPPORTED_CONTRACT_VERSIONS))
    return Unreadable(
        f"speaks contract version {version}; this operator reads {spoken}: run the images of its "
        "release",
        other_contract=True,
    )
