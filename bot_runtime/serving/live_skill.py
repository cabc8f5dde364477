"""Skill while serving: whether a version still beats naive forecasts. Pure.

A candle that was predicted is scored once its horizon has passed: log loss of Trend, pinball of
Return, QLIKE of Risk, the version's beside those of naive forecasts that are frozen with it. What
is kept are sums of both in blocks of time, for labels of neighbours overlap and a day has a mood.

The test asks of the blocks of the newest month whether the version was worse than naive:

    excess = sum(d) / sqrt(sum(d^2))        d = a block's own loss less the naive one

It estimates no spread: one wild block, however wild, makes an excess of 1. Where a block is as
likely to be d as -d, P(excess >= h) <= exp(-h^2 / 2) of any number of blocks (Efron, Student's
t-Test Under Symmetry Conditions, 1969). The skill is lost where the excess of a watched loss
reaches LOST_AT: `benchmarks/live_skill.py` measures what that promises when it is asked at every
run of a year.

A loss is watched where the lead that it was judged with is one that a month can tell from none.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
from pydantic import Field

from bot_runtime.arrays import Flags, Times, Values
from bot_runtime.contract.base import Model
from bot_runtime.contract.intervals import DAY_MS
from bot_runtime.contract.skillstatus import LEAST_BLOCKS, LiveSkill, LossSkill
from bot_runtime.contract.spec import OBJECTIVES
from bot_runtime.market.candles import ms_of, utc
from bot_runtime.scoring import naive
from bot_runtime.scoring.scores import log_loss, pinball, qlike
from bot_runtime.store.bundle import Naive

MONTH_MS: Final = 30 * DAY_MS
LOST_AT: Final = 3.25
"""Excess at which the skill is lost. No fewer than 11 blocks reach it."""
TELLING: Final = 1.0
"""How many standard errors of a month the judged lead of a watched loss is at least."""
BLOCKS_MAX: Final = MONTH_MS // DAY_MS + 1
"""Blocks that are kept at most: a month of days, and the one under way."""
_NAMES: Final = ("log loss", "pinball", "QLIKE")
_NAIVE: Final = ("base rate", "past quantiles", "HAR")

_LOSSES: Final = len(OBJECTIVES)
Three = Annotated[tuple[float, ...], Field(min_length=_LOSSES, max_length=_LOSSES)]
"""One number for each loss, in the order of OBJECTIVES."""


class JudgedLead(Model):
    """By how much a block's naive loss was above the own one, on the candles of the judgement.

    Attributes:
        mean: of the blocks, per row; 0 where they were fewer than LEAST_BLOCKS.
        deviation: standard deviation of the blocks.
    """

    mean: float
    deviation: float = Field(ge=0)


class SkillReference(Model):
    """How far a version was ahead of the naive forecasts that are frozen in its manifest.

    Attributes:
        block_ms: length of a block.
        block_rows: candles of a block, of all symbols.
        judged: of each loss, in the order of OBJECTIVES.
    """

    format: Literal[1] = 1
    block_ms: int = Field(ge=DAY_MS)
    block_rows: int = Field(ge=1)
    judged: tuple[JudgedLead, ...] = Field(min_length=_LOSSES, max_length=_LOSSES)

    @property
    def month_blocks(self) -> int:
        """Whole blocks that are asked: those of a month, and no fewer than are needed."""
        return max(MONTH_MS // self.block_ms, LEAST_BLOCKS)

    def watches(self, loss: int) -> bool:
        """Tell whether a month can show that the skill of a loss is gone."""
        judged, root = self.judged[loss], math.sqrt(self.month_blocks)
        told = judged.mean * root >= TELLING * judged.deviation
        return told and judged.mean > 0 and root > LOST_AT


class SkillBlock(Model):
    """Sums over the scored rows of the candles that closed in [begin, begin + block_ms)."""

    begin_ms: int
    rows: int = Field(ge=1)
    own: Three
    naive: Three


class SkillState(Model):
    """What is known of a version's skill.

    Attributes:
        scored_ms: of each symbol, the close up to which candles are done with: no other is scored.
        blocks: oldest first.
        lost_since_ms: end of the block that has shown the skill to be lost, while it is.
    """

    format: Literal[1] = 1
    version: str
    scored_ms: dict[str, int] = Field(default_factory=dict, max_length=10)
    blocks: tuple[SkillBlock, ...] = Field(default=(), max_length=BLOCKS_MAX)
    lost_since_ms: int | None = None

    @property
    def newest_ms(self) -> int:
        """Close of the newest candle that the state knows of."""
        return max(
            [*self.scored_ms.values(), *(block.begin_ms for block in self.blocks)], default=0
        )

    def begun(self, symbol: str, done_ms: int) -> "SkillState":
        """Return the state that knows of a symbol: none that closed by `done_ms` is scored."""
        return self.model_copy(update={"scored_ms": self.scored_ms | {symbol: done_ms}})


class Forecasts(NamedTuple):
    """What is said of rows: probability (n,), quantiles of the return (n, 3), variance (n,)."""

    prob_up: Values
    quantiles: Values
    variance: Values


class Outcomes(NamedTuple):
    """What came of rows, each (n,): 1 for a rise, the simple return, one candle's variance."""

    up: Values
    simple_return: Values
    variance: Values


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Losses of one symbol's rows, by time.

    Attributes:
        until_ms: no candle that has closed by then will be scored again.
        close_ms: (n,) of each row's candle.
        own: (n, 3) losses of the version; `naive` likewise.
    """

    until_ms: int
    close_ms: Times
    own: Values
    naive: Values


def block_ms_of(horizon_ms: int) -> int:
    """Return the length of a block: as many days as are longer than the horizon."""
    return (horizon_ms // DAY_MS + 1) * DAY_MS


def losses_of(forecasts: Forecasts, outcomes: Outcomes) -> Values:
    """Return the three losses of each row, (n, 3)."""
    return np.column_stack(
        [
            log_loss(forecasts.prob_up, outcomes.up),
            pinball(forecasts.quantiles, outcomes.simple_return),
            qlike(forecasts.variance, outcomes.variance),
        ]
    )


def naive_forecasts(frozen: Naive, volatility: Values, har: Values) -> Forecasts:
    """Return what is naive at rows by their current volatility and HAR's variance, each (n,)."""
    return Forecasts(
        prob_up=naive.base_rate(frozen.base_rate, len(volatility)),
        quantiles=naive.scaled_quantiles(np.array(frozen.quantiles), volatility),
        variance=har,
    )


def fold(state: SkillState, symbol: str, scored: Scored, reference: SkillReference) -> SkillState:
    """Return the state with rows that it has not scored yet, less what is older than a month."""
    done_ms = state.scored_ms.get(symbol)
    if done_ms is not None and scored.until_ms <= done_ms:
        return state
    new = scored.close_ms <= scored.until_ms
    if done_ms is not None:
        new &= scored.close_ms > done_ms
    blocks = {block.begin_ms: block for block in state.blocks}
    begins = scored.close_ms // reference.block_ms * reference.block_ms
    for begin_ms in np.unique(begins[new]).tolist():
        rows = new & (begins == begin_ms)
        blocks[begin_ms] = _added(blocks.get(begin_ms), begin_ms, scored, rows)
    newest_ms = max(blocks, default=0)
    oldest_ms = newest_ms - reference.month_blocks * reference.block_ms
    return state.model_copy(
        update={
            "scored_ms": state.scored_ms | {symbol: scored.until_ms},
            "blocks": tuple(blocks[begin] for begin in sorted(blocks) if begin >= oldest_ms),
        }
    )


def _added(block: SkillBlock | None, begin_ms: int, scored: Scored, rows: Flags) -> SkillBlock:
    """Return a block, where there is one, with some of the scored rows."""
    own, other = scored.own[rows].sum(axis=0), scored.naive[rows].sum(axis=0)
    count = int(np.count_nonzero(rows))
    if block is not None:
        own, other, count = own + block.own, other + block.naive, count + block.rows
    return SkillBlock(
        begin_ms=begin_ms, rows=count, own=tuple(own.tolist()), naive=tuple(other.tolist())
    )


def judge_skill(state: SkillState, reference: SkillReference) -> LiveSkill:
    """Return what the whole blocks say: all but the newest one that have half of their rows."""
    blocks = [block for block in state.blocks[:-1] if 2 * block.rows >= reference.block_rows]
    if len(blocks) < LEAST_BLOCKS:
        return LiveSkill(blocks=len(blocks))
    own = np.array([block.own for block in blocks])
    other = np.array([block.naive for block in blocks])
    found = [
        _loss_skill(own[:, i], other[:, i], watched=reference.watches(i)) for i in range(_LOSSES)
    ]
    excess = excess_of(own - other)
    asked = [i for i in range(_LOSSES) if found[i].watched]
    worst = max(asked, key=lambda i: float(excess[i]), default=None)
    lost = None if worst is None else _lost(worst, found[worst], float(excess[worst]))
    since_ms = state.lost_since_ms or blocks[-1].begin_ms + reference.block_ms
    return LiveSkill(
        blocks=len(blocks),
        log_loss=found[0],
        pinball=found[1],
        qlike=found[2],
        lost=lost,
        lost_since=None if lost is None else utc(since_ms),
    )


def remember(state: SkillState, told: LiveSkill) -> SkillState:
    """Return the state that knows since when the skill is lost."""
    since_ms = None if told.lost_since is None else ms_of(told.lost_since)
    return state.model_copy(update={"lost_since_ms": since_ms})


def excess_of(differences: Values) -> Values:
    """Return the excess of blocks' own losses over the naive ones: (blocks, k) to (k,)."""
    largest = np.max(np.abs(differences), axis=0)
    shares = differences / np.where(largest > 0, largest, 1.0)  # so that no square is too small
    spread = np.sqrt(np.sum(shares**2, axis=0))
    return np.asarray(shares.sum(axis=0) / np.where(spread > 0, spread, 1.0))


def _loss_skill(own: Values, other: Values, *, watched: bool) -> LossSkill:
    """Return the lead in per cent of the naive loss, with its error, from blocks' sums (blocks,).

    The error is that of a ratio of sums: blocks vary in length and mood.
    """
    n, whole = len(own), float(other.sum())
    if whole <= 0:
        return LossSkill(lead="0", error="0", watched=False)
    lead = 1.0 - float(own.sum()) / whole
    rest = other - own - lead * other
    error = math.sqrt(float(np.sum(rest**2)) * n / (n - 1)) / whole
    return LossSkill(lead=f"{100 * lead:.3g}", error=f"{100 * error:.2g}", watched=watched)


def _lost(loss: int, found: LossSkill, excess: float) -> str | None:
    """Return in words that a loss shows the skill to be lost; None where it does not."""
    if excess < LOST_AT:
        return None
    above = found.lead.removeprefix("-")
    return (
        f"{_NAMES[loss]} {above} % above {_NAIVE[loss]}, error {found.error}; "
        f"excess {excess:.2f}, limit {LOST_AT:g}"
    )
