"""Tracklets of a set of frames, as embeddings: what one encoder sees of one person in one scene, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.manifest import Pack
from packs.spec import Modality
from training.data.crops import cut_region, load_crops
from training.data.shards import DataError, FrameSet
from training.measure.served import ServedModel
from training.recipe import CropChoice

F32 = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tracklets:
    """T tracklets over N crops.

    Attributes:
        embeddings: float32[N, D], as the encoder gives them: not normalised.
        members: Of each tracklet int64[n], rows of `embeddings`, in order of time.
        identity: int64[T], classes from 0 without gaps.
        scene: int64[T].
    """

    embeddings: F32
    members: tuple[Rows, ...]
    identity: Rows
    scene: Rows

    def __len__(self) -> int:
        return len(self.members)

    @property
    def classes(self) -> int:
        """Number of identities."""
        return int(self.identity.max()) + 1


def load_tracklets(frames: FrameSet, pack: Pack, choice: CropChoice) -> Tracklets:
    """Embed the crops of a set with a pack's encoder and group them by person and scene.

    Args:
        frames: The set.
        pack: Whose encoder.
        choice: Which crops; poor ones too, or there would be nothing to weigh.

    Raises:
        DataError: If no crop is left.
        packs.errors.PackError: If the pack has no such encoder.
    """
    crops, people = load_crops([frames], choice), frames.people()
    if len(crops) == 0:
        raise DataError(f"{frames.directory} has no {choice.kind} that the recipe would take")
    served = ServedModel(pack, pack.model_for(Modality(choice.kind)).name)
    height, width, _ = served.spec.inputs[0].shape
    cut = [cut_region(image, region, height, width) for image, region in zip(crops.images, crops.regions, strict=True)]
    embeddings = served.run(np.stack(cut))[0]
    keys = np.stack([crops.labels, people.scene[crops.rows]], axis=1).astype(np.int64)
    named, which = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(people.frame[crops.rows], kind="stable")
    # The inverse is sorted stably on top of the order of time.
    grouped = order[np.argsort(which.ravel()[order], kind="stable")]
    ends = np.cumsum(np.bincount(which.ravel()))[:-1]
    return Tracklets(embeddings, tuple(np.split(grouped, ends)), named[:, 0], named[:, 1])
