"""Training the detector: whole frames in, boxes of faces, heads and persons out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models import Detector
from models.detector import location_centres
from training.data.batches import epoch_rows, step_generator
from training.data.frames import Boxes, FrameTruth, augmented_frame, read_frame
from training.data.shards import FrameSet
from training.losses import DetectionLoss, Truth
from training.recipe import DetectorRecipe, phase_at


@dataclass(frozen=True, slots=True)
class DetectorBatch:
    """Images uint8[B, H, W, 3] and all their boxes."""

    images: Tensor
    truth: Truth


class DetectorTask:
    """A detector with its loss over a set of frames.

    Args:
        detector: The network.
        frames: What it learns from.
        recipe: How.
    """

    def __init__(self, *, detector: Detector, frames: FrameSet, recipe: DetectorRecipe) -> None:
        self.network: nn.Module = detector
        self.trained: nn.Module = detector
        self.frames = frames
        self.recipe = recipe
        self.truth = FrameTruth(frames.people())
        self.loss = DetectionLoss()
        self._strides_px = detector.strides_px

    def make_batch(self, step: int) -> DetectorBatch:
        """Read and change the frames of a step."""
        phase = phase_at(self.recipe, step)
        rng = step_generator(self.recipe.seed, step)
        rows = epoch_rows(len(self.truth.frames), phase.batch, step, self.recipe.seed)
        half = phase.width <= 320
        pairs = []
        for number in self.truth.frames[rows].tolist():
            image = read_frame(self.frames, number, half=half)
            size = (phase.height, phase.width)
            pairs.append(augmented_frame(image, self.truth.of(number), size, self.recipe.augment, rng))
        images = np.stack([image for image, _ in pairs])
        return DetectorBatch(torch.from_numpy(images), flat_truth([boxes for _, boxes in pairs]))

    def losses(self, batch: DetectorBatch, step: int) -> dict[str, Tensor]:
        """Compute score and box losses."""
        height, width = batch.images.shape[1:3]
        centres, strides = locations(height, width, self._strides_px)
        score_loss, box_loss = self.loss(self.network(batch.images), centres, strides, batch.truth)
        return {"score": score_loss, "box": box_loss}


def locations(height: int, width: int, strides_px: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Give centre [P, 2] and stride [P] of every location of an input, in the order of the detector's proposals."""
    sizes = [(height // stride, width // stride, stride) for stride in strides_px]
    centres = [location_centres(rows, columns, stride, torch.device("cpu")) for rows, columns, stride in sizes]
    strides = [torch.full((rows * columns,), float(stride)) for rows, columns, stride in sizes]
    return torch.cat(centres), torch.cat(strides)


def flat_truth(boxes: Sequence[Boxes]) -> Truth:
    """Join the boxes of a batch."""
    counts = [len(part.classes) for part in boxes]
    return Truth(
        boxes=torch.from_numpy(np.concatenate([part.boxes for part in boxes])),
        image=torch.repeat_interleave(torch.arange(len(boxes)), torch.tensor(counts)),
        category=torch.from_numpy(np.concatenate([part.classes for part in boxes])),
        ignored=torch.from_numpy(np.concatenate([part.ignored for part in boxes])),
    )
