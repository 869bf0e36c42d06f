"""Validation and test voices as the product would hear them: whole clips at rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from packs.manifest import Pack
from packs.sound import activity_windows, magnitude, stitched, voice_windows
from packs.spec import Modality, ModelSpec, SoundPreprocessing
from training.data.voices import VoiceSet
from training.measure.served import F32, ServedModel
from training.recipe import ActivityRecipe, Recipe, VoiceRecipe

Keys = NDArray[np.int64]

# Thresholds that are tried.
STEPS = 200


@dataclass(frozen=True, slots=True)
class FrameErrors:
    """How often voice activity is wrong, over frames of 10 ms.

    Attributes:
        threshold: Value from which a frame counts as speech.
        error: Share of wrong frames.
        miss: Share of the frames with speech that are not found.
        false_alarm: Share of the other frames that are taken for speech.
    """

    threshold: float
    error: float
    miss: float
    false_alarm: float

    @property
    def balanced(self) -> float:
        """Mean of both kinds of error, whatever the share of speech."""
        return (self.miss + self.false_alarm) / 2.0


def embed_clips(pack: Pack, voices: VoiceSet, rows: Keys) -> F32:
    """Embed clips with the exported network: float32[N, D], not normalised; a long clip is the mean of its windows."""
    spec = pack.model_for(Modality.VOICE)
    how = sound_of(spec)
    served = ServedModel(pack, spec.name)
    # A clip at a time: the spectrogram of all would be gigabytes.
    return np.stack([served.run(voice_windows(voices.clip(row), how))[0].mean(axis=0) for row in rows.tolist()])


def speech_of_clips(pack: Pack, voices: VoiceSet) -> F32:
    """Probability of speech in each frame of all clips, as exported: float32[K], like `voices.speech`."""
    spec = pack.model("voice_activity")
    how = sound_of(spec)
    served = ServedModel(pack, spec.name)
    parts = []
    for row in range(len(voices)):
        answer = served.run(activity_windows(voices.clip(row), how))[0]
        parts.append(stitched(answer, how)[: voices.activity(row).shape[0]])
    return np.concatenate(parts)


def loudness_of_clips(voices: VoiceSet) -> F32:
    """The baseline of voice activity, mean log-magnitude of each frame of all clips: float32[K]."""
    return np.concatenate([magnitude(voices.clip(row)).mean(axis=1) for row in range(len(voices))])


def frame_errors(values: F32, speech: NDArray[np.uint8], threshold: float) -> FrameErrors:
    """Measure at one threshold; values and speech are [K]."""
    found, wanted = values >= threshold, speech.astype(np.bool_)
    return FrameErrors(
        threshold=round(threshold, 4),
        error=round(float((found != wanted).mean()), 4),
        miss=round(float((~found[wanted]).mean()), 4) if wanted.any() else 0.0,
        false_alarm=round(float(found[~wanted].mean()), 4) if (~wanted).any() else 0.0,
    )


def best_threshold(values: F32, speech: NDArray[np.uint8]) -> float:
    """Choose the threshold with the least balanced error."""
    tried = np.unique(np.quantile(values, np.linspace(0.0, 1.0, STEPS)))
    return float(min(tried, key=lambda threshold: frame_errors(values, speech, float(threshold)).balanced))


def seconds_of_speech(voices: VoiceSet, rows: Keys) -> F32:
    """How long somebody speaks in each clip, in seconds."""
    return np.array([voices.activity(row).sum() / 100.0 for row in rows.tolist()], np.float32)


def sample_windows(voices: VoiceSet, recipes: Iterable[Recipe], rows: int) -> dict[str, F32]:
    """Give real inputs of each network that hears, float32[rows, T, 257] by name, for the comparison of runtimes."""
    clips = [voices.clip(row) for row in range(min(rows, len(voices)))]
    samples: dict[str, F32] = {}
    for recipe in recipes:
        if isinstance(recipe, VoiceRecipe | ActivityRecipe):
            frames = recipe.phases[-1].frames
            how = SoundPreprocessing(kind="wrapped", frames=frames, hop=frames)
            samples[recipe.preset] = np.concatenate([voice_windows(clip, how)[:1] for clip in clips])
    return samples


def sound_of(spec: ModelSpec) -> SoundPreprocessing:
    """The preprocessing of a network that hears."""
    if not isinstance(spec.preprocessing, SoundPreprocessing):
        raise ValueError(f"{spec.name} has preprocessing {spec.preprocessing}, expected one of sound")
    return spec.preprocessing
