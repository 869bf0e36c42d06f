"""Validation and test sets as the product would see them: crops at rest, frames as they are served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.detections import Detections, decode
from packs.manifest import Pack
from packs.preprocessing import Letterboxed, letterbox
from packs.spec import Modality
from training.data.crops import crops_of, cut_region, load_crops
from training.data.frames import Boxes, FrameTruth, read_frame, settled
from training.data.shards import FrameSet
from training.measure.served import F32, ServedModel
from training.recipe import CropChoice, DetectorRecipe, EncoderRecipe, Recipe

U8 = NDArray[np.uint8]
Keys = NDArray[np.int64]

# What the film's truth calls a visible face starts at 24 px, unoccluded, yaw under 60 degrees.
VISIBLE_FACE = CropChoice(
    kind="face", least_width_px=24.0, least_visibility=0.7, largest_yaw_deg=60.0, label="identity"
)
VISIBLE_BODY = CropChoice(kind="body", least_width_px=24.0, least_visibility=0.5, largest_yaw_deg=360.0, label="outfit")
VISIBLE_HEAD = CropChoice(kind="head", least_width_px=20.0, least_visibility=0.5, largest_yaw_deg=360.0, label="outfit")
# Makes one number of identity and outfit.
OUTFITS = 1000
# More than any cast has: makes one number of scene and identity.
PEOPLE = 1_000_000
CHOICES = {Modality.FACE: VISIBLE_FACE, Modality.HEAD: VISIBLE_HEAD, Modality.BODY: VISIBLE_BODY}

# A score under which nobody would set a threshold; the curve below it is not worth its time.
FLOOR = 0.02


@dataclass(frozen=True, slots=True)
class CropTest:
    """Crops as served, and whose they are.

    Attributes:
        crops: uint8[N, h, w, 3].
        rows: int64[N], rows of the people of the set.
        identity: int64[N].
        outfit: int64[N], identity and outfit in one number.
        scene: int64[N].
        frame: int64[N].
        yaw_deg: float32[N], how far the head is turned from the camera.
        attributes: What is known of each of the N people.
    """

    crops: U8
    rows: Keys
    identity: Keys
    outfit: Keys
    scene: Keys
    frame: Keys
    yaw_deg: F32
    attributes: Sequence[Mapping[str, Any]]

    @property
    def identity_in_scene(self) -> Keys:
        """Scene and identity in one number, int64[N]: whose body it is while clothes stay."""
        return self.scene * PEOPLE + self.identity

    def people_of(self, rows: Keys) -> list[Mapping[str, Any]]:
        """What is known of the people of some rows."""
        return [self.attributes[row] for row in rows]


def crop_test(frames: FrameSet, modality: Modality, size: tuple[int, int]) -> CropTest:
    """Cut the crops of a modality at rest, at the size (rows, columns) that its network takes."""
    crops = load_crops([frames], CHOICES[modality])
    people = frames.people()
    identity = people.identity[crops.rows].astype(np.int64)
    return CropTest(
        crops=_at_rest(crops.images, crops.regions, size),
        rows=crops.rows,
        identity=identity,
        outfit=identity * OUTFITS + people.outfit[crops.rows],
        scene=people.scene[crops.rows].astype(np.int64),
        frame=people.frame[crops.rows].astype(np.int64),
        yaw_deg=people.yaw_deg[crops.rows],
        attributes=[frames.attributes[row] for row in identity],
    )


def body_crops(frames: FrameSet, rows: Keys, size: tuple[int, int]) -> U8:
    """Cut the bodies of some rows of the people at rest, uint8[N, h, w, 3], however little of them is seen."""
    people = frames.people()
    wanted = np.zeros(len(people), dtype=np.bool_)
    wanted[rows] = True
    return _at_rest(*crops_of(frames, people, "body", wanted), size)


def _at_rest(images: U8, regions: F32, size: tuple[int, int]) -> U8:
    return np.stack([cut_region(image, region, *size) for image, region in zip(images, regions, strict=True)])


def input_size(pack: Pack, modality: Modality) -> tuple[int, int]:
    """Rows and columns that the network of a modality takes."""
    height, width, _ = pack.model_for(modality).inputs[0].shape
    return height, width


def embed(pack: Pack, modality: Modality, crops: U8) -> F32:
    """Embed crops with the exported network: float32[N, D], not normalised."""
    return ServedModel(pack, pack.model_for(modality).name).run(crops)[0]


@dataclass(frozen=True, slots=True)
class RawDetections:
    """The detector's answers before any threshold, and what is there.

    Attributes:
        boxes: float32[N, P, 4], in pixels of the network's input.
        scores: float32[N, P, K].
        fitted: How each of the N frames was fitted into the input.
        truth: The boxes of each frame, in pixels of the stored frame (640 wide).
    """

    boxes: F32
    scores: F32
    fitted: Sequence[Letterboxed]
    truth: Sequence[Boxes]

    def decoded(self, thresholds: Sequence[float], iou: float) -> list[Detections]:
        """Give what is found at an operating point, in pixels of the stored frames."""
        answers = zip(self.boxes, self.scores, self.fitted, strict=True)
        return [decode(boxes, scores, fitted, thresholds, iou) for boxes, scores, fitted in answers]


def detect_raw(frames: FrameSet, pack: Pack, *, most: int) -> RawDetections:
    """Run the exported detector over (up to `most`) frames."""
    served = ServedModel(pack, "person_detector")
    height, width, _ = served.spec.inputs[0].shape
    truth = FrameTruth(frames.people())
    answers, fitted, wanted = [], [], []
    for number in truth.frames[:most].tolist():
        image = read_frame(frames, number)
        letterboxed = letterbox(image, height, width)
        answers.append(served.run(letterboxed.canvas[None]))
        # The picture itself is no longer needed: a thousand of them would fill the memory.
        fitted.append(replace(letterboxed, canvas=letterboxed.canvas[:1]))
        wanted.append(settled(truth.of(number), *image.shape[:2]))
    boxes, scores = (np.concatenate(part) for part in zip(*answers, strict=True))
    return RawDetections(boxes, scores, fitted, wanted)


def sample_inputs(frames: FrameSet, recipes: Iterable[Recipe], rows: int) -> dict[str, U8]:
    """Give real inputs of each network that sees, uint8[about rows, ...] by name, for the comparison of runtimes."""
    samples: dict[str, U8] = {}
    for recipe in recipes:
        if not isinstance(recipe, EncoderRecipe | DetectorRecipe):
            continue
        last = recipe.phases[-1]
        size = (last.height, last.width)
        if isinstance(recipe, EncoderRecipe):
            samples[recipe.preset] = crop_test(frames, Modality(recipe.crops.kind), size).crops[:rows]
            continue
        numbers = np.unique(frames.people().frame)[: max(2, rows // 2)].tolist()
        samples[recipe.preset] = np.stack([letterbox(read_frame(frames, n), *size).canvas for n in numbers])
    return samples
