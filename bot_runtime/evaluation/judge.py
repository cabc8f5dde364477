"""Evidence for the gate: the version as it is served, on candles that nothing was learned from."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.spec import OBJECTIVES, Objective
from bot_runtime.evaluation.gate import LEAST_BLOCKS, Duel
from bot_runtime.evaluation.score_tables import (
    MODEL,
    Table,
    forecasts_of,
    losses_of,
    measure,
    outcome_of,
    score_table,
)
from bot_runtime.evaluation.tracks import follow_decisions
from bot_runtime.evaluation.tradable_share import Decided
from bot_runtime.learning.datasets import TrainingData
from bot_runtime.learning.objectives import RULES
from bot_runtime.learning.unseen import adapt
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.scoring import scores
from bot_runtime.scoring.parity import check_parity
from bot_runtime.serving.predictions import Predictions, columns_of
from bot_runtime.serving.version import ServedVersion, load_judged, load_version
from bot_runtime.store.bundle import VersionManifest
from bot_runtime.store.layout import Store
from bot_runtime.trading.account import Account
from bot_runtime.trading.strategy import Strategy

LOSSES: dict[Objective, str] = {"Trend": "log loss", "Return": "pinball", "Risk": "QLIKE"}
"""The loss of each objective that the gate judges."""
CHAMPION = "champion"


def predict_adapted(version: ServedVersion, data: TrainingData, rows: Rows) -> Predictions:
    """Return a version's predictions at `rows` as inference would have told them."""
    served = version.predict_rows(data.features, data.closes, rows)
    return adapt(served, data, rows)[0]


def find_differences(
    manifest: VersionManifest,
    served: Predictions,
    native: Mapping[str, Values],
    decide: Callable[[Predictions], Decided],
) -> tuple[str, ...]:
    """Return where the served version differs from the trained models, decisions included.

    `decide` gives the decisions on predictions at the same rows.
    """
    trained = Predictions(**native)
    if len(trained) != len(served):
        return (f"{len(trained)} rows were predicted in training, {len(served)} are served",)
    found = []
    for part in manifest.objectives:
        own = columns_of(trained, part.objective)
        limits = RULES[part.objective].tolerances(own, part.calibration)
        found.append(check_parity(columns_of(served, part.objective), own, limits))
    other = int(np.sum(decide(served).side != decide(trained).side))
    if other:
        found.append(f"decision: {other} of {len(served)} rows are decided otherwise")
    return tuple(text for text in found if text is not None)


def score_tables_of(served: Predictions, data: TrainingData, rows: Rows) -> dict[Objective, Table]:
    """Return every score of every objective at `rows`, beside its naive references'."""
    return {o: score_table(o, columns_of(served, o), data, rows) for o in OBJECTIVES}


def metrics_of(
    served: Predictions, data: TrainingData, rows: Rows
) -> dict[Objective, dict[str, float]]:
    """Return the metrics of every objective at `rows`."""
    return {o: measure(o, columns_of(served, o), data, rows) for o in OBJECTIVES}


def naive_duels(served: Predictions, data: TrainingData, rows: Rows) -> dict[Objective, Duel]:
    """Return each objective's duel with the best of its naive references at `rows`."""
    duels = {}
    for objective, name in LOSSES.items():
        losses = _losses_of(served, objective, data, rows)
        own = losses.pop(MODEL)
        against = min(losses, key=lambda reference: float(np.mean(losses[reference])))
        duels[objective] = _duel(name, own, (against, losses[against]), data, rows)
    return duels


def _losses_of(
    predictions: Predictions, objective: Objective, data: TrainingData, rows: Rows
) -> dict[str, Values]:
    """Return the losses of the predictions and of their naive references at `rows`, each (n,)."""
    forecasts = forecasts_of(objective, columns_of(predictions, objective), data, rows)
    return losses_of(objective, forecasts, outcome_of(objective, data, rows))


def _duel(
    name: str, own: Values, other: tuple[str, Values], data: TrainingData, rows: Rows
) -> Duel:
    against, its = other
    bar = data.time_ms[rows] // data.interval_ms
    compared = scores.compare(own, its, bar, data.horizon_steps)
    return Duel(name, against, float(np.mean(own)), float(np.mean(its)), compared)


def trading_duel(own: Account, its: Values | None, against: str, horizon_steps: int) -> Duel:
    """Return the duel of an account with what another earns a candle (n,); None stays out."""
    mine = own.net
    other = np.zeros(len(mine)) if its is None else its
    compared = scores.compare(-mine, -other, own.close_ms // own.interval_ms, horizon_steps)
    return Duel("trading loss", against, float(np.mean(-mine)), float(np.mean(-other)), compared)


def judged_objectives(strategy: Strategy) -> tuple[Objective, ...]:
    """Return the objectives that a policy decides by: the others may be no better than chance."""
    return ("Risk",) if strategy.is_managed else OBJECTIVES


@dataclass(frozen=True, slots=True)
class ChampionDuels:
    """The duels with the champion, or why there are none."""

    duels: tuple[Duel, ...] = ()
    obstacle: str | None = None


def duel_champion(
    candidate: ServedVersion,
    data: TrainingData,
    store: Store,
    champion_version: str,
    strategy: Strategy,
) -> ChampionDuels:
    """Return the duels on the test rows that the champion has not learned from either.

    Both are taken as they were judged: fitted once more, either knows newer candles.
    """
    try:
        served = load_version(store, champion_version)
        champion = load_judged(store, served)
    except ArtifactInvalidError as e:
        return ChampionDuels(obstacle=str(e))
    if champion.manifest.digest == candidate.manifest.digest:
        return ChampionDuels()  # itself, evaluated again
    if champion.manifest.inputs != candidate.manifest.inputs:
        return ChampionDuels(
            obstacle="it was trained on another timeframe, horizon, label or features"
        )
    rows = _unseen_rows(champion, data)
    if len(rows) == 0:
        return ChampionDuels(obstacle="it has learned from all of the candles")
    own, its = (predict_adapted(version, data, rows) for version in (candidate, champion))
    asked = [o for o in LOSSES if o in judged_objectives(strategy)]
    duels = tuple(
        _duel(
            LOSSES[objective],
            _losses_of(own, objective, data, rows)[MODEL],
            (CHAMPION, _losses_of(its, objective, data, rows)[MODEL]),
            data,
            rows,
        )
        for objective in asked
    )
    if served is not champion:
        duels = tuple(_beside_served(duels, asked, predict_adapted(served, data, rows), data, rows))
    account, other = (follow_decisions(told, data, rows, strategy) for told in (own, its))
    duels += (trading_duel(account, other.net, CHAMPION, data.horizon_steps),)
    if duels[0].comparison.blocks < LEAST_BLOCKS:
        return ChampionDuels(obstacle=f"it has learned from all but {len(rows)} of the candles")
    return ChampionDuels(duels)


def _beside_served(
    duels: Iterable[Duel],
    objectives: Iterable[Objective],
    served: Predictions,
    data: TrainingData,
    rows: Rows,
) -> Iterator[Duel]:
    """Yield duels with the champion with its losses as it is served."""
    for duel, objective in zip(duels, objectives, strict=True):
        loss = float(np.mean(_losses_of(served, objective, data, rows)[MODEL]))
        yield replace(duel, as_served=loss)


def _unseen_rows(champion: ServedVersion, data: TrainingData) -> Rows:
    """Return the test rows whose horizon begins after all that the champion has learned from."""
    seen_until_ms = max(o.seen_until_ms for o in champion.manifest.objectives)
    rows = data.splits.test
    rows = rows[data.time_ms[rows] + data.interval_ms >= seen_until_ms]
    return rows[data.has_history(rows, champion.longest_window)]
