"""Faces with their sound, as an active-speaker network is fed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.mouths import cut_window, open_mouths, windows_of

# What a pack calls the network.
SPEAKER = "active_speaker"


def sample_faces(mouths: Path, name: str, frames: int, rows: int) -> dict[str, NDArray[Any]]:
    """Give real inputs of the active-speaker network, by name, for the comparison of runtimes.

    Args:
        mouths: Folder of what `tools.cut_mouths` wrote.
        name: A film in it.
        frames: Pictures of a window.
        rows: How many windows.
    """
    films = open_mouths(mouths, [name])
    windows = windows_of(films, frames)[:rows]
    seen = [cut_window(films[0], one.person, one.start_s, frames) for one in windows]
    return {
        f"{SPEAKER}.faces": np.stack([one.faces for one in seen]),
        f"{SPEAKER}.cepstra": np.stack([one.cepstra for one in seen]),
    }
