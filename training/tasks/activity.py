"""Training voice activity: windows of anything in, whether somebody speaks in each frame out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models import VoiceActivity
from training.data.batches import epoch_rows, step_generator
from training.data.voices import VoiceSet
from training.data.windows import activity_window
from training.recipe import ActivityRecipe, phase_at


@dataclass(frozen=True, slots=True)
class ActivityBatch:
    """Windows float32[B, T, 257] and whether somebody speaks, float32[B, T], 0 or 1."""

    windows: Tensor
    speech: Tensor


class ActivityTask:
    """Voice activity over a set of clips, with words and without.

    Args:
        network: The network.
        voices: What it learns from.
        recipe: How.
    """

    def __init__(self, *, network: VoiceActivity, voices: VoiceSet, recipe: ActivityRecipe) -> None:
        self.network: nn.Module = network
        self.trained: nn.Module = network
        self.voices = voices
        self.recipe = recipe

    def make_batch(self, step: int) -> ActivityBatch:
        """Draw and change the windows of a step."""
        recipe = self.recipe
        phase = phase_at(recipe, step)
        rng = step_generator(recipe.seed, step)
        rows = epoch_rows(len(self.voices), phase.batch, step, recipe.seed).tolist()
        pairs = [activity_window(self.voices, row, phase.frames, recipe.augment, rng) for row in rows]
        windows, speech = (torch.from_numpy(np.stack(part)) for part in zip(*pairs, strict=True))
        return ActivityBatch(windows, speech)

    def losses(self, batch: ActivityBatch, step: int) -> dict[str, Tensor]:
        """Compute the mean cross-entropy of all frames."""
        logits = self.network(batch.windows).float()
        return {"entropy": functional.binary_cross_entropy_with_logits(logits, batch.speech)}
