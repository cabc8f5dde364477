"""Skill at inference: two files beside the version in the store.

    versions/<version>/judged-skill.json    written once, by the evaluation
    versions/<version>/skill/state.json     sums of what came of predictions since

A version without the first, as earlier releases have made them, is not watched.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import ValidationError

from bot_runtime.arrays import Values
from bot_runtime.contract.explanations import explain_first
from bot_runtime.contract.skillstatus import LiveSkill
from bot_runtime.market.candles import Candles, utc
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.process.reporting import Reporter
from bot_runtime.serving.live_skill import SkillReference, SkillState, fold, judge_skill, remember
from bot_runtime.serving.scored_rows import score_rows
from bot_runtime.serving.version import ServedVersion
from bot_runtime.store.files import load_json, save_json
from bot_runtime.store.layout import Store


class Seen(NamedTuple):
    """One symbol's candles that a run trusts, and their features (n, F)."""

    candles: Candles
    features: Values


def load_skill_reference(store: Store, version: str, reporter: Reporter) -> SkillReference | None:
    """Return what a version's skill is held against; None where there is nothing to read."""
    path = store.judged_skill(version)
    if not path.is_file():
        return None
    try:
        return SkillReference.model_validate(load_json(path))
    except (ArtifactInvalidError, ValidationError) as e:
        reporter.warn(f"{path.name}: {_why(e)}; the version's skill is not watched: train again")
        return None


def read_skill(store: Store, version: str, reporter: Reporter) -> LiveSkill | None:
    """Return what a version's skill was worth by its newest run; None where it was not watched."""
    reference = load_skill_reference(store, version, reporter)
    if reference is None or not store.skill(version).is_file():
        return None
    return judge_skill(_load(store, version, reporter), reference)


def watch_skill(
    store: Store,
    version: ServedVersion,
    reference: SkillReference,
    seen: Mapping[str, Seen],
    reporter: Reporter,
) -> LiveSkill:
    """Return what the version's skill is worth by now, and save what is known of it.

    Whatever a repeated run sees again counts once. Raises StoreUnavailableError.
    """
    if not seen:
        return judge_skill(_load(store, version.version, reporter), reference)
    newest_ms = max(int(one.candles.close_time_ms[-1]) for one in seen.values())
    state = known = _load(store, version.version, reporter, newest_ms)
    for symbol, (candles, features) in seen.items():
        done_ms = state.scored_ms.get(symbol)
        if done_ms is None:
            # The version's first run has told the newest candle alone.
            state = state.begun(symbol, int(candles.close_time_ms[-1]) - 1)
            continue
        scored = score_rows(version, candles, features, done_ms)
        if scored is not None:
            state = fold(state, symbol, scored, reference)
    told = judge_skill(state, reference)
    state = remember(state, told)
    if state != known:
        save_json(store.skill(version.version), state.to_json())
    return told


def _load(
    store: Store, version: str, reporter: Reporter, newest_ms: int | None = None
) -> SkillState:
    """Return the version's state; one that cannot be its own begins anew, with a warning."""
    path = store.skill(version)
    if not path.is_file():
        return SkillState(version=version)
    try:
        state = SkillState.model_validate(load_json(path))
    except (ArtifactInvalidError, ValidationError) as e:
        found = _why(e)
    else:
        if state.version != version:
            found = f"is of version {state.version[:80]}"
        elif newest_ms is not None and state.newest_ms > newest_ms:
            found = f"knows of {utc(state.newest_ms)}; the newest candle closed {utc(newest_ms)}"
        else:
            return state
    reporter.warn(f"{path.parent.name}/{path.name}: {found}; the skill is counted anew")
    return SkillState(version=version)


def _why(error: ArtifactInvalidError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return explain_first(error, whole="content")
    return str(error)
