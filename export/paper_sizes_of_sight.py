"""Export the networks of sight, sound and fusion at the papers' sizes, once, and compare with torch.

Weights are random: what is shown is that the graphs export, load and agree. Run it with the training environment:

    .venv-train/bin/python -m export.paper_sizes_of_sight OUT [NAME ...]

It needs about 3 GB of memory; the graphs, about 1 GB together, are deleted once they are compared.
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

from export.onnx_from_network import onnx_from_network
from export.preset_weights import settled
from models.presets_papers import PAPER_PRESETS
from models.speaking import ActiveSpeaker, SpeakingGraph

Inputs = tuple[Tensor, ...]
TRACED = 2
BATCHES = (1, 3)


def crops(batch: int, height: int, width: int) -> Tensor:
    """Noise as pictures."""
    return torch.randint(0, 256, (batch, height, width, 3), dtype=torch.uint8)


def clip(batch: int) -> Inputs:
    """Thirty-two frames of three faces, and some of head, body and voice; every other clip has no voice."""
    present = torch.ones(batch, 6)
    present[::2, 5] = 0.0
    faces = [torch.randn(batch, 32, 512) for _ in range(3)]
    return (present, *faces, torch.randn(batch, 8, 512), torch.randn(batch, 8, 2048), torch.randn(batch, 4, 512))


def tracklet(batch: int) -> Inputs:
    """Embeddings of face, body and voice; every other tracklet has no body."""
    present = torch.ones(batch, 3)
    present[::2, 1] = 0.0
    return (present, torch.rand(batch, 3), *[torch.randn(batch, dim) for dim in (512, 2048, 512)])


INPUTS: dict[str, Callable[[int], Inputs]] = {
    "active_speaker_paper": lambda b: (torch.randint(0, 256, (b, 25, 112, 112)).byte(), torch.randn(b, 100, 13)),
    "aligned_body_paper": lambda b: (crops(b, 256, 128),),
    "associative_paper": tracklet,
    "clip_identifier_paper": clip,
    "head_encoder_paper": lambda b: (crops(b, 112, 112),),
    "iresnet18": lambda b: (crops(b, 112, 112),),
    "iresnet34": lambda b: (crops(b, 112, 112),),
    "iresnet50": lambda b: (crops(b, 112, 112),),
    "iresnet100": lambda b: (crops(b, 112, 112),),
    "speaker_magnitude_paper": lambda b: (torch.rand(b, 300, 257) * 50.0,),
    "speaker_mel_paper": lambda b: (torch.randn(b, 45, 64),),
    "sphereface20": lambda b: (crops(b, 112, 96),),
    "two_stream_mfcc_published": lambda b: (crops(b, 124, 124), torch.randn(b, 44, 13)),
    "two_stream_paper": lambda b: (crops(b, 124, 124), torch.randn(b, 45, 64)),
}


def answers(graph: nn.Module, inputs: Inputs) -> list[Tensor]:
    """What torch answers, as a list."""
    with torch.inference_mode():
        found = graph(*inputs)
    return list(found) if isinstance(found, tuple) else [found]


def export_one(name: str, out: Path) -> dict[str, float | int]:
    """Export a network and compare it with torch at batches 1 and 3."""
    torch.manual_seed(0)
    started = time.monotonic()
    example, path = INPUTS[name](TRACED), out / f"{name}.onnx"
    network = settled(PAPER_PRESETS[name](), example)
    graph = SpeakingGraph(network=network).eval() if isinstance(network, ActiveSpeaker) else network
    inputs = [f"input_{n}" for n in range(len(example))]
    outputs = [f"output_{n}" for n in range(len(answers(graph, example)))]
    onnx_from_network(graph, example, inputs=inputs, outputs=outputs, path=path)
    megabytes = round(path.stat().st_size / 1e6, 1)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = max(_worst(session, graph, INPUTS[name](batch)) for batch in BATCHES)
    path.unlink()
    return {
        "parameters": sum(p.numel() for p in graph.parameters()),
        "megabytes": megabytes,
        "worst_relative": float(f"{worst:.2e}"),
        "seconds": round(time.monotonic() - started, 1),
    }


def _worst(session: onnxruntime.InferenceSession, graph: nn.Module, inputs: Inputs) -> float:
    """Give the largest difference of any output value, as a share of the output's largest value.

    Raises:
        ValueError: If torch's own answer is not finite, which agrees with anything.
    """
    found = session.run(None, {f"input_{n}": part.numpy() for n, part in enumerate(inputs)})
    references = [part.numpy() for part in answers(graph, inputs)]
    if not all(np.isfinite(part).all() for part in references):
        raise ValueError("torch answers infinity or no number: these weights show nothing")
    return max(
        float(np.abs(one - other).max() / np.abs(other).max()) for one, other in zip(found, references, strict=True)
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for chosen in sys.argv[2:] or list(INPUTS):
        sys.stdout.write(json.dumps({chosen: export_one(chosen, folder)}) + "\n")
        sys.stdout.flush()
