"""Training the active-speaker network: faces and sound of the same two seconds in, who speaks in each frame out.

Source: Liao et al., "A Light Weight Model for Active Speaker Detection", arXiv:2303.04439v1. A share of the windows
gets the sound of another one: a mouth that moves while somebody else is heard must not pass for the speaker, which is
what an off-screen voice and a dubbed line look like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from models.speaking import ActiveSpeaker
from training.data.batches import epoch_rows, step_generator
from training.data.mouths import F32, U8, Film, Seen, Window, cut_sound, cut_window, windows_of
from training.losses.speaking import SpeakingLoss, temperature_at
from training.recipe import SpeakingAugment, SpeakingRecipe, phase_at, total_steps

# The published code trains for so many epochs, over which its temperature falls.
PUBLISHED_EPOCHS = 30


@dataclass(frozen=True, slots=True)
class SpeakingBatch:
    """Faces uint8[B, T, H, W], cepstra float32[B, 4 T, 13], who speaks int64[B, T], what counts float32[B, T]."""

    faces: Tensor
    cepstra: Tensor
    speaking: Tensor
    counts: Tensor


class SpeakingTask:
    """An active-speaker network over the faces of films.

    Args:
        network: The network.
        films: What it learns from.
        recipe: How.
    """

    def __init__(self, *, network: ActiveSpeaker, films: Sequence[Film], recipe: SpeakingRecipe) -> None:
        self.network: nn.Module = network
        self.trained: nn.Module = network
        self.films = films
        self.recipe = recipe
        frames = recipe.phases[0].frames
        seen = windows_of(films, frames)
        said = [bool((cut_window(films[one.film], one.person, one.start_s, frames).speaking > 0).any()) for one in seen]
        self.speaking = [one for one, speaks in zip(seen, said, strict=True) if speaks]
        self.silent = [one for one, speaks in zip(seen, said, strict=True) if not speaks]
        self.loss = SpeakingLoss()

    def make_batch(self, step: int) -> SpeakingBatch:
        """Draw the windows of a step: half of them of people who speak in it."""
        phase, seed = phase_at(self.recipe, step), self.recipe.seed
        rng = step_generator(seed, step)
        half = phase.batch // 2
        drawn = [self.speaking[row] for row in epoch_rows(len(self.speaking), half, step, seed)]
        drawn += [self.silent[row] for row in epoch_rows(len(self.silent), phase.batch - half, step, seed + 1)]
        cut = [self._changed(window, phase.frames, rng) for window in drawn]
        faces, cepstra, speaking, counts = (
            torch.from_numpy(np.stack([getattr(one, name) for one in cut]))
            for name in ("faces", "cepstra", "speaking", "counts")
        )
        return SpeakingBatch(faces, cepstra, speaking, counts)

    def losses(self, batch: SpeakingBatch, step: int) -> dict[str, Tensor]:
        """Compute the loss at the temperature that this step has reached."""
        self.loss.temperature = temperature_at(int(PUBLISHED_EPOCHS * step / total_steps(self.recipe)))
        losses: dict[str, Tensor] = self.loss(self.network(batch.faces, batch.cepstra), batch.speaking, batch.counts)
        return losses

    def _changed(self, window: Window, frames: int, rng: np.random.Generator) -> Seen:
        augment = self.recipe.augment
        start_s = window.start_s + float(rng.uniform(-0.5, 0.5)) * frames / 50.0
        seen = cut_window(self.films[window.film], window.person, start_s, frames)
        heard, speaking = seen.cepstra, seen.speaking
        if rng.random() < augment.strange:
            other = self.speaking[int(rng.integers(0, len(self.speaking)))]
            film = self.films[other.film]
            heard, speaking = (
                cut_sound(film, film.shot_of(other.person), other.start_s, frames),
                np.zeros_like(speaking),
            )
        return Seen(changed_faces(seen.faces, augment, rng), louder(heard, augment, rng), speaking, seen.counts)


def changed_faces(faces: U8, augment: SpeakingAugment, rng: np.random.Generator) -> U8:
    """Mirror, shift, scale and light all faces of a window alike: uint8[T, H, W]."""
    height, width = faces.shape[1:]
    scale = 1.0 + rng.uniform(-augment.scale, augment.scale)
    shift = rng.uniform(-augment.shift, augment.shift, size=2) * (width, height)
    side = -1.0 if rng.random() < 0.5 else 1.0
    middle = np.array([(width - 1) / 2.0, (height - 1) / 2.0])
    matrix = np.array([[side * scale, 0.0, 0.0], [0.0, scale, 0.0]])
    matrix[:, 2] = middle + shift - matrix[:, :2] @ middle
    moved = [cv2.warpAffine(one, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE) for one in faces]
    gain, lift = 1.0 + rng.uniform(-augment.light, augment.light), rng.uniform(-augment.light, augment.light) * 64.0
    return np.asarray(np.clip(np.stack(moved) * gain + lift, 0.0, 255.0), dtype=np.uint8)


def louder(cepstra: F32, augment: SpeakingAugment, rng: np.random.Generator) -> F32:
    """Make a sound louder or softer: only the logarithm of the energy changes, which is the first cepstrum."""
    changed = cepstra.copy()
    changed[:, 0] += rng.uniform(-augment.gain_db, augment.gain_db) * np.log(10.0) / 10.0
    return changed
