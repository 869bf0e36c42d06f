"""Detected frames go in, finished shots come out."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from packs.arrays import F32
from packs.detections import Detections
from packs.spec import Modality
from services.ingest.pipeline.attach import attach
from services.ingest.pipeline.clothes import Alike
from services.ingest.pipeline.colours import similarity
from services.ingest.pipeline.mouths import MouthWatcher
from services.ingest.pipeline.observations import Collector, Cutter
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.tracking import Tracker
from services.ingest.pipeline.values import Chunk, Frame, Glimpse, Position, Shot

__all__ = ["ShotTracker"]


class ShotTracker:
    """Follows the people through a film, shot by shot. Bound to one film; not for several threads at once.

    Args:
        cut: Cuts crops for the encoders.
        modalities: Those that the pack can embed.
        frame_s: Time from one frame to the next.
        settings: Of the whole pipeline.
        alike: Compares what people wear.
    """

    def __init__(
        self,
        cut: Cutter,
        modalities: Sequence[Modality],
        frame_s: float,
        settings: PipelineSettings,
        alike: Alike = similarity,
    ) -> None:
        self._settings = settings
        self._frame_s = frame_s
        self._tracker = Tracker(settings.tracker, alike)
        self._collector = Collector(cut, modalities, settings.observations)
        self._watcher = MouthWatcher(settings.mouths)
        self._early: list[Glimpse] = []  # those after the last analysed frame of a chunk
        self._size_px = (0, 0)

    def take(self, chunk: Chunk, detected: Sequence[Detections], clothes: Sequence[F32] | None = None) -> Shot | None:
        """Follow the people through a chunk; return its shot when that ends.

        `clothes` are float32[P, D] of each frame's persons (`Clothes.look`); their colours are looked at when None.
        """
        glimpses = deque(chunk.glimpses)
        looks = [None] * len(detected) if clothes is None else clothes
        for frame, detections, worn in zip(chunk.frames, detected, looks, strict=True):
            upto_s = frame.position.time_s + 1e-6
            fresh = [glimpses.popleft() for _ in range(sum(one.position.time_s <= upto_s for one in glimpses))]
            self._look(frame, detections, worn, [*self._early, *fresh])
            self._early = []
        self._early += glimpses
        return None if chunk.end is None else self._finish(chunk, chunk.end)

    def _look(self, frame: Frame, detections: Detections, clothes: F32 | None, glimpses: Sequence[Glimpse]) -> None:
        self._size_px = frame.image.shape[0], frame.image.shape[1]
        persons = attach(frame.image, detections, self._settings.tracker.low_score, clothes)
        seen = self._tracker.update(frame.position, persons)
        self._collector.look(frame, seen)
        self._watcher.look(frame, glimpses, seen)

    def _finish(self, chunk: Chunk, end: Position) -> Shot:
        height, width = self._size_px
        fragments = self._collector.fragments(self._tracker.finish())
        mouths = self._watcher.take()
        for fragment in fragments:
            fragment.mouths = mouths.get(fragment.number, [])
        self._early = []
        return Shot(chunk.start, end, self._frame_s, height, width, fragments, chunk.film_ends, chunk.sound)
