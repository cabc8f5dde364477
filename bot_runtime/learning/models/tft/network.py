"""The network of a Temporal Fusion Transformer: pytorch-forecasting's, for windows of one length.

It is the library's network, with its initialisation, for what is served here: every window has the
same length, the horizon is one step, and there are no static variables. What the library does for
other cases (packed sequences, masks, tables of embeddings) is left out; tests hold its output and
its gradients against the library's.
"""

import warnings
from dataclasses import dataclass

import torch
from pytorch_forecasting.metrics import QuantileLoss
from pytorch_forecasting.models import TemporalFusionTransformer
from torch import Tensor, nn

from bot_runtime.contract.spec import Objective
from bot_runtime.learning.models.forecaster import OUTPUTS
from bot_runtime.learning.models.tft.variable_selection import VariableSelection

FARTHEST = 6.0
"""Standardised features are cut at this many standard deviations."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network is built from."""

    objective: Objective
    features: int
    encoder_length: int
    hidden_size: int
    attention_heads: int
    dropout: float


def library_network(shape: Shape) -> TemporalFusionTransformer:
    """Return pytorch-forecasting's network; the last of its variables is the place in time."""
    features = [f"feature_{i}" for i in range(shape.features)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lightning advises against saving the loss: nothing is
        return TemporalFusionTransformer(
            hidden_size=shape.hidden_size,
            attention_head_size=shape.attention_heads,
            dropout=shape.dropout,
            hidden_continuous_size=max(4, shape.hidden_size // 2),
            output_size=OUTPUTS[shape.objective],
            loss=QuantileLoss(),  # asked for by its constructor; fitting has its own
            max_encoder_length=shape.encoder_length,
            x_reals=[*features, "place"],
            time_varying_reals_encoder=[*features, "place"],
            time_varying_reals_decoder=["place"],
            logging_metrics=nn.ModuleList(),
        )


class WindowNetwork(nn.Module):
    """The library's network behind the bundle's input and output, every length a constant."""

    mean: Tensor
    deviation: Tensor
    place: Tensor

    def __init__(self, shape: Shape, library: TemporalFusionTransformer | None = None) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("mean", torch.zeros(shape.features))
        self.register_buffer("deviation", torch.ones(shape.features))
        place = torch.arange(1 - shape.encoder_length, 2, dtype=torch.float32)
        self.register_buffer("place", place / shape.encoder_length)
        parts = library or library_network(shape)
        self.selection = VariableSelection(parts.encoder_variable_selection)
        self.horizon = parts.decoder_variable_selection.single_variable_grns["place"]
        self.selection_context = parts.static_context_variable_selection
        self.initial_hidden = parts.static_context_initial_hidden_lstm
        self.initial_cell = parts.static_context_initial_cell_lstm
        self.enrichment_context = parts.static_context_enrichment
        self.encoder, self.decoder = parts.lstm_encoder, parts.lstm_decoder
        self.local_gate = parts.post_lstm_gate_encoder
        self.local_norm = parts.post_lstm_add_norm_encoder
        self.enrichment = parts.static_enrichment
        self.attention = parts.multihead_attn
        self.attention_norm = parts.post_attn_gate_norm
        self.feed_forward = parts.pos_wise_ff
        self.output_norm = parts.pre_output_gate_norm
        self.output = parts.output_layer

    def forward(self, windows: Tensor) -> Tensor:
        """Return the raw outputs (rows, outputs) of flat windows (rows, length * features)."""
        rows, length = windows.shape[0], self.shape.encoder_length
        static = torch.zeros(rows, self.shape.hidden_size)
        known = self._standardised(windows)
        history, _ = self.selection(known, self.selection_context(static))
        ahead = self.selection.scaled_up(self.place[length:].expand(rows, 1, 1), -1)
        embedded = torch.cat([history, self.horizon(ahead)], 1)

        state = (self.initial_hidden(static)[None], self.initial_cell(static)[None])
        past, state = self.encoder(history, state)
        future, _ = self.decoder(embedded[:, length:], state)
        local = self.local_norm(self.local_gate(torch.cat([past, future], 1)), embedded)

        context = self.enrichment_context(static)[:, None].expand(-1, length + 1, -1)
        enriched = self.enrichment(local, context)
        past, now = enriched[:, :length], enriched[:, length:]
        attended, _ = self.attention(now, past, past)  # a step does not attend to itself
        attended = self.feed_forward(self.attention_norm(attended, now))
        raw: Tensor = self.output(self.output_norm(attended, local[:, length:]))
        return raw[:, 0]

    def _standardised(self, windows: Tensor) -> Tensor:
        """Return (rows, length, features + 1): cut features, and the place in time."""
        rows, length = windows.shape[0], self.shape.encoder_length
        history = windows.reshape(rows, length, self.shape.features)
        cut = torch.clamp((history - self.mean) / self.deviation, -FARTHEST, FARTHEST)
        place = self.place[:length].reshape(1, -1, 1).expand(rows, -1, -1)
        return torch.cat([cut, place], 2)
