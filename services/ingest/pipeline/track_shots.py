"""Detected frames go in, finished shots come out."""

from __future__ import annotations

from collections.abc import Sequence

from packs.detections import Detections
from packs.spec import Modality
from services.ingest.pipeline.attach import attach
from services.ingest.pipeline.observations import Collector, Cutter
from services.ingest.pipeline.settings import PipelineSettings
from services.ingest.pipeline.tracking import Tracker
from services.ingest.pipeline.values import Chunk, Frame, Position, Shot

__all__ = ["ShotTracker"]


class ShotTracker:
    """Follows the people through a film, shot by shot. Bound to one film; not for several threads at once.

    Args:
        cut: Cuts crops for the encoders.
        modalities: Those that the pack can embed.
        frame_s: Time from one frame to the next.
        settings: Of the whole pipeline.
    """

    def __init__(self, cut: Cutter, modalities: Sequence[Modality], frame_s: float, settings: PipelineSettings) -> None:
        self._settings = settings
        self._frame_s = frame_s
        self._tracker = Tracker(settings.tracker)
        self._collector = Collector(cut, modalities, settings.observations)
        self._size_px = (0, 0)

    def take(self, chunk: Chunk, detected: Sequence[Detections]) -> Shot | None:
        """Follow the people through a chunk; return its shot when that ends."""
        for frame, detections in zip(chunk.frames, detected, strict=True):
            self._look(frame, detections)
        return None if chunk.end is None else self._finish(chunk, chunk.end)

    def _look(self, frame: Frame, detections: Detections) -> None:
        self._size_px = frame.image.shape[0], frame.image.shape[1]
        persons = attach(frame.image, detections, self._settings.tracker.low_score)
        self._collector.look(frame, self._tracker.update(frame.position, persons))

    def _finish(self, chunk: Chunk, end: Position) -> Shot:
        height, width = self._size_px
        fragments = self._collector.fragments(self._tracker.finish())
        return Shot(chunk.start, end, self._frame_s, height, width, fragments, chunk.film_ends)
