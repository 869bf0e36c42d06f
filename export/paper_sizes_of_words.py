"""Export the networks of words, speech and partial bodies at the papers' sizes, once, and compare with torch.

Weights are random: what is shown is that the graphs export, load and agree. Run it with the training environment:

    .venv-train/bin/python -m export.paper_sizes_of_words OUT [NAME ...]

It needs about 6 GB of memory and writes about 1 GB.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from export.onnx_from_module import onnx_from_module
from models.partial import PartialGraph, cmps_body
from models.speech import RecogniserGraph, deep_speech, deep_speech_streaming
from models.text import ImageGraph, TextGraph, cmps_fast_text, cmps_text, ivt


def crops(*size: int) -> Tensor:
    """Noise as pictures."""
    return torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8)


GRAPHS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor], tuple[str, ...]]] = {
    "ivt_image": (lambda: ImageGraph(network=ivt()), lambda: crops(384, 128), ("embedding",)),
    "ivt_text": (
        lambda: TextGraph(network=ivt()),
        lambda: torch.randint(1, 30_000, (2, 100), dtype=torch.int32),
        ("embedding",),
    ),
    "cmps_text": (cmps_text, lambda: torch.randn(2, 100, 768), ("embedding",)),
    "cmps_fast_text": (
        cmps_fast_text,
        lambda: torch.randint(1, 10_000, (2, 100), dtype=torch.int32),
        ("embedding",),
    ),
    "cmps_body": (
        lambda: PartialGraph(network=cmps_body()),
        lambda: crops(224, 224),
        ("embedding", "vectors", "weights"),
    ),
    "deep_speech": (lambda: RecogniserGraph(network=deep_speech()), lambda: torch.rand(2, 500, 161), ("scores",)),
    "deep_speech_streaming": (
        lambda: RecogniserGraph(network=deep_speech_streaming()),
        lambda: torch.rand(2, 500, 161),
        ("scores",),
    ),
}


def export_one(name: str, out: Path) -> dict[str, float | int]:
    """Export a network and compare it with torch at batches 1 and 2."""
    build, inputs, outputs = GRAPHS[name]
    torch.manual_seed(0)
    started = time.monotonic()
    graph, path = build().eval(), out / f"{name}.onnx"
    x = inputs()
    onnx_from_module(graph, x, inputs=["x"], outputs=outputs, path=path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 1.0
    for rows in (1, 2):
        with torch.inference_mode():
            answer = graph(x[:rows])
        expected = answer if isinstance(answer, tuple) else (answer,)
        for found, reference in zip(session.run(None, {"x": x[:rows].numpy()}), expected, strict=True):
            one, other = found.reshape(rows, -1), reference.numpy().reshape(rows, -1)
            cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
            worst = min(worst, float(cosine.min()))
    return {
        "parameters": sum(p.numel() for p in graph.parameters()),
        "megabytes": round(path.stat().st_size / 1e6, 1),
        "least_cosine": round(worst, 6),
        "seconds": round(time.monotonic() - started, 1),
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for chosen in sys.argv[2:] or list(GRAPHS):
        sys.stdout.write(json.dumps({chosen: export_one(chosen, folder)}) + "\n")
        sys.stdout.flush()
