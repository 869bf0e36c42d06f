"""SCRFD, a detector of faces and their five points: the user's ONNX graph with pixels in front and boxes behind.

Sources: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", arXiv:2105.04714v1;
deepinsight/insightface at 7fadd420, `python-package/insightface/model_zoo/scrfd.py`; methods.md 7.1. The public graph
takes RGB less 127.5 over 128 and gives, at strides of 8, 16 and 32 with two anchors a cell, a score, four distances
from the anchor to the edges and five points, both in strides. Here they leave as pixels, the best proposals only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from export.recipes.agreement import agreement, comparable
from export.recipes.card import Card
from export.recipes.errors import RecipeError
from export.recipes.graph_parts import PUBLIC, behind, pixels_before, read_graph, session, set_apart
from export.recipes.parts import Part, Written
from export.recipes.scrfd_reference import reference
from export.recipes.shapes import PROPOSALS, detector
from export.samples import AnyArray, feed_of
from packs.manifest import DetectionSettings
from packs.spec import TensorSpec

SIDE = 640
STRIDES = (8, 16, 32)
ANCHORS = 2
MEAN, SPREAD = 127.5, 128.0
# What its authors use.
THRESHOLD, IOU = 0.5, 0.4
WIDTHS = {1: "scores", 4: "distances", 10: "points"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Which output of a graph is what.

    Attributes:
        image: Name of the input.
        outputs: Names of the outputs of scores, distances and points, each at strides of 8, 16 and 32.
        batched: Whether outputs have a batch axis and the input's is free; else one picture is taken at a time.
    """

    image: str
    outputs: Mapping[str, tuple[str, str, str]]
    batched: bool


def write(card: Card, file: Path, directory: Path, arrays: Mapping[str, AnyArray]) -> list[Written]:
    """Take a graph of SCRFD into a pack.

    Raises:
        RecipeError: If it is another graph, or what was written does not agree with it.
    """
    model = read_graph(file)
    layout = layout_of(model)
    spec = detector(SIDE, SIDE, PROPOSALS, [TensorSpec(name="points", dtype="FP32", shape=(PROPOSALS, 10))])
    spec = spec.model_copy(
        update={"licence": card.weights_licence} | ({} if layout.batched else {"max_batch": 1, "warmup_batches": (1,)})
    )
    partial = directory / f"{spec.name}.partial.onnx"
    onnx.save(served(model, layout), str(partial))
    inputs = comparable(spec, feed_of(spec, arrays))
    figures = agreement(spec, partial, inputs, reference(model, layout)(inputs))
    partial.replace(directory / spec.file)
    settings = DetectionSettings(model=spec.name, thresholds=(THRESHOLD, 1.0, 1.0), iou=IOU)
    return [Written(Part(spec, settings), figures)]


def layout_of(model: onnx.ModelProto) -> Layout:
    """Find out which output is what, by running the graph once: exporters number their tensors as they like.

    Raises:
        RecipeError: If it is no SCRFD with points; says what it gives instead.
    """
    inputs = [value for value in model.graph.input if value.name not in {t.name for t in model.graph.initializer}]
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        raise RecipeError(f"SCRFD has one input [B, 3, H, W], this graph has {[value.name for value in inputs]}")
    names = [value.name for value in model.graph.output]
    try:
        answers = session(model).run(names, {inputs[0].name: np.zeros((1, 3, SIDE, SIDE), np.float32)})
    except Exception as error:
        raise RecipeError(f"the graph does not take a picture float32[1, 3, {SIDE}, {SIDE}]: {error}") from error
    found = _sorted_outputs(dict(zip(names, answers, strict=True)))
    free = not inputs[0].type.tensor_type.shape.dim[0].HasField("dim_value")
    return Layout(inputs[0].name, found, batched=free and all(answer.ndim == 3 for answer in answers))


def served(model: onnx.ModelProto, layout: Layout) -> onnx.ModelProto:
    """The graph from bytes to the best proposals, in pixels of its input."""
    multipliers, centres = anchors()
    inner = set_apart(model)
    return behind(
        pixels_before(inner, PUBLIC + layout.image, SIDE, mean=MEAN, scale=1.0 / SPREAD),
        {word: [PUBLIC + name for name in names] for word, names in layout.outputs.items()},
        multipliers=multipliers,
        centres=centres,
        proposals=PROPOSALS,
    )


def anchors() -> tuple[AnyArray, AnyArray]:
    """Of each anchor its stride float32[N, 1] and its centre float32[N, 2], (x, y), strides one after the other."""
    strides, centres = [], []
    for stride in STRIDES:
        cells = SIDE // stride
        rows, columns = np.divmod(np.arange(cells * cells).repeat(ANCHORS), cells)
        centres.append(np.stack([columns, rows], axis=1) * stride)
        strides.append(np.full((len(rows), 1), stride))
    return np.concatenate(strides).astype(np.float32), np.concatenate(centres).astype(np.float32)


def _sorted_outputs(answers: Mapping[str, AnyArray]) -> dict[str, tuple[str, str, str]]:
    wanted = {ANCHORS * (SIDE // stride) ** 2: stride for stride in STRIDES}
    found: dict[str, dict[int, str]] = {word: {} for word in WIDTHS.values()}
    for name, values in answers.items():
        word, stride = WIDTHS.get(values.shape[-1]), wanted.get(values.shape[-2] if values.ndim > 1 else 0)
        if word is None or stride is None:
            raise RecipeError(_told(answers, f"output {name} is none of SCRFD's"))
        found[word][stride] = name
    if any(set(by_stride) != set(STRIDES) for by_stride in found.values()):
        raise RecipeError(_told(answers, "scores, boxes and points at three strides are not all there"))
    scores = [answers[name] for name in found["scores"].values()]
    if min(part.min() for part in scores) < 0.0 or max(part.max() for part in scores) > 1.0:
        raise RecipeError("the scores are no probabilities: export the graph with its sigmoid")
    return {word: _in_order(by_stride) for word, by_stride in found.items()}


def _in_order(by_stride: Mapping[int, str]) -> tuple[str, str, str]:
    first, second, third = (by_stride[stride] for stride in STRIDES)
    return first, second, third


def _told(answers: Mapping[str, AnyArray], why: str) -> str:
    shapes = ", ".join(f"{name} {list(values.shape)}" for name, values in answers.items())
    return f"{why}: at {SIDE}x{SIDE} it gives {shapes}; expected 9 outputs [12800|3200|800, 1|4|10]"
