"""The Temporal Fusion Transformer (Lim et al., 2021) of pytorch-forecasting, fitted by lightning.

The encoder reads the feature rows of the last `encoderLength` candles, the decision's own as the
last. The decoder is one step that stands for the whole horizon: its target is the label at the
decision, and of that step only its place in time is known beforehand. So nothing after the
decision is ever an input, in fitting as in serving, and there is no future row to make up
(docs/adr has the reasons).
"""

import io
import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch

from bot_runtime.arrays import Rows, Values
from bot_runtime.contract.spec import ModelSpec, TemporalFusionTransformerSpec
from bot_runtime.features.sequences import ROWS_AT_ONCE, windows_at
from bot_runtime.learning.models.forecaster import Task
from bot_runtime.learning.models.tft.fitting import fit_network
from bot_runtime.learning.models.tft.network import Shape, WindowNetwork
from bot_runtime.learning.models.tft.schedule import Schedule

WEIGHTS_FILE = "weights.pt"
SHAPE_FILE = "network.json"
EPOCHS = "epochs"
ONNX_OPSET = 17
LARGE_STEP = 32_768
"""Hidden size times batch size from which on a second thread pays for its waiting."""


def threads_for(spec: TemporalFusionTransformerSpec, most: int) -> int:
    """Return how many threads, of `most`, make a step of this network fastest."""
    return most if spec.hidden_size * spec.batch_size >= LARGE_STEP else 1


@dataclass(frozen=True, slots=True, eq=False)
class TemporalFusionTransformer:
    """A fitted network.

    Attributes:
        epochs: how many its weights have seen; a fit may have gone on from there, for nothing.
    """

    network: WindowNetwork
    epochs: int

    @classmethod
    def window_of(cls, spec: ModelSpec) -> int:
        """Return the encoder's length."""
        return spec.encoder_length

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Fit by the schedule of the specification; keep the weights of the best epoch."""
        return cls._fit(task, None)

    def fit_again(self, task: Task) -> Self:
        """Fit by the same schedule, and end with the epoch that was the best."""
        return self._fit(task, self.epochs)

    @classmethod
    def _fit(cls, task: Task, epochs: int | None) -> Self:
        task.check(cls.window_of(task.spec))
        spec = task.spec.temporal_fusion_transformer
        torch.set_num_threads(threads_for(spec, task.threads))
        shape = Shape(
            objective=task.objective,
            features=task.features.shape[1],
            encoder_length=task.spec.encoder_length,
            hidden_size=spec.hidden_size,
            attention_heads=spec.attention_heads,
            dropout=spec.dropout,
        )
        with torch.random.fork_rng():
            torch.manual_seed(task.spec.seed)
            schedule = Schedule.of(spec, len(task.fit), task.spec.seed)
            network = WindowNetwork(shape)
            own = torch.as_tensor(task.features[task.fit], dtype=torch.float32)
            network.mean.copy_(own.mean(dim=0))
            network.deviation.copy_(torch.clamp(own.std(dim=0), min=1e-8))
            known = fit_network(network, task, schedule, epochs)
        return cls(network.eval(), known)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the network of its shape and plain tensors."""
        saved = json.loads((folder / SHAPE_FILE).read_text(encoding="utf-8"))
        epochs = saved.pop(EPOCHS)
        network = WindowNetwork(Shape(**saved))
        weights = torch.load(folder / WEIGHTS_FILE, weights_only=True, map_location="cpu")
        network.load_state_dict(weights)
        return cls(network.eval(), epochs)

    def save(self, folder: Path) -> None:
        """Write the shape as JSON and the tensors as torch's archive of plain tensors."""
        shape = asdict(self.network.shape) | {EPOCHS: self.epochs}
        (folder / SHAPE_FILE).write_text(json.dumps(shape, indent=1), encoding="utf-8")
        weights = io.BytesIO()  # torch's own writer tells of a full volume by no OSError
        torch.save(self.network.state_dict(), weights)
        (folder / WEIGHTS_FILE).write_bytes(weights.getvalue())

    def raw(self, features: Values, rows: Rows) -> Values:
        """Return the network's raw outputs."""
        length = self.network.shape.encoder_length
        parts = []
        with torch.inference_mode():
            for start in range(0, len(rows), ROWS_AT_ONCE):
                windows = windows_at(features, rows[start : start + ROWS_AT_ONCE], length)
                parts.append(self.network(torch.from_numpy(windows)).numpy())
        return np.concatenate(parts, dtype=np.float64)

    def export(self, folder: Path, stem: str) -> str:
        """Write one graph by torch's tracing exporter; its rows are the one length that varies."""
        name = f"{stem}.onnx"
        width = self.network.shape.encoder_length * self.network.shape.features
        with warnings.catch_warnings():
            # It warns that lengths become constants, which is what they are here, and that it is
            # the older exporter: the newer one cannot follow the library's packed sequences.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                self.network,
                (torch.zeros(2, width),),
                folder / name,
                dynamo=False,
                opset_version=ONNX_OPSET,
                input_names=["window"],
                output_names=["raw"],
                dynamic_axes={"window": {0: "rows"}, "raw": {0: "rows"}},
            )
        return name
