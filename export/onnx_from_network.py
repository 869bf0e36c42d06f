"""From a torch module of several inputs to an ONNX file with chosen tensor names and a free batch axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
from torch import Tensor, nn

from export.onnx_from_module import trace


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
    trace(module, tuple(example), inputs=inputs, outputs=outputs, path=path)
    onnx.checker.check_model(str(path), full_check=True)
