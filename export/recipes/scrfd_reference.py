"""SCRFD decoded outside the graph, cell by cell: what the served graph is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import onnx

from export.recipes.graph_parts import session
from export.recipes.shapes import PROPOSALS
from export.runners import Outputs, Runner
from export.samples import AnyArray, Feed

if TYPE_CHECKING:
    from export.recipes.scrfd import Layout

MEAN, SPREAD = 127.5, 128.0


def reference(model: onnx.ModelProto, layout: Layout) -> Runner:
    """The user's own graph in ONNX Runtime, one picture at a time, and `decoded`."""
    run = session(model)
    names = [name for by_stride in layout.outputs.values() for name in by_stride]

    def answer(feed: Feed) -> Outputs:
        rows = []
        for image in feed["image"]:
            pixels = (image.astype(np.float32).transpose(2, 0, 1)[None] - MEAN) / SPREAD
            values = dict(zip(names, run.run(names, {layout.image: pixels}), strict=True))
            rows.append(decoded({key: [values[name] for name in layout.outputs[key]] for key in layout.outputs}))
        return {name: np.stack([row[name] for row in rows]) for name in ("boxes", "scores", "points")}

    return answer


def decoded(parts: Mapping[str, list[AnyArray]], proposals: int = PROPOSALS) -> Outputs:
    """Proposals of one picture, best first.

    Args:
        parts: `scores` [.., 1], `distances` [.., 4] and `points` [.., 10], each at strides of 8, 16 and 32.
        proposals: How many are kept.

    Returns:
        `boxes` [K, 4], `scores` [K, 3] and `points` [K, 10], in pixels.
    """
    rows = []
    for level, stride in enumerate((8, 16, 32)):
        scores, distances, points = (parts[key][level] for key in ("scores", "distances", "points"))
        scores, distances, points = scores.reshape(-1, 1), distances.reshape(-1, 4), points.reshape(-1, 5, 2)
        cells = 640 // stride
        for index in range(len(scores)):
            y, x = divmod(index // 2, cells)
            left, top, right, bottom = distances[index] * stride
            box = [x * stride - left, y * stride - top, x * stride + right, y * stride + bottom]
            places = points[index] * stride + np.array([x * stride, y * stride])
            rows.append([*box, float(scores[index, 0]), 0.0, 0.0, *places.ravel()])
    table = np.array(rows, np.float32)
    best = table[np.argsort(-table[:, 4], kind="stable")[:proposals]]
    return {"boxes": best[:, :4], "scores": best[:, 4:7], "points": best[:, 7:]}
