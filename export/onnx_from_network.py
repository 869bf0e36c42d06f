"""From a torch module of several inputs to an ONNX file with chosen tensor names and a free batch axis."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from export.onnx_from_module import OPSET, fold_linear_norms


def onnx_from_network(
    module: nn.Module, example: Sequence[Tensor], *, inputs: Sequence[str], outputs: Sequence[str], path: Path
) -> None:
    """Write a module as ONNX, weights as they are, and check the file.

    Args:
        module: In inference mode; takes as many tensors as `inputs` has names.
        example: The tensors, each [B, ...] with B of at least 2, since an axis of length 1 would be taken for a
            constant.
        inputs: Names of the input tensors.
        outputs: Names of the output tensors, in the order of the module's answer.
        path: File to write; its folder exists.

    Raises:
        ValueError: If a tensor has a batch of one, names and tensors differ in number, or the module is in training
            mode.
        onnx.checker.ValidationError: If the written graph is not valid ONNX.
    """
    if len(example) != len(inputs):
        raise ValueError(f"got {len(example)} tensors for {len(inputs)} names of inputs: give one of each")
    if min(tensor.shape[0] for tensor in example) < 2:
        raise ValueError("an example has a batch of 1, expected at least 2")
    if module.training:
        raise ValueError("the module is in training mode: call eval() first")
    with warnings.catch_warnings():
        # The tracing exporter is deprecated, but it alone needs no package beyond torch and gives names as asked; of a
        # recurrent layer it warns that another batch may fail: that is tried out for each network in its test.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            fold_linear_norms(module),
            tuple(example),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in (*inputs, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(str(path), full_check=True)
