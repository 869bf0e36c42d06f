"""The voice in a clip: the speech in it is found, cut out and embedded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from packs.arrays import F32
from packs.sound import HOP, SAMPLE_RATE
from services.runtime.errors import NoSpeechError
from services.search.ports import Hearing
from services.search.settings import VoiceSettings

FRAME_S = HOP / SAMPLE_RATE

Run = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A voice of a clip.

    Attributes:
        vector: float32[D], L2-normalised.
        speech_s: Seconds of speech that it was made of.
    """

    vector: F32
    speech_s: float


class VoiceFinder:
    """Finds and embeds the voice of a clip, which is taken to be one person's."""

    def __init__(self, hearing: Hearing, settings: VoiceSettings) -> None:
        self._hearing = hearing
        self._settings = settings

    @property
    def can_hear(self) -> bool:
        """Whether the pack has what it takes."""
        return self._hearing.can_hear

    async def find(self, part_index: int, samples: F32) -> Voice:
        """Embed the speech of a clip.

        Args:
            part_index: The query's part, for errors.
            samples: float32[N], mono, 16 kHz.

        Raises:
            NoSpeechError: If less speech is heard than the settings ask for.
        """
        activity = await self._hearing.speech(samples)
        speaks = activity >= self._hearing.threshold
        # What is not heard as speech inside of a run, such as the breath between two words, is no speech of it.
        runs = _runs(speaks, round(self._settings.gap_s / FRAME_S))
        seconds = np.array([np.count_nonzero(speaks[first:last]) for first, last in runs]) * FRAME_S
        if seconds.sum() < self._settings.least_speech_s:
            raise NoSpeechError(part_index, heard_s=float(seconds.sum()), least_s=self._settings.least_speech_s)
        clips = [samples[first * HOP : last * HOP] for first, last in runs]
        embedded = await self._hearing.embed(clips, activity=[activity[first:last] for first, last in runs])
        mean = seconds @ embedded.vectors
        return Voice(np.asarray(mean / np.linalg.norm(mean), dtype=np.float32), float(seconds.sum()))


def _runs(speaks: np.ndarray[tuple[int], np.dtype[np.bool_]], most_gap: int) -> list[Run]:
    """Stretches [first, last) of speech in frames; those with at most `most_gap` frames between are one."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], speaks, [False]]).astype(np.int8)))
    joined: list[Run] = []
    for first, last in edges.reshape(-1, 2).tolist():
        if joined and first - joined[-1][1] <= most_gap:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return joined
