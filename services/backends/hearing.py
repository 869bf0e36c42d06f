"""The sound networks of a pack as what they are for: where speech is, and whose voice it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from packs.arrays import F32
from packs.errors import PackError
from packs.manifest import HearingSettings, Pack
from packs.sound import HOP, SAMPLE_RATE, ActivityStream, frame_count, stitched, voice_windows, window_weights
from packs.spec import Modality, ModelSpec, SoundPreprocessing
from services.backends.inference.protocol import InferenceBackend
from services.backends.vision import Embedded, normalised

# Sound that is transformed and asked at once: bounds the memory of a long film at a few MB.
BLOCK = 20 * SAMPLE_RATE


class HearingModels:
    """Hears with one pack. Sound is float32[N], mono, 16 kHz, about -1..1.

    Args:
        backend: Where its networks run.
        pack: Their specs, preprocessing and the operating point of voice activity.
    """

    def __init__(self, backend: InferenceBackend, pack: Pack) -> None:
        self._backend = backend
        self._pack = pack

    @property
    def can_hear(self) -> bool:
        """Whether the pack has voice activity and a voice encoder; without them only `can_hear` may be asked."""
        return self._pack.manifest.hearing is not None and Modality.VOICE in self._pack.modalities

    @property
    def threshold(self) -> float:
        """Probability from which a frame of 10 ms counts as speech.

        Raises:
            PackError: If the pack cannot hear.
        """
        return self._settings().threshold

    async def speech(self, samples: F32, *, deadline_s: float | None = None) -> F32:
        """Probability of speech in each 10 ms of a whole sound float32[N], N >= 0: float32[ceil(N / 160)].

        Raises:
            PackError: If the pack cannot hear.
            ValueError: If the sound is not mono float32, or not finite.
        """
        stream = self.stream(deadline_s=deadline_s)
        parts = [await stream.push(samples[start : start + BLOCK]) for start in range(0, samples.shape[0], BLOCK)]
        return np.concatenate([*parts, await stream.finish()])

    def stream(self, *, deadline_s: float | None = None) -> SpeechStream:
        """Begin a sound that comes in blocks; the answers are those of `speech` over the whole.

        Raises:
            PackError: If the pack cannot hear.
        """
        spec = self._pack.model(self._settings().model)
        return SpeechStream(self._backend, spec, deadline_s)

    async def embed(
        self, clips: Sequence[F32], *, activity: Sequence[F32] | None = None, deadline_s: float | None = None
    ) -> Embedded:
        """Embed clips of one voice each, float32[N_i] with N_i >= 1; short ones are wrapped round.

        A clip longer than a window is the mean of its windows, weighted by the length of their embeddings (a sign of
        quality) and by the speech that they hold.

        Args:
            clips: The sounds; best between 0.7 and 10 s of speech each.
            activity: What `speech` says of each clip, float32[ceil(N_i / 160)]; None weighs all windows alike.
            deadline_s: Longest wait; None takes the backend's own.

        Raises:
            PackError: If the pack has no voice encoder.
            ValueError: If a clip is empty, not mono float32 or not finite, or `activity` does not fit.
        """
        spec = self._pack.model_for(Modality.VOICE)
        how = _sound_of(spec)
        if not clips:
            return Embedded(np.zeros((0, spec.embedding_dim or 0), np.float32), np.zeros(0, np.float32))
        _check_activity(clips, activity)
        windows = await asyncio.to_thread(lambda: [voice_windows(clip, how) for clip in clips])
        answer = await self._backend.infer(
            spec.name, {spec.inputs[0].name: np.concatenate(windows)}, deadline_s=deadline_s
        )
        raw = np.asarray(answer[spec.outputs[0].name], dtype=np.float32)
        ends = np.cumsum([part.shape[0] for part in windows])
        parts = np.split(raw, ends[:-1])
        if activity is None:
            return normalised(spec, np.stack([part.mean(axis=0) for part in parts]))
        weights = [window_weights(one, how) for one in activity]
        means = [weight @ part / weight.sum() for part, weight in zip(parts, weights, strict=True)]
        return normalised(spec, np.stack(means))

    def _settings(self) -> HearingSettings:
        settings = self._pack.manifest.hearing
        if settings is None:
            raise PackError(f"pack {self._pack.name} cannot hear; choose one that has `hearing` in its manifest")
        return settings


class SpeechStream:
    """Voice activity of a sound that comes in blocks of any size, with an answer about a second later.

    The windows lie at fixed places of the sound, so the answers do not depend on how it was cut into blocks.

    Args:
        backend: Where the network runs.
        spec: The network of voice activity.
        deadline_s: Longest wait for one block.
    """

    def __init__(self, backend: InferenceBackend, spec: ModelSpec, deadline_s: float | None) -> None:
        self._backend = backend
        self._spec = spec
        self._deadline_s = deadline_s
        self._how = _sound_of(spec)
        self._windows = ActivityStream(self._how)
        self._answered = 0

    @property
    def answered_frames(self) -> int:
        """Frames of 10 ms whose probability has been given out."""
        return self._answered

    async def push(self, block: F32) -> F32:
        """Take the next block float32[N]; give the probabilities that are now known, float32[frames], in order."""
        return await self._ask(await asyncio.to_thread(self._windows.push, block))

    async def finish(self) -> F32:
        """Give the probabilities of the rest; afterwards one frame for each begun 10 ms has been answered."""
        rest = await self._ask(await asyncio.to_thread(self._windows.finish))
        # The last window also speaks of what comes after the end.
        surplus = max(0, self._answered - self._windows.frames)
        self._answered -= surplus
        return rest[: rest.shape[0] - surplus]

    async def _ask(self, windows: F32) -> F32:
        if windows.shape[0] == 0:
            return np.zeros(0, np.float32)
        inputs = {self._spec.inputs[0].name: windows}
        answer = await self._backend.infer(self._spec.name, inputs, deadline_s=self._deadline_s)
        known = stitched(np.asarray(answer[self._spec.outputs[0].name], dtype=np.float32), self._how)
        self._answered += known.shape[0]
        return known


def _sound_of(spec: ModelSpec) -> SoundPreprocessing:
    if not isinstance(spec.preprocessing, SoundPreprocessing):
        raise PackError(f"model {spec.name} takes no sound")
    return spec.preprocessing


def _check_activity(clips: Sequence[F32], activity: Sequence[F32] | None) -> None:
    if activity is None:
        return
    expected = [frame_count(clip.shape[0]) for clip in clips]
    found = [one.shape[0] for one in activity]
    if found != expected:
        raise ValueError(f"activity must have one value for each {HOP} samples, expected {expected}, got {found}")
