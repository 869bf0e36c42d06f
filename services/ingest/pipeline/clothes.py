"""What people wear, frame by frame: the cue that keeps apart those who cross.

With a body encoder, every person of every analysed frame is embedded, as DeepSORT does (Wojke, Bewley and Paulus, ICIP
2017, arXiv:1703.07402); on crowded films of SynthCast that halves the people who are taken for one another. A pack
without one leaves the colours (`colours`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import expit

from packs.arrays import F32, U8
from packs.calibration import Calibration
from packs.detections import DetectionClass, Detections
from packs.spec import Modality
from services.ingest.pipeline.cohort import against_cohort
from services.ingest.pipeline.colours import similarity
from services.ingest.pipeline.encode import Vision
from services.ingest.pipeline.values import Frame

__all__ = ["Alike", "Clothes", "alike_by"]

Alike = Callable[[F32, F32], F32]
"""How alike each two of float32[N, D] and float32[M, D] are, rows of length 1: float32[N, M] in [0, 1]."""

# Nothing can be cut out of a smaller box.
LEAST_PX = 2.0


class Clothes:
    """Looks at the people of each frame.

    Args:
        vision: The networks.
        modalities: Those that the pack can embed.
        calibration: What its cosines mean.
        evidence_share: See `TrackerSettings`.
    """

    def __init__(
        self,
        vision: Vision,
        modalities: Sequence[Modality],
        calibration: Mapping[Modality, Calibration],
        evidence_share: float,
    ) -> None:
        self._vision = vision
        known = calibration.get(Modality.BODY) if Modality.BODY in modalities else None
        self._embeds = known is not None
        self.alike: Alike = similarity if known is None else alike_by(known, evidence_share)

    async def look(self, frames: Sequence[Frame], detected: Sequence[Detections]) -> list[F32] | None:
        """Embed the persons of some frames.

        Returns:
            Of each frame float32[P, D], a row for each of `detected`'s persons, of length 1, or 0 for a box without
            extent. None when the pack has no calibrated body encoder.
        """
        if not self._embeds:
            return None
        boxes = [found.of(DetectionClass.PERSON).boxes for found in detected]
        crops, kept = await asyncio.to_thread(self._cut, frames, boxes)
        embedded = await self._vision.embed(Modality.BODY, np.stack(crops)) if crops else None
        counts = [len(rows) for rows in boxes]
        looks = np.zeros((sum(counts), 1 if embedded is None else embedded.vectors.shape[1]), dtype=np.float32)
        if embedded is not None:
            looks[kept] = embedded.vectors
        return np.split(looks, np.cumsum(counts)[:-1]) if counts else []

    def _cut(self, frames: Sequence[Frame], boxes: Sequence[F32]) -> tuple[list[U8], list[int]]:
        """Cut out who has an extent; also return their places among all persons."""
        crops, kept, place = [], [], 0
        for frame, rows in zip(frames, boxes, strict=True):
            for box in rows:
                if min(box[2] - box[0], box[3] - box[1]) >= LEAST_PX:
                    crops.append(self._vision.crop(Modality.BODY, frame.image, box))
                    kept.append(place)
                place += 1
        return crops, kept


def alike_by(calibration: Calibration, evidence_share: float) -> Alike:
    """The probability of one person at even odds, from a share of the evidence.

    A share, because pictures that follow each other err alike: hidden legs stay hidden. The columns are the people of
    one picture, and so two each: what they share counts nothing (`cohort`).
    """

    def alike(rows: F32, columns: F32) -> F32:
        cosines = (rows @ columns.T).astype(np.float64)
        strangers = (columns @ columns.T).astype(np.float64)[np.triu_indices(len(columns), 1)]
        said = against_cohort(calibration, strangers).logit_of(cosines, np.ones_like(cosines))
        return np.asarray(expit(evidence_share * said), dtype=np.float32)

    return alike
