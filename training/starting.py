"""The start of a text pair that looks through another network's trunk: its weights, read off the graph of a pack.

A graph in a pack has its norms folded into the convolutions. So that a trunk which goes on learning begins as the same
function, with the statistics of a batch as well as with the kept ones, its norms are given those of real crops.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.blocks import ConvUnit, PixelInput

__all__ = ["start_trunk"]

# A convolution in a graph: its weight and its bias.
Folded = tuple[Tensor, Tensor]


def start_trunk(trunk: nn.Module, graph: Path, crops: Tensor) -> None:
    """Give a trunk the weights of one in an exported graph.

    Args:
        trunk: Of `ConvUnit`s; in the graph it is called `trunk`.
        graph: ONNX file.
        crops: [B, H, W, 3], uint8, RGB: what the norms take their statistics from.

    Raises:
        ValueError: If the graph holds another trunk.

    Shape legend: B crops, H rows, W columns.
    """
    folded = _folded_convolutions(graph)
    for name, unit in _units(trunk).items():
        held = folded.get(f"trunk.{name}.conv")
        if held is None or held[0].shape != unit.conv.weight.shape:
            there = "nothing" if held is None else f"{tuple(held[0].shape)}"
            raise ValueError(f"{graph} has {there} at trunk.{name}, expected {tuple(unit.conv.weight.shape)}")
        _fill(unit, *held)
    _settle(trunk, PixelInput()(crops))


def _fill(unit: ConvUnit, weight: Tensor, bias: Tensor) -> None:
    """Make a unit the convolution, its norm only adding the bias."""
    with torch.no_grad():
        unit.conv.weight.copy_(weight)
        unit.norm.bias.copy_(bias)
    _keep(unit.norm, torch.zeros_like(bias), torch.ones_like(bias) - unit.norm.eps)


def _settle(trunk: nn.Module, pixels: Tensor) -> None:
    """Keep in each norm the mean and the variance of what it gets, so that it gives the same as before."""
    got: dict[nn.BatchNorm2d, Tensor] = {}
    norms = [unit.norm for unit in _units(trunk).values()]
    hooks = [norm.register_forward_pre_hook(lambda norm, values: got.update({norm: values[0]})) for norm in norms]
    with torch.no_grad():
        trunk.eval()(pixels)
    for hook in hooks:
        hook.remove()
    trunk.train()
    for norm, values in got.items():
        _keep(norm, values.mean(dim=(0, 2, 3)), values.var(dim=(0, 2, 3), unbiased=False))


def _keep(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Change the statistics of a norm that adds its bias alone, and not what it does."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    with torch.no_grad():
        norm.bias.add_(mean - norm.running_mean)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())


def _units(trunk: nn.Module) -> dict[str, ConvUnit]:
    return {name: module for name, module in trunk.named_modules() if isinstance(module, ConvUnit)}


def _folded_convolutions(graph: Path) -> Mapping[str, Folded]:
    """Weights and biases by the name of the convolution's module, which its output carries."""
    read = onnx.load(graph).graph
    # Weights that are stored as halves are cast in the graph, to a tensor of the name without `.half`.
    stored = {one.name.removesuffix(".half"): numpy_helper.to_array(one) for one in read.initializer}
    held = {name: torch.from_numpy(array.copy()).float() for name, array in stored.items() if array.dtype.kind == "f"}
    convolutions = [node for node in read.node if node.op_type == "Conv" and len(node.input) == 3]
    return {_module_of(node.output[0]): (held[node.input[1]], held[node.input[2]]) for node in convolutions}


def _module_of(output: str) -> str:
    """`/trunk/trunk.1/body/body.0/conv/Conv_output_0` is what `trunk.1.body.0.conv` gives."""
    parts = output.strip("/").split("/")[:-1]
    following = [*parts[1:], ""]
    return ".".join(part for part, after in zip(parts, following, strict=True) if not after.startswith(f"{part}."))
