"""The length of an encoder's raw embeddings, brought to what services read it by.

Ingest takes the quality of a face from the length of its raw embedding (`services/ingest/pipeline/aggregate.py`), and
what is fitted on qualities holds for lengths as they were then. How long embeddings are is chance of a training: with
larger batches of crops that are changed alike they came out a quarter longer. Directions stay as they are.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.checkpoints import Checkpoint, network_from_checkpoint, read_checkpoint, write_checkpoint
from models.presets import FACE_IMAGE
from packs.spec import Modality
from training.data.shards import FrameSet
from training.measure.sets import crop_test

# Median length of a visible face's raw embedding over the root of the dimension, with which the services' numbers were
# chosen: that of packs 0.4.0 to 0.7.0.
USUAL_LENGTH = 0.868
FILE = "weights.levelled.pt"
_AT_ONCE = 256


def level_faces(path: Path, frames: FrameSet) -> Path:
    """Write a face encoder's checkpoint anew, beside itself, with embeddings of the usual length.

    Args:
        path: `weights.pt` of a run.
        frames: The `val` set.

    Returns:
        Path of the new checkpoint.

    Raises:
        CheckpointError: If it is another network's.
    """
    checkpoint = read_checkpoint(path)
    network = network_from_checkpoint(checkpoint, "face_encoder")
    crops = crop_test(frames, Modality.FACE, FACE_IMAGE).crops
    level = USUAL_LENGTH / median_length(network, crops)
    target = path.with_name(FILE)
    write_checkpoint(target, lengthened(checkpoint, network, level))
    return target


@torch.inference_mode()
def median_length(network: nn.Module, crops: NDArray[np.uint8]) -> float:
    """Median length of raw embeddings over the root of their dimension; `crops` is uint8[N, H, W, 3]."""
    parts = [network(torch.from_numpy(crops[row : row + _AT_ONCE])) for row in range(0, len(crops), _AT_ONCE)]
    raw = torch.cat(parts).float()
    return float(raw.norm(dim=1).median()) / math.sqrt(raw.shape[1])


def lengthened(checkpoint: Checkpoint, network: nn.Module, factor: float) -> Checkpoint:
    """Multiply what a network's last norm gives by a factor."""
    norms = [name for name, layer in network.named_modules() if isinstance(layer, nn.BatchNorm1d)]
    last = {f"{norms[-1]}.weight", f"{norms[-1]}.bias"}
    weights = {name: value * factor if name in last else value for name, value in checkpoint.weights.items()}
    return replace(checkpoint, weights=weights)
