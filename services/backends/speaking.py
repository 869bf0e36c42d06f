"""The active-speaker network of a pack as what it is for: whose mouth goes with the sound, moment by moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from packs.arrays import F32, F64, U8
from packs.errors import PackError
from packs.manifest import Pack
from packs.speaking import PICTURES_PER_S, heard_in, joined, looks_of, starts_of
from packs.spec import ModelSpec
from packs.spectra import cepstra
from services.backends.inference.protocol import InferenceBackend

__all__ = ["FaceTrack", "SpeakingModels"]


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """The face of one person: when it was seen, float64[N], rising, and uint8[N, h, w], grey; N >= 1."""

    times_s: F64
    faces: U8


class SpeakingModels:
    """Watches faces with one pack.

    Args:
        backend: Where its networks run.
        pack: Says which of them is the active-speaker network.
    """

    def __init__(self, backend: InferenceBackend, pack: Pack) -> None:
        self._backend = backend
        settings = pack.manifest.speaking
        self._spec: ModelSpec | None = None if settings is None else pack.model(settings.model)

    @property
    def can_watch(self) -> bool:
        """Whether the pack has such a network; without it `speaks` may not be asked."""
        return self._spec is not None

    async def speaks(
        self,
        tracks: Sequence[FaceTrack],
        sound: F32,
        begins_s: float,
        spans: Sequence[tuple[float, float]],
        *,
        deadline_s: float | None = None,
    ) -> list[F32]:
        """The probability that each face of each track speaks.

        Args:
            tracks: Faces that the sound may belong to.
            sound: float32[S], mono, 16 kHz, S >= 1.
            begins_s: Time of its first sample.
            spans: Where somebody speaks: windows that show none of it are not looked at.
            deadline_s: Longest wait; None takes the backend's own.

        Returns:
            float32[N] for each track, 0..1; 0 where no window was looked at.

        Raises:
            PackError: If the pack has no such network.
        """
        if self._spec is None:
            raise PackError("the pack cannot tell who speaks; choose one that has `speaking` in its manifest")
        spec = self._spec
        frames = spec.inputs[0].shape[0]
        starts = [_wanted(track, spans, frames) for track in tracks]
        if not any(starts):
            return [np.zeros(len(track.times_s), np.float32) for track in tracks]
        feed = await asyncio.to_thread(_feed, spec, tracks, starts, cepstra(sound), begins_s)
        answer = await self._backend.infer(spec.name, feed, deadline_s=deadline_s)
        said = np.asarray(answer[spec.outputs[0].name], dtype=np.float32)
        parts = np.split(said, np.cumsum([len(one) for one in starts])[:-1])
        return [joined(part, at, track.times_s) for part, at, track in zip(parts, starts, tracks, strict=True)]


def _wanted(track: FaceTrack, spans: Sequence[tuple[float, float]], frames: int) -> list[float]:
    """When the windows of a track begin that show something of a span."""
    length_s = frames / PICTURES_PER_S
    starts = starts_of(float(track.times_s[0]), float(track.times_s[-1]), frames)
    return [start_s for start_s in starts if any(low < start_s + length_s and high > start_s for low, high in spans)]


def _feed(
    spec: ModelSpec, tracks: Sequence[FaceTrack], starts: Sequence[Sequence[float]], heard: F32, begins_s: float
) -> dict[str, F32 | U8]:
    frames, height, width = spec.inputs[0].shape
    faces, sounds = [], []
    for track, mine in zip(tracks, starts, strict=True):
        sized = _sized(track.faces, height, width) if mine else track.faces
        for start_s in mine:
            faces.append(sized[looks_of(track.times_s, start_s, frames)[0]])
            sounds.append(heard_in(heard, begins_s, start_s, frames))
    return {spec.inputs[0].name: np.stack(faces), spec.inputs[1].name: np.stack(sounds)}


def _sized(faces: U8, height: int, width: int) -> U8:
    if faces.shape[1:] == (height, width):
        return faces
    return np.stack([np.asarray(cv2.resize(one, (width, height)), dtype=np.uint8) for one in faces])
