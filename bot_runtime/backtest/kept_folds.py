"""The folds that a study has finished, in the store: study/<digest of all that decides>.npz."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from bot_runtime.arrays import Columns, Values
from bot_runtime.backtest.told import Told
from bot_runtime.backtest.walk_forward import Fold
from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.spec import ModelSpec
from bot_runtime.learning.trained import load_columns, save_columns
from bot_runtime.market.candles import Candles, rows_digest
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.serving.predictions import Predictions
from bot_runtime.store.files import new_file, writing
from bot_runtime.store.layout import Store, file_stem

_TIME: Final = "open_ms"
_REGIME: Final = "regime"
_PREDICTED: Final = tuple(field.name for field in fields(Predictions))


def fold_path(
    store: Store, fold: Fold, candles: Mapping[str, Candles], model: ModelSpec, code: str
) -> Path:
    """Return where a fold is kept: its name says what it was made of, and by which code.

    So a fold of another release, of other settings or of other candles is another file.
    """
    made_of = {
        "code": code,
        "model": model.to_json(),
        "times": [fold.learn_ms, fold.begin_ms, fold.end_ms],
        "candles": [
            [symbol, part.interval_ms, rows_digest(part)] for symbol, part in candles.items()
        ],
    }
    return store.study / f"{digest_of(made_of)}.npz"


def load_fold(path: Path, symbols: tuple[str, ...]) -> dict[str, Told] | None:
    """Return a fold that is kept; None where there is none, or what is there is no fold."""
    try:
        columns = load_columns(path)
        return {symbol: _told(columns, file_stem(symbol)) for symbol in symbols}
    except (ArtifactInvalidError, KeyError):
        return None


def save_fold(path: Path, told: Mapping[str, Told]) -> None:
    """Keep a fold, whole or not at all; raises StoreUnavailableError."""
    columns: dict[str, Values] = {}
    for symbol, one in told.items():
        stem = file_stem(symbol)
        columns[f"{stem}.{_TIME}"] = one.open_ms.astype(np.float64)
        columns[f"{stem}.{_REGIME}"] = one.regimes.astype(np.float64)
        for name in _PREDICTED:
            columns[f"{stem}.{name}"] = getattr(one.predictions, name)
    with new_file(path) as temporary:
        save_columns(temporary, columns)


def forget_unfinished(store: Store) -> None:
    """Remove what a study has left that was killed while it kept a fold."""
    for path in store.study.glob(".*.npz.*"):
        with writing(path):
            path.unlink(missing_ok=True)


def _told(columns: Columns, stem: str) -> Told:
    predicted = (columns[f"{stem}.{name}"] for name in _PREDICTED)
    return Told(
        columns[f"{stem}.{_TIME}"].astype(np.int64),
        Predictions(*predicted),
        columns[f"{stem}.{_REGIME}"].astype(np.intp),
    )
