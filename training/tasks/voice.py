"""Training the voice encoder: windows of one voice in, identities told apart by ArcFace."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models import VoiceEncoder
from training.data.batches import epoch_rows, step_generator
from training.data.voices import VoiceSet
from training.data.windows import voice_window
from training.losses import ArcFace
from training.recipe import VoiceRecipe, phase_at, total_steps
from training.tasks.encoder import embedding_dim, margin_at


@dataclass(frozen=True, slots=True)
class VoiceBatch:
    """Windows float32[B, T, 257] and their labels int64[B]."""

    windows: Tensor
    labels: Tensor


class VoiceTask:
    """A voice encoder with ArcFace over the people of a set of voices.

    Args:
        encoder: The network.
        voices: What it learns from.
        recipe: How.
    """

    def __init__(self, *, encoder: VoiceEncoder, voices: VoiceSet, recipe: VoiceRecipe) -> None:
        self.network: nn.Module = encoder
        self.voices = voices
        self.recipe = recipe
        self.rows = voices.spoken
        # Identities without gaps, one for each of `rows`.
        self.labels = np.unique(voices.identity[self.rows], return_inverse=True)[1].astype(np.int64)
        self.classes = int(self.labels.max()) + 1
        self.arcface = ArcFace(
            embedding_dim=embedding_dim(encoder),
            classes=self.classes,
            scale=recipe.margin.scale,
            margin=recipe.margin.margin,
        )
        self.trained: nn.Module = nn.ModuleDict({"network": encoder, "arcface": self.arcface})

    def make_batch(self, step: int) -> VoiceBatch:
        """Draw and change the windows of a step."""
        recipe = self.recipe
        phase = phase_at(recipe, step)
        rng = step_generator(recipe.seed, step)
        picked = epoch_rows(len(self.rows), phase.batch, step, recipe.seed)
        windows = [voice_window(self.voices, row, phase.frames, recipe.augment, rng) for row in self.rows[picked]]
        return VoiceBatch(torch.from_numpy(np.stack(windows)), torch.from_numpy(self.labels[picked]))

    def losses(self, batch: VoiceBatch, step: int) -> dict[str, Tensor]:
        """Compute ArcFace with the margin that this step has reached."""
        self.arcface.margin = margin_at(self.recipe.margin, step, total_steps(self.recipe))
        return {"arcface": self.arcface(self.network(batch.windows), batch.labels)}
