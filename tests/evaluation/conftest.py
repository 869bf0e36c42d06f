from collections.abc import Callable

import numpy as np
import pytest

from evaluation.predictions import PredictedTracklet
from evaluation.truth import TruthTracklet
from evaluation.tubes import Tube

BoxEdges = tuple[float, float, float, float]


def make_tube(start: int, end: int, box: BoxEdges, step: BoxEdges = (0, 0, 0, 0)) -> Tube:
    """A box that moves by `step` a frame."""
    frames = np.arange(start, end)
    offsets = (frames - start)[:, None] * np.array(step, dtype=float)
    return Tube(frames, np.array(box, dtype=float) + offsets)


@pytest.fixture
def tube() -> Callable[..., Tube]:
    return make_tube


@pytest.fixture
def truth() -> Callable[..., TruthTracklet]:
    def make(
        key: str,
        start: int,
        end: int,
        box: BoxEdges,
        *,
        identity: str = "a",
        hidden: tuple[int, ...] = (),
        face_visible: bool = True,
        counts: bool = True,
    ) -> TruthTracklet:
        whole = make_tube(start, end, box)
        hidden_frames = np.array(hidden, dtype=np.int64)
        seen = whole.at(np.setdiff1d(whole.frames, hidden_frames))
        return TruthTracklet(key, identity, seen, hidden_frames, face_visible, counts)

    return make


@pytest.fixture
def predicted() -> Callable[..., PredictedTracklet]:
    def make(appearance_id: str, start: int, end: int, box: BoxEdges) -> PredictedTracklet:
        return PredictedTracklet(appearance_id, make_tube(start, end, box))

    return make
