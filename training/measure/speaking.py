"""Faces with their sound, as an active-speaker network is fed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.mouths import cut_window, open_mouths, windows_of
from training.recipe import Recipe, RecipeError, SpeakingRecipe

# What a pack calls the network.
SPEAKER = "active_speaker"


def sample_faces(mouths: Path, recipe: Recipe, rows: int) -> dict[str, NDArray[Any]]:
    """Give real inputs of the active-speaker network, by name, for the comparison of runtimes.

    Args:
        mouths: Folder of what `tools.cut_mouths` wrote.
        recipe: Which films it learned from, and how long a window is.
        rows: How many windows.

    Raises:
        RecipeError: If the recipe is of something else.
    """
    if not isinstance(recipe, SpeakingRecipe):
        raise RecipeError(f"got a recipe of the task {recipe.task!r}, expected 'speaking'")
    frames = recipe.phases[0].frames
    films = open_mouths(mouths, recipe.films[:1])
    seen = [cut_window(films[0], one.person, one.start_s, frames) for one in windows_of(films, frames)[:rows]]
    return {
        f"{SPEAKER}.faces": np.stack([one.faces for one in seen]),
        f"{SPEAKER}.cepstra": np.stack([one.cepstra for one in seen]),
    }
