"""Array aliases and the version of the generated world."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]
Floats = npt.NDArray[np.floating[Any]]
AnyArray = npt.NDArray[Any]

WORLD_VERSION: Final = 2
"""Bumped whenever the same seed would give other people, clothes or films."""

FRAME_WIDTH: Final = 1280
FRAME_HEIGHT: Final = 720


def generator(*words: int) -> np.random.Generator:
    """Return the generator of one thing of the world, named by integers (world version first)."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([WORLD_VERSION, *words])))
