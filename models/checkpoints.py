"""Trained weights on the disk: a checkpoint fits its network completely or it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.fusion import associative_tracklets, attentive_tracklets, netvlad_small
from models.presets import body_encoder, face_encoder, head_encoder, person_detector, voice_activity, voice_encoder
from models.speaking import active_speaker_small
from models.text import ivt_body_small

CHECKPOINT_FORMAT = "personsearch-checkpoint/1"

PRESETS: dict[str, Callable[[], nn.Module]] = {
    "person_detector": person_detector,
    "face_encoder": face_encoder,
    "head_encoder": head_encoder,
    "body_encoder": body_encoder,
    "voice_encoder": voice_encoder,
    "voice_activity": voice_activity,
    "active_speaker_small": active_speaker_small,
}
# One network each whose two halves are served apart, with the vocabulary that lies beside its weights.
WORD_PRESETS: dict[str, Callable[[], nn.Module]] = {"ivt_body_small": ivt_body_small}
# Networks that work on what others embed; no pack serves them yet.
FUSION_PRESETS: dict[str, Callable[[], nn.Module]] = {
    "associative_tracklets": associative_tracklets,
    "attentive_tracklets": attentive_tracklets,
    "netvlad_small": netvlad_small,
}


class CheckpointError(Exception):
    """A checkpoint that does not hold what was asked for."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A trained network.

    Attributes:
        preset: Name of the function in `models` whose network the weights fit.
        step: Optimiser steps that made them.
        weights: State dict, moving averages and all.
    """

    preset: str
    step: int
    weights: dict[str, Tensor]


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; a kill while writing leaves the old file whole."""
    partial = path.with_suffix(".partial")
    content = {
        "format": CHECKPOINT_FORMAT,
        "preset": checkpoint.preset,
        "step": checkpoint.step,
        "weights": checkpoint.weights,
    }
    torch.save(content, partial)
    partial.replace(path)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint that training wrote.

    Raises:
        CheckpointError: If the file is absent or is something else.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}: train first, or give the file that training wrote")
    content = torch.load(path, map_location="cpu", weights_only=True)
    found = content.get("format") if isinstance(content, dict) else type(content).__name__
    if found != CHECKPOINT_FORMAT:
        raise CheckpointError(f"{path} has format {found!r}, expected {CHECKPOINT_FORMAT!r}")
    return Checkpoint(preset=content["preset"], step=content["step"], weights=content["weights"])


def network_from_checkpoint(
    checkpoint: Checkpoint, preset: str, presets: Mapping[str, Callable[[], nn.Module]] = PRESETS
) -> nn.Module:
    """Build the network of a preset and fill it, in inference mode.

    Args:
        checkpoint: What training wrote.
        preset: Name that is expected.
        presets: Where that name is found; those of the demo pack, unless others are given.

    Raises:
        CheckpointError: If the weights are another network's, or do not fit key by key.
    """
    if checkpoint.preset != preset:
        raise CheckpointError(f"the checkpoint holds a {checkpoint.preset}, expected a {preset}")
    network = presets[preset]()
    try:
        network.load_state_dict(checkpoint.weights, strict=True)
    except RuntimeError as error:
        raise CheckpointError(f"the weights do not fit {preset}; was the network changed since? {error}") from error
    return network.eval()
