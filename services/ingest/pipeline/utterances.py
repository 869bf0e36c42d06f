"""From the probability of speech in each 10 ms to pieces of speech that one person says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from packs.arrays import F32
from packs.sound import HOP, SAMPLE_RATE
from services.ingest.pipeline.settings import SpeechSettings
from services.ingest.pipeline.values import Sound

__all__ = ["FRAME_S", "Utterance", "clip_of", "utterances"]

FRAME_S = HOP / SAMPLE_RATE


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A piece of speech without a pause: from where to where, and how sure the activity is on average, in [0, 1]."""

    start_s: float
    end_s: float
    activity: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


def utterances(
    activity: F32, begins_s: float, span: tuple[float, float], threshold: float, settings: SpeechSettings
) -> list[Utterance]:
    """Cut speech into pieces.

    Args:
        activity: float32[T], probability of speech in each 10 ms.
        begins_s: Time of its first frame.
        span: The shot: pieces are cut at its ends, since another shot shows other people.
        threshold: Speech begins at this probability; it goes on down to a lower one.
        settings: Lengths.
    """
    if not activity.size:
        return []
    quiet = threshold * settings.goes_on_share
    runs = [run for run in _runs(activity >= quiet) if activity[run[0] : run[1]].max() >= threshold]
    bridged: list[tuple[int, int]] = []
    for low, high in runs:
        if bridged and (low - bridged[-1][1]) * FRAME_S < settings.bridged_s - 1e-9:
            bridged[-1] = bridged[-1][0], high
        else:
            bridged.append((low, high))
    made = []
    for low, high in bridged:
        start_s = max(begins_s + low * FRAME_S, span[0])
        end_s = min(begins_s + high * FRAME_S, span[1])
        if end_s - start_s >= settings.least_s - 1e-9:
            made.append(Utterance(start_s, end_s, float(activity[low:high].mean())))
    return made


def clip_of(sound: Sound, start_s: float, end_s: float) -> F32:
    """The samples of a stretch of time, float32[N], as far as they are there."""
    low, high = (round((time_s - sound.start_s) * SAMPLE_RATE) for time_s in (start_s, end_s))
    return sound.samples[max(low, 0) : max(high, 0)]


def _runs(marked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    """Stretches [low, high) of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    return [(int(low), int(high)) for low, high in zip(edges[::2], edges[1::2], strict=True)]
