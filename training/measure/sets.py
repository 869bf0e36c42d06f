"""Validation and test sets as the product would see them: crops at rest, frames as they are served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.detections import Detections, decode
from packs.manifest import Pack
from packs.preprocessing import letterbox
from packs.spec import Modality
from training.data.crops import cut_region, load_crops
from training.data.frames import Boxes, FrameTruth, read_frame, settled
from training.data.shards import FrameSet
from training.measure.served import F32, ServedModel
from training.recipe import CropChoice

U8 = NDArray[np.uint8]
Keys = NDArray[np.int64]

# What the film's truth calls a visible face starts at 24 px, unoccluded, yaw under 60 degrees.
VISIBLE_FACE = CropChoice(
    kind="face", least_width_px=24.0, least_visibility=0.7, largest_yaw_deg=60.0, label="identity"
)
VISIBLE_BODY = CropChoice(kind="body", least_width_px=24.0, least_visibility=0.5, largest_yaw_deg=360.0, label="outfit")
CHOICES = {Modality.FACE: VISIBLE_FACE, Modality.BODY: VISIBLE_BODY}

# A score under which nobody would set a threshold; the curve below it is not worth its time.
FLOOR = 0.02


@dataclass(frozen=True, slots=True)
class CropTest:
    """Crops as served, and whose they are.

    Attributes:
        crops: uint8[N, h, w, 3].
        identity: int64[N].
        outfit: int64[N], identity and outfit in one number.
        frame: int64[N].
        attributes: What is known of each of the N people.
    """

    crops: U8
    identity: Keys
    outfit: Keys
    frame: Keys
    attributes: Sequence[Mapping[str, Any]]


def crop_test(frames: FrameSet, pack: Pack, modality: Modality) -> CropTest:
    """Cut the crops of a modality at rest, at the size that the pack's network takes."""
    crops = load_crops(frames, CHOICES[modality])
    people = frames.people()
    height, width, _ = pack.model_for(modality).inputs[0].shape
    at_rest = [cut_region(image, region, height, width) for image, region in zip(crops.images, crops.regions)]
    identity = people.identity[crops.rows].astype(np.int64)
    return CropTest(
        crops=np.stack(at_rest),
        identity=identity,
        outfit=identity * 1000 + people.outfit[crops.rows],
        frame=people.frame[crops.rows].astype(np.int64),
        attributes=[frames.attributes[row] for row in identity],
    )


def embed(pack: Pack, modality: Modality, crops: U8) -> F32:
    """Embed crops with the exported network: float32[N, D], not normalised."""
    return ServedModel(pack, pack.model_for(modality).name).run(crops)[0]


def detect_all(
    frames: FrameSet, pack: Pack, *, most: int, thresholds: Sequence[float] = (FLOOR,) * 3, iou: float = 0.6
) -> tuple[list[Detections], list[Boxes]]:
    """Run the exported detector over (up to `most`) frames.

    Returns:
        What was found and what is there, both in pixels of the stored frames (640 wide).
    """
    served = ServedModel(pack, "person_detector")
    height, width, _ = served.spec.inputs[0].shape
    truth = FrameTruth(frames.people())
    found, wanted = [], []
    for number in truth.frames[:most].tolist():
        image = read_frame(frames, number)
        fitted = letterbox(image, height, width)
        boxes, scores = served.run(fitted.canvas[None])
        found.append(decode(boxes[0], scores[0], fitted, thresholds, iou))
        wanted.append(settled(truth.of(number), *image.shape[:2]))
    return found, wanted


def sample_inputs(frames: FrameSet, pack: Pack, rows: int) -> dict[str, U8]:
    """Give real inputs of each network, uint8[rows, ...] by name, for the comparison of runtimes."""
    samples = {}
    for modality in pack.modalities:
        samples[pack.model_for(modality).name] = crop_test(frames, pack, modality).crops[:rows]
    height, width, _ = pack.model("person_detector").inputs[0].shape
    numbers = np.unique(frames.people().frame)[: max(2, rows // 4)]
    canvases = [letterbox(read_frame(frames, number), height, width).canvas for number in numbers.tolist()]
    samples["person_detector"] = np.stack(canvases)
    return samples
