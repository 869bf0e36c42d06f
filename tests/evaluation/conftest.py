from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.asking import Answer, Kind, Question
from evaluation.metrics.ranking import RankedHit
from evaluation.predictions import PredictedTracklet
from evaluation.truth import QueryFile, TruthTracklet
from evaluation.truth_speech import TruthSpeech
from evaluation.tubes import Tube
from personsearch.v1 import appearance_pb2, geometry_pb2

BoxEdges = tuple[float, float, float, float]
# Of the films of these tests.
WIDTH, HEIGHT, RATE = 200, 100, 25.0


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
        face: BoxEdges | None = None,
        scene: str = "",
    ) -> TruthTracklet:
        whole = make_tube(start, end, box)
        hidden_frames = np.array(hidden, dtype=np.int64)
        seen = whole.at(np.setdiff1d(whole.frames, hidden_frames))
        faces = make_tube(start, end, face) if face else make_tube(start, start, box)
        return TruthTracklet(key, identity, seen, hidden_frames, face_visible, counts, faces, seen.frames, scene)

    return make


@pytest.fixture
def line() -> Callable[..., TruthSpeech]:
    def make(
        key: str,
        start_s: float,
        end_s: float,
        *,
        identity: str = "a",
        tracklet: str | None = None,
        dubbed: bool = False,
    ) -> TruthSpeech:
        return TruthSpeech(key, identity, start_s, end_s, tracklet, dubbed)

    return make


@pytest.fixture
def predicted() -> Callable[..., PredictedTracklet]:
    def make(
        appearance_id: str, start: int, end: int, box: BoxEdges, *speech_s: tuple[float, float]
    ) -> PredictedTracklet:
        return PredictedTracklet(appearance_id, make_tube(start, end, box), speech_s)

    return make


@pytest.fixture
def appearance() -> Callable[..., appearance_pb2.Appearance]:
    """A tracklet at a box of a frame, or speech without one."""

    def make(
        name: str, start_s: float, end_s: float, box: BoxEdges | None = None, *speech_s: tuple[float, float]
    ) -> appearance_pb2.Appearance:
        kind = appearance_pb2.APPEARANCE_KIND_TRACKLET if box else appearance_pb2.APPEARANCE_KIND_SPEECH
        found = appearance_pb2.Appearance(
            appearance_id=name, kind=kind, span=geometry_pb2.Span(start_s=start_s, end_s=end_s)
        )
        if box:
            person = geometry_pb2.Box(
                x_min=box[0] / WIDTH, y_min=box[1] / HEIGHT, x_max=box[2] / WIDTH, y_max=box[3] / HEIGHT
            )
            found.boxes.append(geometry_pb2.KeyBox(time_s=start_s, person=person))
        for spoken in speech_s if box else [(start_s, end_s)]:
            span = geometry_pb2.Span(start_s=spoken[0], end_s=spoken[1])
            found.speech.append(appearance_pb2.SpeechSpan(span=span, confidence=1.0))
        return found

    return make


@pytest.fixture
def answer(tmp_path: Path) -> Callable[..., Answer]:
    """An answer to a question for an identity: (appearance id, score) of each hit."""

    def make(
        identity: str, *hits: tuple[str, float], kind: Kind = "portrait", expand: bool = True, number: int = 0
    ) -> Answer:
        path = tmp_path / f"{kind}_{identity}_{number}"
        path.write_bytes(f"{kind} {identity} {number}".encode())
        question = Question(kind, QueryFile(identity, path), expand)
        return Answer(question, tuple(RankedHit(*hit) for hit in hits), 0.010)

    return make
