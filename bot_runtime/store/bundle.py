"""The format of trained models in the store: ONNX graphs, and a manifest of numbers beside them.

    objectives/<Objective>/manifest.json + graph     one trained objective
    versions/<version>/manifest.json + graphs        three of them, served together
    versions/<version>/judged/ the same              as they were judged, where they were fitted
                                                     once more for what is served

A graph maps float32 `(rows, window_length * features)`, the oldest candle first, to float32
`(rows, outputs)`. An objective is written with one; of several, as stores may hold, the outputs
stand beside each other. `objectives.RULES` turns them into predictions with the numbers of
`calibration`. Nothing in a bundle is executable but the graphs, and nothing is read whose sha256
the manifest does not hold.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from bot_runtime.contract.base import Model
from bot_runtime.contract.digests import digest_of
from bot_runtime.contract.explanations import explain_first
from bot_runtime.contract.intervals import Timeframe
from bot_runtime.contract.spec import OBJECTIVES, Algorithm, Objective
from bot_runtime.process.errors import ArtifactInvalidError
from bot_runtime.store.files import load_json, sha256_of

MANIFEST_FILE = "manifest.json"
MANIFEST_FORMATS = (1, 2)
"""Formats that are read: of 2 the risk forecast is mixed with HAR, and naive forecasts are frozen.

A manifest names its format by the key `contractVersion`: that is what earlier releases look at, and
refuse in words. No message and no configuration has this number.
"""
TAIL = 0.1
"""Share of outcomes that may lie beyond p10, and beyond p90."""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Inputs(Model):
    """What the three models of a version share: the same rows of the same features and labels."""

    timeframe: Timeframe
    horizon_steps: int = Field(ge=1)
    triple_barrier_width: float | None = Field(
        default=None, description="Width of the trend label's barriers; None is the sign."
    )
    features: tuple[str, ...] = Field(min_length=1)
    warm_up: int = Field(ge=0, description="Candles before the first complete feature row.")
    volatility_candles: int = Field(ge=2, description="Returns that the current volatility spans.")


class Graph(Model):
    """An ONNX file of the bundle."""

    file: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*\.onnx$")
    sha256: Sha256


class Platt(Model):
    """Trend: prob_up = 1 / (1 + exp(-(slope * score + intercept))) (Platt, 1999)."""

    method: Literal["Platt"] = "Platt"
    slope: float = Field(ge=0)
    intercept: float
    rows: int = Field(ge=0)


class ConformalBand(Model):
    """Return: what is added to p10 and p90, in units of the volatility over the horizon.

    Conformalised quantile regression (Romano, Patterson, Candes, 2019), each side for itself.
    """

    method: Literal["Conformal"] = "Conformal"
    lower: float
    upper: float
    rows: int = Field(ge=0)


class RiskCombination(Model):
    """Risk: the frozen numbers of what is mixed with the learned forecast.

    `serving.risk_combination` has the formulas; a change of them is another manifest format.
    """

    level: float = Field(description="Added to the logarithm of the learned variance.")
    variances: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=5, max_length=5)
    logarithms: tuple[float, ...] = Field(min_length=4, max_length=4)


class RiskScale(Model):
    """Risk: equally spaced empirical quantiles of the predicted risk.

    They are of rows that no model was fitted to; without a combination, as earlier releases have
    trained it, of all rows before the test slice.
    """

    method: Literal["EmpiricalQuantiles"] = "EmpiricalQuantiles"
    knots: tuple[Annotated[float, Field(gt=0)], ...] = Field(min_length=2)
    rows: int = Field(ge=0)
    combination: RiskCombination | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if any(b < a for a, b in zip(self.knots, self.knots[1:], strict=False)):
            raise ValueError("knots fall; quantiles do not")
        return self


Calibration = Annotated[Platt | ConformalBand | RiskScale, Field(discriminator="method")]
CALIBRATION_OF: dict[Objective, type[Platt | ConformalBand | RiskScale]] = {
    "Trend": Platt,
    "Return": ConformalBand,
    "Risk": RiskScale,
}


def _format_of(fields: dict[str, Any]) -> int:
    calibration = fields.get("calibration")
    return 2 if isinstance(calibration, RiskScale) and calibration.combination is not None else 1


class ObjectiveManifest(Model):
    """One trained objective: which graphs, which input, which numbers after them."""

    objective: Objective
    algorithm: Algorithm
    inputs: Inputs
    window_length: int = Field(ge=1, description="Candles whose features are one input row.")
    seen_until_ms: int = Field(description="Close of the newest candle that it learned from.")
    graphs: tuple[Graph, ...] = Field(min_length=1)
    calibration: Calibration
    contract_version: int = Field(default_factory=_format_of)

    @model_validator(mode="after")
    def _check_calibration(self) -> Self:
        wanted = CALIBRATION_OF[self.objective]
        if not isinstance(self.calibration, wanted):
            raise ValueError(f"{self.objective} is calibrated by {wanted.__name__}")  # noqa: TRY004 - pydantic turns ValueError alone into a ValidationError
        return self

    @property
    def digest(self) -> str:
        """Sha256 of the canonical JSON; covers the graphs by their sha256."""
        return digest_of(self.to_json())


class Naive(Model):
    """What anybody could have said without a model, of the rows that the version has seen.

    Risk's is HAR: its numbers are those of RiskCombination.
    """

    base_rate: float = Field(ge=0, le=1, description="Trend: the share of rises.")
    quantiles: tuple[float, float, float] = Field(
        description="Return: p10, p50 and p90 in units of one candle's current volatility."
    )


def _newest_format(fields: dict[str, Any]) -> int:
    formats: list[int] = [o.contract_version for o in fields.get("objectives", ())]
    return max(formats, default=1) if fields.get("naive") is None else 2


class VersionManifest(Model):
    """Three objectives that are served together."""

    training: str = Field(max_length=63)
    objectives: tuple[ObjectiveManifest, ...] = Field(min_length=3, max_length=3)
    naive: Naive | None = Field(default=None, description="Of format 2.")
    contract_version: int = Field(default_factory=_newest_format)

    @model_validator(mode="after")
    def _check_objectives(self) -> Self:
        if tuple(o.objective for o in self.objectives) != OBJECTIVES:
            raise ValueError(f"objectives are not {', '.join(OBJECTIVES)}")
        if any(o.inputs != self.inputs for o in self.objectives):
            raise ValueError("the objectives were trained on different inputs")
        return self

    @property
    def inputs(self) -> Inputs:
        """Return what all objectives are fed with."""
        return self.objectives[0].inputs

    @property
    def digest(self) -> str:
        """Sha256 of the canonical JSON; its first 8 digits end the version's name."""
        return digest_of(self.to_json())

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """Return those of all objectives."""
        return tuple(graph for objective in self.objectives for graph in objective.graphs)

    @property
    def version(self) -> str:
        """Name of the version in the store."""
        return f"{self.training}-{self.digest[:8]}"


_M = TypeVar("_M", ObjectiveManifest, VersionManifest)


def load_objective(folder: Path) -> ObjectiveManifest:
    """Return the manifest of one objective whose graphs are all as it says.

    Raises ArtifactInvalidError that names the file and the remedy.
    """
    manifest = _load(ObjectiveManifest, folder)
    _check_graphs(folder, manifest.graphs)
    return manifest


def load_version_manifest(folder: Path) -> VersionManifest:
    """Return the manifest of a version, itself as its name says and its graphs as it says.

    Raises ArtifactInvalidError that names the file and the remedy.
    """
    manifest = _load(VersionManifest, folder)
    if manifest.version != folder.name:
        raise ArtifactInvalidError(
            f"{folder.name}/{MANIFEST_FILE}: its content is that of {manifest.version}; "
            "it was changed after publication: train again or pin another version"
        )
    _check_graphs(folder, manifest.graphs)
    return manifest


def load_judged_manifest(folder: Path) -> VersionManifest:
    """Return the manifest of what was judged, from a folder that no version's name names.

    Raises ArtifactInvalidError that names the file and the remedy.
    """
    manifest = _load(VersionManifest, folder)
    _check_graphs(folder, manifest.graphs)
    return manifest


def is_whole(folder: Path) -> bool:
    """Tell whether a version's folder is there, with every file as its manifest says."""
    try:
        load_version_manifest(folder)
    except ArtifactInvalidError:
        return False
    return True


def _load(kind: type[_M], folder: Path) -> _M:
    content = load_json(folder / MANIFEST_FILE)
    found = content.get("contractVersion")
    if found not in MANIFEST_FORMATS:
        supported = ", ".join(map(str, MANIFEST_FORMATS))
        raise ArtifactInvalidError(
            f"{folder.name}/{MANIFEST_FILE}: contractVersion {found!r}; this release reads "
            f"{supported}; train again with it, or run the release that wrote it"
        )
    try:
        return kind.model_validate(content)
    except ValidationError as e:
        found = explain_first(e, whole="manifest")
        raise ArtifactInvalidError(f"{folder.name}/{MANIFEST_FILE}: {found}; train again") from e


def _check_graphs(folder: Path, graphs: tuple[Graph, ...]) -> None:
    for graph in graphs:
        found = sha256_of(folder / graph.file)
        if found != graph.sha256:
            raise ArtifactInvalidError(
                f"{folder.name}/{graph.file}: sha256 {found[:8]}..., the manifest has "
                f"{graph.sha256[:8]}...; the file is corrupt: train again or pin another version"
            )
