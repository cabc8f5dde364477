"""Serve a version: from features and closes of consecutive candles to a prediction.

Imports numpy, onnxruntime and pydantic; never a library that models are trained with.
"""

import os
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from bot_runtime.arrays import Flags, Rows, Values, Windows
from bot_runtime.contract.runconfig import RunConfiguration
from bot_runtime.contract.spec import Objective
from bot_runtime.features.closes import Closes
from bot_runtime.features.indicators import WARM_UP
from bot_runtime.features.panel import feature_names
from bot_runtime.features.sequences import ROWS_AT_ONCE, RawOutputs, whole_windows, windows_at
from bot_runtime.features.volatility import realised_volatility
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.serving.outputs import to_probability, to_quantiles, to_risk_score
from bot_runtime.serving.predictions import Prediction, Predictions
from bot_runtime.serving.risk_combination import memory_of, predicted_volatility
from bot_runtime.store.bundle import (
    ConformalBand,
    Graph,
    Platt,
    RiskScale,
    VersionManifest,
    load_judged_manifest,
    load_version_manifest,
)
from bot_runtime.store.layout import JUDGED_FOLDER, Store

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else its builds report to Microsoft, and keep an id
import onnxruntime as ort


class GraphRunner:
    """The graphs of one objective, ready to run; their outputs stand beside each other."""

    def __init__(
        self, folder: Path, graphs: tuple[Graph, ...], window_length: int, threads: int = 1
    ) -> None:
        self._sessions = tuple(_session(folder / graph.file, threads) for graph in graphs)
        self._length = window_length

    def raw(self, features: Values, rows: Rows) -> Values:
        """Return the raw outputs (len(rows), outputs) at `rows` of features (n, F)."""
        parts = [
            self._run(windows_at(features, rows[start : start + ROWS_AT_ONCE], self._length))
            for start in range(0, len(rows), ROWS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def whole(self, features: Values) -> Flags:
        """Tell which rows of features (n, F) have a window, (n,)."""
        return whole_windows(features, self._length)

    def _run(self, windows: Windows) -> Values:
        columns = [s.run(None, {s.get_inputs()[0].name: windows})[0] for s in self._sessions]
        return np.concatenate(
            [c.reshape(len(windows), -1) for c in columns], axis=1, dtype=np.float64
        )


class ServedVersion:
    """The three models of one version.

    Attributes:
        manifest: what was published.
        longest_window: feature rows that a prediction reads.
        context_length: closed candles that a prediction needs, warm-up included, without a hole.
        memory_length: candles up to a prediction's own that it is a function of.
        combination: what the learned risk forecast is mixed with; None in earlier formats.
    """

    def __init__(self, folder: Path, manifest: VersionManifest, threads: int = 1) -> None:
        self.manifest = manifest
        inputs = manifest.inputs
        self.longest_window = max(objective.window_length for objective in manifest.objectives)
        self.context_length = max(
            inputs.warm_up + self.longest_window, inputs.volatility_candles + 1
        )
        self.combination = _only(manifest, RiskScale).combination
        self.memory_length = self.context_length
        if self.combination is not None:
            self.memory_length = memory_of(inputs.horizon_steps, self.context_length)
        self._runners = {
            part.objective: GraphRunner(folder, part.graphs, part.window_length, threads)
            for part in manifest.objectives
        }

    @property
    def version(self) -> str:
        """Return the version's name in the store."""
        return self.manifest.version

    @property
    def trend_calibration(self) -> Platt:
        """Return how the probability was calibrated, and on how many rows."""
        return _only(self.manifest, Platt)

    def raw(self, objective: Objective, features: Values) -> RawOutputs:
        """Return what an objective's graphs say of features (n, F)."""
        runner = self._runners[objective]
        return RawOutputs(partial(runner.raw, features), runner.whole(features))

    def predict(self, features: Values, closes: Closes) -> Prediction:
        """Return the prediction at the newest of the closed candles of one symbol.

        `features` is (n, F) as compute_features gives them, of the candles of `closes`.
        """
        return self.predict_rows(features, closes, np.array([len(features) - 1]))[0]

    def unit(self, closes: Values) -> float:
        """Return the volatility over the horizon at the last of the closes (n,)."""
        inputs = self.manifest.inputs
        volatility = realised_volatility(closes, inputs.volatility_candles)[-1]
        return float(volatility * np.sqrt(inputs.horizon_steps))

    def predict_rows(self, features: Values, closes: Closes, rows: Rows) -> Predictions:
        """Return the predictions at `rows` of features (n, F) and closes (n,).

        Each row needs context_length candles of its symbol up to it, none of them missing. Of what
        is in the memory_length slots before it, whatever is there is used.
        """
        inputs = self.manifest.inputs
        if features.shape != (len(closes.close), len(inputs.features)):
            raise ValueError(
                f"features: found shape {features.shape}; {len(closes.close)} candles and "
                f"{len(inputs.features)} features of the version ask for another"
            )
        band, scale = _only(self.manifest, ConformalBand), _only(self.manifest, RiskScale)
        steps = inputs.horizon_steps
        unit = closes.volatility(inputs.volatility_candles)[rows]
        trend, returns = (self._runners[o].raw(features, rows) for o in ("Trend", "Return"))
        quantiles = to_quantiles(returns, band, unit, steps)
        predicted = predicted_volatility(scale, self.raw("Risk", features), closes, rows, steps)
        return Predictions(
            to_probability(trend, self.trend_calibration),
            quantiles.p10,
            quantiles.p50,
            quantiles.p90,
            to_risk_score(predicted, scale),
            predicted,
        )


def load_version(store: Store, version: str, threads: int = 1) -> ServedVersion:
    """Return a version of the store, every file checked against its sha256.

    Raises ArtifactInvalidError where the version or a file is missing, corrupt or of a contract
    version that this release does not read.
    """
    folder = store.version(version)
    return ServedVersion(folder, load_version_manifest(folder), threads)


def load_judged(store: Store, served: ServedVersion, threads: int = 1) -> ServedVersion:
    """Return what of a version was judged: itself, unless it was fitted once more after that.

    Raises what `load_version` raises.
    """
    folder = store.version(served.version) / JUDGED_FOLDER
    if not folder.is_dir():
        return served
    return ServedVersion(folder, load_judged_manifest(folder), threads)


def check_inputs(version: ServedVersion, configuration: RunConfiguration) -> None:
    """Raise ArtifactInvalidError where the version is fed otherwise than this run would feed it."""
    inputs, model = version.manifest.inputs, configuration.model
    pairs = (
        ("timeframe", inputs.timeframe, configuration.timeframe),
        ("horizonSteps", inputs.horizon_steps, configuration.model.horizon_steps),
        ("warmUp", inputs.warm_up, WARM_UP),
        ("features", inputs.features, feature_names(len(configuration.symbols))),
        ("tripleBarrierWidth", inputs.triple_barrier_width, model.triple_barrier_width),
    )
    for name, trained, here in pairs:
        if trained != here:
            raise ArtifactInvalidError(
                f"{version.version}: {name}: trained with {str(trained)[:60]}, this run has "
                f"{str(here)[:60]}; train again"
            )


_C = TypeVar("_C", Platt, ConformalBand, RiskScale)


def _only(manifest: VersionManifest, kind: type[_C]) -> _C:
    """Return the calibration of a kind; the manifest's own validation makes it one of three."""
    found = [o.calibration for o in manifest.objectives if isinstance(o.calibration, kind)]
    return found[0]


def _session(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # what it warns of (constant folding) is not the user's to mend
    try:
        return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as e:  # onnxruntime's exceptions have no common public base
        raise ArtifactInvalidError(
            f"{path.parent.name}/{path.name}: onnxruntime cannot load it: {e}; train again"
        ) from e
