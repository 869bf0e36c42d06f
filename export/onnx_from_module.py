"""From a torch module to an ONNX file with chosen tensor names and a free batch axis."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from export.half import store_half

OPSET = 18


def onnx_from_module(
    module: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Write a module as ONNX, weights in half precision, and check the file.

    Args:
        module: In inference mode; takes one tensor, or as many as the example has.
        example: [B, ...] with B of at least 2, since an axis of length 1 would be taken for a constant; one for each
            input of a module with several.
        inputs: Names of the input tensors, in the order of the module's arguments.
        outputs: Names of the output tensors, in the order of the module's answer.
        path: File to write; its folder exists.

    Raises:
        ValueError: If the example has a batch of one or the module is in training mode.
        onnx.checker.ValidationError: If the written graph is not valid ONNX.
    """
    examples = example if isinstance(example, tuple) else (example,)
    trace(module, examples, inputs=inputs, outputs=outputs, path=path)
    model = store_half(onnx.load(str(path)))
    fix_output_sizes(model, module, examples)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def trace(
    module: nn.Module, examples: tuple[Tensor, ...], *, inputs: Sequence[str], outputs: Sequence[str], path: Path
) -> None:
    """Write a module as ONNX, weights as they are, unchecked; what is asked of it is said at `onnx_from_module`.

    Raises:
        ValueError: If an example has a batch of one or the module is in training mode.
    """
    smallest = min(part.shape[0] for part in examples)
    if smallest < 2:
        raise ValueError(f"the example has a batch of {smallest}, expected at least 2")
    if module.training:
        raise ValueError("the module is in training mode: call eval() first")
    axes = {name: {0: "batch"} for name in (*inputs, *outputs)}
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but it alone needs no package beyond torch and gives names as asked; of a
        # recurrent layer it warns that another batch may fail: that is tried out for each network in its test.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            fold_linear_norms(module),
            examples,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def fix_output_sizes(model: onnx.ModelProto, module: nn.Module, examples: tuple[Tensor, ...]) -> None:
    """Write the sizes of the outputs into the graph where the exporter could not infer them (after a top-k)."""
    with torch.inference_mode():
        answer = module(*examples)
    parts = answer if isinstance(answer, tuple) else (answer,)
    for output, part in zip(model.graph.output, parts, strict=True):
        for dimension, size in zip(output.type.tensor_type.shape.dim[1:], part.shape[1:], strict=True):
            dimension.dim_value = size


def fold_linear_norms(module: nn.Module) -> nn.Module:
    """Copy a module with each `Linear, BatchNorm1d` pair of a `Sequential` made one layer.

    The exporter folds normalisation into convolutions by itself, but not into linear layers.
    """
    folded = copy.deepcopy(module)
    for parent in folded.modules():
        if isinstance(parent, nn.Sequential):
            _fold_pairs(parent)
    return folded


def _fold_pairs(parent: nn.Sequential) -> None:
    for index in range(len(parent) - 1):
        first, second = parent[index], parent[index + 1]
        if isinstance(first, nn.Linear) and isinstance(second, nn.BatchNorm1d) and second.affine:
            parent[index] = fuse_linear_bn_eval(first, second)
            parent[index + 1] = nn.Identity()
