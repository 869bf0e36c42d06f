"""How a film is cut: lengths of shots, shots to a scene, dissolves."""

from typing import Final

import numpy as np

SHORTEST_S: Final = 2
LONGEST_S: Final = 6
_DISSOLVE_BETWEEN: Final = 0.20
_DISSOLVE_WITHIN: Final = 0.055


def cut_shots(rng: np.random.Generator, frames: int, fps: int) -> list[int]:
    """Cut a film into shots of 2 to 6 s, 3.6 s on average; one under 8 s becomes two shots.

    Raises:
        ValueError: the film is shorter than two shots of a second.
    """
    if frames < 2 * fps:
        raise ValueError(
            f"got a film of {frames} frames, need at least {2 * fps} (two shots of a second): raise --minutes"
        )
    if frames < 8 * fps:
        return [frames // 2, frames - frames // 2]
    low, high = SHORTEST_S * fps, LONGEST_S * fps
    lengths: list[int] = []
    left = frames
    while left > high:
        length = low + round((high - low) * float(rng.beta(1.6, 2.4)))
        if left - length < low:
            length = left // 2
        lengths.append(length)
        left -= length
    return [*lengths, left]


def cut_scenes(rng: np.random.Generator, shots: int) -> list[int]:
    """Split the shots into scenes of 4 to 8 (a film of under 4 shots is one scene)."""
    if shots < 4:
        return [shots]
    sizes: list[int] = []
    left = shots
    while left > 8:
        size = int(rng.integers(4, 9))
        if left - size < 3:
            size = left - 4
        sizes.append(size)
        left -= size
    return [*sizes, left] if sizes else [left // 2, left - left // 2]


def draw_transition(rng: np.random.Generator, lengths: list[int], shot: int, *, opens_scene: bool) -> int:
    """Draw the frames (even, 8 to 16) of the dissolve into a shot; 0 for a cut."""
    chance, frames = rng.random(), 2 * int(rng.integers(4, 9))
    if shot == 0 or chance >= (_DISSOLVE_BETWEEN if opens_scene else _DISSOLVE_WITHIN):
        return 0
    # Half of a dissolve lies in each shot, which may have one at its other end too.
    return frames if min(lengths[shot - 1], lengths[shot]) >= 2 * frames else 0
