"""Stand-ins of the ports, for tests of search and of what lies above it."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from packs.arrays import F32, F64, U8
from packs.calibration import Calibration
from packs.detections import DetectionClass, Detections
from packs.sound import HOP, SAMPLE_RATE, frame_count
from packs.spec import Modality
from services.backends.associations.blocks import EdgeBlock
from services.backends.associations.views import BlockView, EdgeView
from services.backends.schemas import Association
from services.backends.vision import Embedded
from services.runtime.trust import trust_in
from services.search.answer import Share
from services.search.chains import tells
from services.search.ports import (
    AskedEmbedding,
    Candidate,
    Column,
    EmbeddedCandidate,
    Evidence,
    FusedEvidence,
    PortUnavailableError,
    candidates_of,
)
from services.search.query import Task

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

    async def view(self, gallery: str, modalities: Sequence[Modality], min_probability: float) -> EdgeView:
        """The edges of a gallery, read by ids."""
        return BlockView(self, gallery, modalities, min_probability)

    async def edge_block(
        self, gallery: str, appearance_ids: Sequence[str], modalities: Sequence[Modality], min_probability: float
    ) -> EdgeBlock:
        """The edges at some appearances."""
        await self.released.wait()
        if self.failing:
            raise PortUnavailableError("the fake was told to fail")
        self.asked.append(tuple(appearance_ids))
        wanted = set(appearance_ids)
        return EdgeBlock.of(
            edge
            for edge in self.edges[gallery]
            if (edge.first in wanted or edge.second in wanted)
            and edge.probability >= min_probability
            and edge.modality in modalities
        )


class FakeFusion:
    """`Fusion` as the contract has it: log-odds add up, of one modality the best counts, "no" takes what says yes.

    With `by_network` a "network" is asked too: the mean of the best cosine of each modality, which it weighs alike.
    """

    def __init__(self, calibration: Mapping[Modality, Calibration], prior_log_odds: float = 0.0) -> None:
        self._calibration = calibration
        self._prior = prior_log_odds
        self.failing = False
        self.by_network = False
        self.network_failing = False
        self.weighed: list[EmbeddedCandidate] = []

    async def fuse(self, candidates: Sequence[Candidate], task: Task) -> list[FusedEvidence]:
        """One verdict for each candidate; what tells of another than is asked counts as far as the two are one."""
        if self.failing:
            raise PortUnavailableError("the fake was told to fail")
        return [self._linked(candidate, task) for candidate in candidates]

    async def seen(self, columns: Sequence[Column], links: F64) -> F64:
        """The same, one by one."""
        fused = await self.fuse(candidates_of(columns, links), Task.SEEN)
        return np.array([verdict.probability for verdict in fused], dtype=np.float64)

    async def fuse_embeddings(
        self, asked: Sequence[AskedEmbedding], candidates: Sequence[EmbeddedCandidate], task: Task
    ) -> list[FusedEvidence]:
        """One verdict for each candidate, by the cosines of what may be compared and is asked for."""
        if self.network_failing:
            raise PortUnavailableError("the fake's network was told to fail")
        self.weighed.extend(candidates)
        return [self._weighed(asked, candidate) for candidate in candidates]

    def _weighed(self, asked: Sequence[AskedEmbedding], candidate: EmbeddedCandidate) -> FusedEvidence:
        best: dict[Modality, float] = {}
        for held in candidate.embeddings:
            cosines = [float(asked[place].vector @ held.vector) for place in held.asked if asked[place].weight > 0.0]
            if cosines:
                best[held.modality] = max(cosines)
        mean = sum(best.values()) / max(1, len(best))
        return FusedEvidence(max(0.0, min(1.0, mean)), tuple(Share(one, 1.0 / len(best)) for one in best))

    def _linked(self, candidate: Candidate, task: Task) -> FusedEvidence:
        together = self._fused(candidate.evidence)
        own = self._fused([piece for piece in candidate.evidence if tells(task, piece.modality)])
        link = candidate.speaker
        return FusedEvidence(link * together.probability + (1.0 - link) * own.probability, together.shares)

    def _fused(self, evidence: Sequence[Evidence]) -> FusedEvidence:
        best: dict[Modality, float] = {}
        taken: dict[Modality, float] = defaultdict(float)
        for piece in evidence:
            nats = abs(piece.weight) * self._calibration[piece.modality].logit(piece.cosine, piece.quality)
            nats *= trust_in(piece.modality, piece.quality)
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


class ToneHearing:
    """`Hearing` for whistled voices: sound is speech, silence is none, and the pitch says whose voice it is.

    Args:
        embedding_of: The embedding float32[D] of whoever has a number.
        can_hear: Whether it is a pack that hears.
    """

    LOWEST_HZ, STEP_HZ = 400, 100

    def __init__(self, embedding_of: Callable[[int], F32], can_hear: bool = True) -> None:
        self._embedding_of = embedding_of
        self.can_hear = can_hear
        self.threshold = 0.5
        self.heard: list[int] = []

    @classmethod
    def tone(cls, who: int, seconds: float) -> F32:
        """A sound of somebody's voice: float32[N] at 16 kHz."""
        times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        hertz = cls.LOWEST_HZ + cls.STEP_HZ * who
        return np.asarray(0.3 * np.sin(2.0 * np.pi * hertz * times), dtype=np.float32)

    async def speech(self, samples: F32) -> F32:
        """1 where there is sound."""
        frames = frame_count(samples.shape[0])
        padded = np.zeros(frames * HOP, np.float32)
        padded[: samples.shape[0]] = samples
        return np.asarray(np.abs(padded.reshape(frames, HOP)).max(axis=1) > 0.01, dtype=np.float32)

    async def embed(self, clips: Sequence[F32], *, activity: Sequence[F32] | None = None) -> Embedded:
        """What the pitch of each clip stands for."""
        hertz = [float(np.argmax(np.abs(np.fft.rfft(clip)))) * SAMPLE_RATE / clip.shape[0] for clip in clips]
        who = [round((each - self.LOWEST_HZ) / self.STEP_HZ) for each in hertz]
        self.heard.extend(who)
        return Embedded(np.stack([self._embedding_of(one) for one in who]), np.ones(len(who), np.float32))


@dataclass(frozen=True, slots=True)
class FakeWord:
    """A word, which takes one number."""

    text: str
    known: bool
    tokens: int = 1


class ColourWords:
    """`Words` for colours: the last one that a text names says what it looks like.

    Args:
        embedding_of: The embedding float32[D] of each colour by its place in `COLOURS`.
        can_read: Whether it is a pack that reads.
    """

    COLOURS = ("red", "green", "blue", "yellow")
    OTHERS = ("a", "the", "in", "and", "woman", "man", "jacket", "with", "hat", ",")

    def __init__(self, embedding_of: Callable[[int], F32], can_read: bool = True) -> None:
        self._embedding_of = embedding_of
        self.can_read = can_read
        self.most_tokens = 10
        self.read: list[str] = []

    def words(self, text: str) -> list[FakeWord]:
        """Words by spaces; commas stand apart."""
        known = {*self.COLOURS, *self.OTHERS}
        return [FakeWord(word, word in known) for word in text.lower().replace(",", " , ").split()]

    def known_words(self) -> list[str]:
        """The words, colours last."""
        return [*self.OTHERS[:-1], *self.COLOURS]

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """What the last colour of each text stands for; without one, a number beyond all colours."""
        self.read.extend(texts)
        named = [[self.COLOURS.index(word) for word in text.split() if word in self.COLOURS] for text in texts]
        vectors = [self._embedding_of(colours[-1] if colours else len(self.COLOURS)) for colours in named]
        return Embedded(np.stack(vectors), np.ones(len(texts), np.float32))


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
