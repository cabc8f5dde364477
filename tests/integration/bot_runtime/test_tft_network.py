"""Our network is the library's: same parameters, same output, same gradients."""

import copy
from typing import Any, get_args

import pytest
import torch
from pytorch_forecasting.data.encoders import TorchNormalizer
from torch import Tensor

from bot_runtime.contract.spec import Objective
from bot_runtime.learning.models.tft.network import FARTHEST, Shape, WindowNetwork, library_network
from bot_runtime.learning.models.tft.variable_selection import ROWS_IN_CACHE, _kept

ROWS, LENGTH, FEATURES = 70, 9, 5
assert ROWS * LENGTH > ROWS_IN_CACHE, "more than one part"


STACKED = {
    "first_weight": "fc1.weight",
    "first_bias": "fc1.bias",
    "second_weight": "fc2.weight",
    "second_bias": "fc2.bias",
    "gate_weight": "gate_norm.glu.fc.weight",
    "gate_bias": "gate_norm.glu.fc.bias",
    "norm_weight": "gate_norm.add_norm.norm.weight",
    "norm_bias": "gate_norm.add_norm.norm.bias",
    "skip_mask": "resample_norm.mask",
    "skip_weight": "resample_norm.norm.weight",
    "skip_bias": "resample_norm.norm.bias",
}
PARTS = {
    "selection.weighing": "encoder_variable_selection.flattened_grn",
    "horizon": "decoder_variable_selection.single_variable_grns.place",
    "selection_context": "static_context_variable_selection",
    "initial_hidden": "static_context_initial_hidden_lstm",
    "initial_cell": "static_context_initial_cell_lstm",
    "enrichment_context": "static_context_enrichment",
    "encoder": "lstm_encoder",
    "decoder": "lstm_decoder",
    "local_gate": "post_lstm_gate_encoder",
    "local_norm": "post_lstm_add_norm_encoder",
    "enrichment": "static_enrichment",
    "attention": "multihead_attn",
    "attention_norm": "post_attn_gate_norm",
    "feed_forward": "pos_wise_ff",
    "output_norm": "pre_output_gate_norm",
    "output": "output_layer",
}


def network_pair(hidden_size: int, objective: Objective) -> tuple[Any, WindowNetwork]:
    """Return the library's network with parameters as after some steps, and ours of a copy."""
    torch.manual_seed(3)
    shape = Shape(objective, FEATURES, LENGTH, hidden_size, 2, 0.0)
    library = library_network(shape)
    library.output_transformer = TorchNormalizer(method="identity")
    with torch.no_grad():
        for parameter in library.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return library, WindowNetwork(shape, copy.deepcopy(library))


def library_batch(windows: Tensor) -> dict[str, Tensor]:
    """Return the library's input of flat windows: its own way of encoder, horizon and lengths."""
    history = windows.reshape(ROWS, LENGTH, FEATURES).clamp(-FARTHEST, FARTHEST)
    place = (torch.arange(1 - LENGTH, 2) / LENGTH).reshape(1, -1, 1).expand(ROWS, -1, -1)
    return {
        "encoder_cont": torch.cat([history, place[:, :LENGTH]], 2),
        "decoder_cont": torch.cat([torch.zeros(ROWS, 1, FEATURES), place[:, LENGTH:]], 2),
        "encoder_cat": torch.zeros(ROWS, LENGTH, 0, dtype=torch.long),
        "decoder_cat": torch.zeros(ROWS, 1, 0, dtype=torch.long),
        "encoder_lengths": torch.full((ROWS,), LENGTH),
        "decoder_lengths": torch.ones(ROWS, dtype=torch.long),
        "target_scale": torch.tensor([[0.0, 1.0]]).expand(ROWS, 2),
    }


@pytest.mark.parametrize("hidden_size", [4, 10, 16])
@pytest.mark.parametrize("objective", get_args(Objective))
def test_output_and_gradients_are_the_librarys(hidden_size: int, objective: Objective) -> None:
    library, ours = network_pair(hidden_size, objective)
    windows = 3 * torch.randn(ROWS, LENGTH * FEATURES)
    expected = library(library_batch(windows))["prediction"][:, 0]
    found = ours(windows)
    assert torch.allclose(found, expected, atol=1e-6, rtol=1e-6)

    weights = torch.randn_like(found)
    (expected * weights).sum().backward()
    (found * weights).sum().backward()
    for name, expected_gradient in library_gradients(library).items():
        gradient = ours.get_parameter(name).grad
        assert gradient is not None, name
        assert torch.allclose(gradient, expected_gradient, atol=1e-5, rtol=1e-4), name


def library_gradients(library: Any) -> dict[str, Tensor]:
    """Return the library's gradients by the names of our parameters."""
    selection = library.encoder_variable_selection
    networks = list(selection.single_variable_grns.values())
    has = dict(networks[0].named_parameters())
    found = {
        f"selection.{name}": torch.stack([n.get_parameter(path).grad for n in networks])
        for name, path in STACKED.items()
        if path in has
    }
    scalers = [library.prescalers[name] for name in selection.input_sizes]
    found["selection.scale"] = torch.stack([s.weight.grad[:, 0] for s in scalers])
    found["selection.shift"] = torch.stack([s.bias.grad for s in scalers])
    for own, path in PARTS.items():
        for name, parameter in library.get_submodule(path).named_parameters():
            if parameter.grad is not None:
                found[f"{own}.{name}"] = parameter.grad
    return found


def test_it_has_the_librarys_number_of_parameters() -> None:
    library, ours = network_pair(16, "Return")
    assert count(ours) == count(library)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_dropout_keeps_its_share_of_units(dropout: float) -> None:
    torch.manual_seed(1)
    kept = _kept(torch.zeros(7, 11, 1301), dropout).float()
    assert kept.mean() == pytest.approx(1 - dropout, abs=0.01)
    assert kept.mean(dim=(0, 1)).std() < 0.1


def test_dropout_is_at_work_in_fitting_alone() -> None:
    shape = Shape("Return", FEATURES, LENGTH, 8, 1, 0.5)
    ours = WindowNetwork(shape)
    windows = torch.randn(ROWS, LENGTH * FEATURES)
    values, context = ours._standardised(windows), torch.zeros(ROWS, 8)
    ours.train()
    first, second = (ours.selection(values, context)[0] for _ in range(2))
    assert not torch.equal(first, second)
    ours.eval()
    first, second = (ours.selection(values, context)[0] for _ in range(2))
    assert torch.equal(first, second)
