"""Stand-ins of the ports, for tests of search and of what lies above it."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np

from packs.arrays import F32, U8
from packs.calibration import Calibration
from packs.detections import DetectionClass, Detections
from packs.spec import Modality
from services.backends.schemas import Association
from services.backends.vision import Embedded
from services.search.answer import Share
from services.search.ports import Evidence, FusedEvidence, PortUnavailableError

CROP_SIDE = 8
FACE_GREEN = 255


class FakeAssociations:
    """`Associations` from a list of edges by gallery; it may fail, or hang until `released`."""

    def __init__(self) -> None:
        self.edges: dict[str, list[Association]] = defaultdict(list)
        self.asked: list[tuple[str, ...]] = []
        self.failing = False
        self.released = asyncio.Event()
        self.released.set()

    def add(self, gallery: str, one: str, other: str, modality: Modality, probability: float) -> None:
        """Add an edge, whichever end is named first."""
        first, second = sorted((one, other))
        self.edges[gallery].append(Association(first, second, modality, probability))

    async def list_associations(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality], min_probability: float
    ) -> list[Association]:
        """The edges at some appearances."""
        await self.released.wait()
        if self.failing:
            raise PortUnavailableError("the fake was told to fail")
        self.asked.append(tuple(appearance_ids))
        wanted = set(appearance_ids)
        return [
            edge
            for edge in self.edges[gallery]
            if (edge.first in wanted or edge.second in wanted)
            and edge.probability >= min_probability
            and edge.modality in modalities
        ]


class FakeFusion:
    """`Fusion` as the contract has it: log-odds add up, of one modality the best counts, "no" takes what says yes."""

    def __init__(self, calibration: Mapping[Modality, Calibration], prior_log_odds: float = 0.0) -> None:
        self._calibration = calibration
        self._prior = prior_log_odds
        self.failing = False

    async def fuse(self, candidates: Sequence[Sequence[Evidence]]) -> list[FusedEvidence]:
        """One verdict for each candidate."""
        if self.failing:
            raise PortUnavailableError("the fake was told to fail")
        return [self._fused(evidence) for evidence in candidates]

    def _fused(self, evidence: Sequence[Evidence]) -> FusedEvidence:
        best: dict[Modality, float] = {}
        taken: dict[Modality, float] = defaultdict(float)
        for piece in evidence:
            nats = abs(piece.weight) * self._calibration[piece.modality].logit(piece.cosine)
            if piece.weight > 0.0:
                best[piece.modality] = max(nats, best.get(piece.modality, -math.inf))
            else:
                taken[piece.modality] = max(nats, taken[piece.modality])
        if not best:
            return FusedEvidence(0.0, ())
        log_odds = self._prior + sum(best.values()) - sum(taken.values())
        positive = {modality: max(nats, 0.0) for modality, nats in best.items()}
        total = sum(positive.values())
        shares = [Share(modality, nats / total) for modality, nats in positive.items() if total > 0.0 and nats > 0.0]
        shares.sort(key=lambda share: -share.share)
        return FusedEvidence(1.0 / (1.0 + math.exp(-log_odds)), tuple(shares))


class PaintedVision:
    """`Vision` for painted portraits: a face is a rectangle of full green, and its red says whose it is.

    It is blind, as real detectors are, to a face that fills the picture and to one that is tiny in it.

    Args:
        embedding_of: The embedding float32[D] of whoever has that red, 0 to 255.
        smallest: Side of the smallest face that is seen, as a share of the picture's longer side.
        largest: Side of the largest one.
    """

    def __init__(self, embedding_of: Callable[[int], F32], smallest: float = 0.04, largest: float = 0.6) -> None:
        self._embedding_of = embedding_of
        self._smallest = smallest
        self._largest = largest
        self.looked_at: list[tuple[int, int]] = []

    async def detect(self, images: Sequence[U8]) -> list[Detections]:
        """Green rectangles."""
        self.looked_at.extend((image.shape[0], image.shape[1]) for image in images)
        return [self._faces(image) for image in images]

    async def embed(self, modality: Modality, crops: U8) -> Embedded:
        """What the commonest red of each crop stands for."""
        reds = [int(np.bincount(crop[crop[:, :, 1] == FACE_GREEN][:, 0]).argmax()) for crop in crops]
        vectors = np.stack([self._embedding_of(red) for red in reds])
        return Embedded(vectors, np.ones(len(reds), np.float32))

    def crop(self, modality: Modality, image: U8, box: Sequence[float] | F32) -> U8:
        """The box, by nearest neighbour, so that colours stay what they are."""
        x0, y0, x1, y1 = (max(0, round(float(value))) for value in box)
        cut = image[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        shrunk = cv2.resize(cut, (CROP_SIDE, CROP_SIDE), interpolation=cv2.INTER_NEAREST)
        return np.asarray(shrunk, dtype=np.uint8)

    def _faces(self, image: U8) -> Detections:
        mask = (image[:, :, 1] == FACE_GREEN).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        longer = max(image.shape[:2])
        boxes = []
        for x, y, width, height, _ in stats[1:count]:
            if self._smallest <= max(width, height) / longer <= self._largest:
                boxes.append((x, y, x + width, y + height))
        return Detections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.full(len(boxes), 0.9, np.float32),
            classes=np.full(len(boxes), int(DetectionClass.FACE), np.int32),
        )
