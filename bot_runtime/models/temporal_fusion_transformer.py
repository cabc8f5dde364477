"""The Temporal Fusion Transformer (Lim et al., 2021) of pytorch-forecasting, fitted by lightning.

The encoder reads the feature rows of the last `encoderLength` candles, the decision's own as the
last. The decoder is one step that stands for the whole horizon: its target is the label at the
decision, and of that step only its place in time is known beforehand. So nothing after the
decision is ever an input, in fitting as in serving, and there is no future row to make up
(docs/adr has the reasons).
"""

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from pytorch_forecasting.data.encoders import TorchNormalizer
from pytorch_forecasting.metrics import CrossEntropy, MultiHorizonMetric, QuantileLoss
from torch import Tensor, nn

from bot_runtime.contract.spec import ModelSpec, Objective
from bot_runtime.models.forecaster import Rows, Task, Values
from bot_runtime.models.tft_fitting import Schedule, ScheduledNetwork, fit_network
from bot_runtime.scores import QUANTILES
from bot_runtime.serving import ROWS_AT_ONCE, windows_at

WEIGHTS_FILE = "weights.pt"
SHAPE_FILE = "network.json"
ONNX_OPSET = 17
LARGE_STEP = 32_768
"""Hidden size times batch size from which on a second thread pays for its waiting."""
FARTHEST = 6.0
"""Standardised features are cut at this many standard deviations."""


class GammaDeviance(MultiHorizonMetric):  # type: ignore[misc]  # the library ships no types
    """Gamma deviance of a positive target under a logarithmic link: QLIKE but for a constant."""

    def loss(self, y_pred: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each row and step."""
        logarithm = y_pred[..., 0]
        return target * torch.exp(-logarithm) + logarithm


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network is built from."""

    objective: Objective
    features: int
    encoder_length: int
    hidden_size: int
    attention_heads: int
    dropout: float


class WindowNetwork(nn.Module):
    """The library's network behind the bundle's input and output, every length a constant."""

    mean: Tensor
    deviation: Tensor
    place: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.features))
        self.register_buffer("deviation", torch.ones(shape.features))
        place = torch.arange(1 - shape.encoder_length, 2, dtype=torch.float32)
        self.register_buffer("place", place / shape.encoder_length)
        self.network = _library_network(shape)

    def to_batch(self, windows: Tensor) -> dict[str, Tensor]:
        """Return the library's input of flat windows (rows, encoder_length * features)."""
        rows, length = windows.shape[0], self.shape.encoder_length
        history = windows.reshape(rows, length, self.shape.features)
        standardised = torch.clamp((history - self.mean) / self.deviation, -FARTHEST, FARTHEST)
        place = self.place.reshape(1, -1, 1).expand(rows, -1, -1)
        unknown = torch.zeros_like(standardised[:, :1])
        return {
            "encoder_cont": torch.cat([standardised, place[:, :length]], dim=2),
            "decoder_cont": torch.cat([unknown, place[:, length:]], dim=2),
            "encoder_cat": torch.zeros(rows, length, 0, dtype=torch.long),
            "decoder_cat": torch.zeros(rows, 1, 0, dtype=torch.long),
            "encoder_lengths": torch.full((rows,), length),
            "decoder_lengths": torch.ones(rows, dtype=torch.long),
            "decoder_target": torch.zeros(rows, 1),
            "target_scale": torch.tensor([[0.0, 1.0]]).expand(rows, 2),
        }

    def forward(self, windows: Tensor) -> Tensor:
        """Return the raw outputs (rows, outputs)."""
        output: Tensor = self.network(self.to_batch(windows))["prediction"][:, 0]
        if self.shape.objective == "Trend":
            return output[:, 1:] - output[:, :1]
        return output


def _library_network(shape: Shape) -> ScheduledNetwork:
    """Return pytorch-forecasting's network with the objective's loss.

    The target comes scaled and `outputs` scales predictions back, so the library's own
    normalisation is the identity.
    """
    losses: dict[Objective, tuple[MultiHorizonMetric, int]] = {
        "Trend": (CrossEntropy(), 2),
        "Return": (QuantileLoss(list(QUANTILES)), len(QUANTILES)),
        "Risk": (GammaDeviance(), 1),
    }
    loss, outputs = losses[shape.objective]
    features = [f"feature_{i}" for i in range(shape.features)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lightning advises against saving the loss: nothing is
        return ScheduledNetwork(
            hidden_size=shape.hidden_size,
            attention_head_size=shape.attention_heads,
            dropout=shape.dropout,
            hidden_continuous_size=max(4, shape.hidden_size // 2),
            output_size=outputs,
            loss=loss,
            max_encoder_length=shape.encoder_length,
            x_reals=[*features, "place"],
            time_varying_reals_encoder=[*features, "place"],
            time_varying_reals_decoder=["place"],
            logging_metrics=nn.ModuleList(),
            output_transformer=TorchNormalizer(method="identity"),
        )


@dataclass(frozen=True, slots=True, eq=False)
class TemporalFusionTransformer:
    """A fitted network."""

    network: WindowNetwork

    @classmethod
    def window_of(cls, spec: ModelSpec) -> int:
        """Return the encoder's length."""
        return spec.encoder_length

    @classmethod
    def fit(cls, task: Task) -> Self:
        """Fit by the schedule of the specification; keep the weights of the best epoch."""
        spec = task.spec.temporal_fusion_transformer
        small = spec.hidden_size * spec.batch_size < LARGE_STEP
        torch.set_num_threads(1 if small else task.threads)
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
            fit_network(network, task, schedule)
        return cls(network.eval())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the network of its shape and plain tensors."""
        shape = Shape(**json.loads((folder / SHAPE_FILE).read_text(encoding="utf-8")))
        network = WindowNetwork(shape)
        weights = torch.load(folder / WEIGHTS_FILE, weights_only=True, map_location="cpu")
        network.load_state_dict(weights)
        return cls(network.eval())

    def save(self, folder: Path) -> None:
        """Write the shape as JSON and the tensors as torch's archive of plain tensors."""
        shape = json.dumps(asdict(self.network.shape), indent=1)
        (folder / SHAPE_FILE).write_text(shape, encoding="utf-8")
        torch.save(self.network.state_dict(), folder / WEIGHTS_FILE)

    def raw(self, features: Values, rows: Rows) -> Values:
        """Return the network's raw outputs."""
        length = self.network.shape.encoder_length
        parts = []
        with torch.inference_mode():
            for start in range(0, len(rows), ROWS_AT_ONCE):
                windows = windows_at(features, rows[start : start + ROWS_AT_ONCE], length)
                parts.append(self.network(torch.from_numpy(windows)).numpy())
        return np.concatenate(parts, dtype=np.float64)

    def export(self, folder: Path, stem: str) -> tuple[str, ...]:
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
        return (name,)
