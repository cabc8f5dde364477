"""Variable selection over numbers, all variables at once.

The Temporal Fusion Transformer (Lim et al., 2021, section 4.2) passes each variable through a gated
residual network of its own and weighs the results by another one. pytorch-forecasting does so
variable by variable, which is most of a training step. Here the same network, with the same
parameters in stacks, is computed for all variables at once:

- A variable is one number x, scaled up by `Linear(1, E)`. Whatever is linear behind that is linear
  in x too: the first layers become one multiplication, and the interpolation of E to H units
  (the library's resampling) a product with a constant matrix.
- LayerNorm of x * a + c has the variance A * (x + k)^2 + D: A, k, D follow from the parameters.
- Units come before rows in memory, so that sums over the few units of a variable run along rows.
- Rows are taken in parts that fit into a core's cache.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - its name in torch's own documentation
from pytorch_forecasting.models.temporal_fusion_transformer.sub_modules import (
    VariableSelectionNetwork,
)
from torch import Tensor, nn

ROWS_IN_CACHE = 512
EPSILON = 1e-5
"""What LayerNorm adds to a variance."""


class _Scaled(NamedTuple):
    """What follows from the parameters alone, computed once a pass; each (V, units, 1)."""

    slope: Tensor
    offset: Tensor
    spread: Tensor
    centre: Tensor
    least: Tensor
    skip: Tensor
    """(V, H, 3): what x / deviation, 1 / deviation and 1 contribute to the residual."""


class VariableSelection(nn.Module):
    """The library's network of V numbers with H units each, as it was initialised.

    `across` (V * E, V) and `up` (E, H) are its interpolations. Where E is H the library resamples
    nothing, and the residual is the scaled number itself.
    """

    across: Tensor
    up: Tensor

    def __init__(self, library: VariableSelectionNetwork) -> None:
        super().__init__()
        names = list(library.input_sizes)
        scalers = [library.prescalers[name] for name in names]
        networks = [library.single_variable_grns[name] for name in names]
        self.dropout = float(library.dropout)
        self.weighing = library.flattened_grn
        self.scale = _stacked(scalers, lambda linear: linear.weight[:, 0])
        self.shift = _stacked(scalers, lambda linear: linear.bias)
        self.first_weight = _stacked(networks, lambda grn: grn.fc1.weight)
        self.first_bias = _stacked(networks, lambda grn: grn.fc1.bias)
        self.second_weight = _stacked(networks, lambda grn: grn.fc2.weight)
        self.second_bias = _stacked(networks, lambda grn: grn.fc2.bias)
        self.gate_weight = _stacked(networks, lambda grn: grn.gate_norm.glu.fc.weight)
        self.gate_bias = _stacked(networks, lambda grn: grn.gate_norm.glu.fc.bias)
        self.norm_weight = _stacked(networks, lambda grn: grn.gate_norm.add_norm.norm.weight)
        self.norm_bias = _stacked(networks, lambda grn: grn.gate_norm.add_norm.norm.bias)
        variables, size = self.scale.shape
        units = self.norm_weight.shape[1]
        self.resamples = size != units
        if self.resamples:
            self.skip_mask = _stacked(networks, lambda grn: grn.resample_norm.mask)
            self.skip_weight = _stacked(networks, lambda grn: grn.resample_norm.norm.weight)
            self.skip_bias = _stacked(networks, lambda grn: grn.resample_norm.norm.bias)
        self.register_buffer("up", _interpolation(size, units), persistent=False)
        across = _interpolation(variables * size, variables)
        self.register_buffer("across", across, persistent=False)

    def forward(self, values: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the selection (B, T, H) of values (B, T, V), and each variable's weight (B, T, V).

        `context` (B, H) is that of the static variables.
        """
        rows, length, variables = values.shape
        weights = self._weights(values, context)
        scaled = self._scaled()
        across = values.reshape(-1, variables).T.contiguous()[:, None]
        shares = weights.reshape(-1, variables).T.contiguous()[:, None]
        if torch.onnx.is_in_onnx_export():  # a graph would hold the number of parts
            selected = self._selected(across, shares, scaled)
        else:
            starts = range(0, across.shape[2], ROWS_IN_CACHE)
            parts = [slice(start, start + ROWS_IN_CACHE) for start in starts]
            selected = torch.cat(
                [self._selected(across[..., p], shares[..., p], scaled) for p in parts], 1
            )
        selected = selected + self.norm_bias.T @ shares[:, 0]
        return selected.T.reshape(rows, length, -1), weights

    def scaled_up(self, value: Tensor, variable: int) -> Tensor:
        """Return one variable's numbers (..., 1) as its E units (..., E)."""
        return value * self.scale[variable] + self.shift[variable]

    def _weights(self, values: Tensor, context: Tensor) -> Tensor:
        """Return the softmax of the library's network over all scaled variables side by side."""
        variables, size = self.scale.shape
        grn = self.weighing
        first = grn.fc1.weight.reshape(-1, variables, size)
        hidden = F.linear(
            values,
            (first * self.scale).sum(2),
            grn.fc1.bias + (first * self.shift).sum((1, 2)),
        )
        hidden = F.elu(hidden + grn.context(context)[:, None])
        across = self.across.reshape(variables, size, variables)
        resampled = values @ (across * self.scale[..., None]).sum(1)
        resampled = resampled + (across * self.shift[..., None]).sum((0, 1))
        residual = grn.resample_norm.norm(resampled * _gate(grn.resample_norm.mask))
        return F.softmax(grn.gate_norm(grn.fc2(hidden), residual), -1)

    def _scaled(self) -> _Scaled:
        slope = torch.einsum("vfe,ve->vf", self.first_weight, self.scale)
        offset = torch.einsum("vfe,ve->vf", self.first_weight, self.shift) + self.first_bias
        none = torch.zeros_like(self.norm_weight)
        if not self.resamples:
            flat = torch.zeros_like(slope[:, :1, None])
            skip = torch.stack([self.scale, none, self.shift], 2)
            return _Scaled(slope[..., None], offset[..., None], flat, flat, flat + 1, skip)
        gate = _gate(self.skip_mask)
        a, c = (self.scale @ self.up) * gate, (self.shift @ self.up) * gate
        a, c = a - a.mean(1, keepdim=True), c - c.mean(1, keepdim=True)
        spread = (a * a).mean(1, keepdim=True)
        centre = (a * c).mean(1, keepdim=True) / (spread + 1e-12)
        least = (c - centre * a).square().mean(1, keepdim=True) + EPSILON
        skip = torch.stack([a * self.skip_weight, c * self.skip_weight, self.skip_bias], 2)
        return _Scaled(
            slope[..., None],
            offset[..., None],
            spread[..., None],
            centre[..., None],
            least[..., None],
            skip,
        )

    def _selected(self, x: Tensor, weights: Tensor, of: _Scaled) -> Tensor:
        """Return the weighted sum (H, n) of the variables' networks at x and weights (V, 1, n)."""
        hidden = F.elu(torch.addcmul(of.offset, x, of.slope), inplace=True)
        hidden = torch.baddbmm(self.second_bias[..., None], self.second_weight, hidden)
        if self.training and self.dropout > 0:
            hidden = hidden * _kept(hidden, self.dropout) * (1 / (1 - self.dropout))
        gated = F.glu(torch.baddbmm(self.gate_bias[..., None], self.gate_weight, hidden), 1)
        inverse = torch.rsqrt(of.spread * (x + of.centre).square() + of.least)
        residual = torch.cat([x * inverse, inverse, torch.ones_like(x)], 1)
        sums = torch.baddbmm(gated, of.skip, residual)
        sums = sums - sums.mean(1, keepdim=True)
        deviation = torch.rsqrt(sums.square().mean(1, keepdim=True) + EPSILON)
        return (sums * (deviation * weights) * self.norm_weight[..., None]).sum(0)


def _kept(like: Tensor, dropout: float) -> Tensor:
    """Return which units dropout keeps, by 16 random bits each; floats take four times as long."""
    words = torch.randint(-(2**63), 2**63 - 1, (-(-like.numel() // 4),))
    bits = words.view(torch.int16)[: like.numel()].view(like.shape)
    return bits >= round(dropout * 2**16) - 2**15


def _gate(mask: Tensor) -> Tensor:
    return torch.sigmoid(mask) * 2.0


def _interpolation(size: int, units: int) -> Tensor:
    """Return the matrix (size, units) of the library's linear resampling."""
    each = torch.eye(size)[:, None]
    return F.interpolate(each, units, mode="linear", align_corners=True)[:, 0]


def _stacked(modules: list[Any], tensor_of: Callable[[Any], Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.stack([tensor_of(module).detach() for module in modules]))
