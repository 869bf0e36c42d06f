"""Packing of what a row cannot hold as columns."""

from __future__ import annotations

import numpy as np
import pytest

from packs.spec import Modality
from services.backends.index.rows import (
    MAX_TEXT_BYTES,
    appearance_of_row,
    pack_boxes,
    row_of_appearance,
    row_of_video,
    unpack_boxes,
    video_of_row,
)
from services.backends.schemas import Appearance, AppearanceKind, Box, KeyBox, SpeechSpan, Video, VideoState


def key_boxes(count: int, parts: int) -> list[KeyBox]:
    chance = np.random.default_rng(count)

    def box() -> Box:
        x, y = np.sort(chance.random(2)), np.sort(chance.random(2))
        return Box(*map(float, (x[0], y[0], x[1], y[1])))

    return [KeyBox(i * 0.2, box(), box() if parts > 1 else None, box() if parts > 2 else None) for i in range(count)]


@pytest.mark.parametrize("parts", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_boxes_come_back(count: int, parts: int) -> None:
    boxes = key_boxes(count, parts)
    found = unpack_boxes(pack_boxes(boxes))
    assert len(found) == count
    for got, expected in zip(found, boxes):
        assert got.time_s == pytest.approx(expected.time_s, abs=5e-5)
        for one, other in ((got.person, expected.person), (got.head, expected.head), (got.face, expected.face)):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                edges = [one.x_min - other.x_min, one.y_min - other.y_min, one.x_max - other.x_max]
                assert np.abs([*edges, one.y_max - other.y_max]).max() < 1e-5


def test_a_face_without_a_head_comes_back() -> None:
    box = KeyBox(1.0, Box(0, 0, 1, 1), None, Box(0.25, 0.25, 0.5, 0.5))
    (found,) = unpack_boxes(pack_boxes([box]))
    assert found.head is None
    assert found.face is not None


def test_the_longest_segment_keeps_every_box() -> None:
    """A minute, which is where ingest cuts, at 25 boxes a second with all parts."""
    assert len(unpack_boxes(pack_boxes(key_boxes(1500, 3)))) == 1500


def test_too_many_boxes_are_thinned_out_evenly() -> None:
    boxes = key_boxes(20_000, 3)
    text = pack_boxes(boxes)
    assert len(text) <= MAX_TEXT_BYTES
    found = unpack_boxes(text)
    assert found[0].time_s == pytest.approx(0.0)
    assert found[-1].time_s == pytest.approx(boxes[-1].time_s, abs=1e-4)
    gaps = np.diff([each.time_s for each in found])
    assert gaps[:-1].max() == pytest.approx(gaps[:-1].min(), abs=1e-3)


def test_edges_outside_the_frame_are_clipped() -> None:
    (found,) = unpack_boxes(pack_boxes([KeyBox(0, Box(-0.1, 0, 1.2, 1))]))
    assert (found.person.x_min, found.person.x_max) == (0.0, 1.0)


def test_rows_round_trip() -> None:
    appearance = Appearance("a" * 32, "town", "b" * 32, AppearanceKind.TRACKLET, 0.04, 2.5, 3, (Modality.BODY,))
    assert appearance_of_row(row_of_appearance(appearance)) == appearance
    video = Video("a" * 32, "town", "file:///\u00e9.mp4", VideoState.READY, 2, 1.5, "c" * 64, site="x", recorded_at=0.0)
    assert video_of_row(row_of_video(video)) == video


def test_speech_comes_back_to_the_millisecond() -> None:
    spans = (SpeechSpan(1.0004, 2.5, 0.75), SpeechSpan(3.25, 4.125, 1.0))
    spoken = Appearance(
        "a" * 32, "town", "b" * 32, AppearanceKind.TRACKLET, 0.0, 5.0, 1, (Modality.VOICE,), speech=spans
    )
    assert appearance_of_row(row_of_appearance(spoken)).speech == (SpeechSpan(1.0, 2.5, 0.75), spans[1])


def test_a_row_from_before_there_were_voices_is_read() -> None:
    row = row_of_appearance(Appearance("a" * 32, "town", "b" * 32, AppearanceKind.TRACKLET, 0.0, 5.0, 1))
    assert "speech" not in row["details"]
    assert appearance_of_row(row).speech == ()


def test_too_many_spans_leave_out_the_least_sure() -> None:
    spans = tuple(SpeechSpan(float(i), i + 0.5, 0.9 if i % 2 else 0.5) for i in range(4_000))
    row = row_of_appearance(Appearance("a" * 32, "town", "b" * 32, AppearanceKind.TRACKLET, 0, 4e3, 1, speech=spans))
    assert len(row["details"]) <= MAX_TEXT_BYTES
    found = appearance_of_row(row).speech
    assert found == tuple(span for span in spans if span.confidence == 0.9)


def test_details_that_do_not_fit_are_refused() -> None:
    video = Video("a" * 32, "town", "file:///" + "x" * MAX_TEXT_BYTES, VideoState.READY, 2, 1.5, "c" * 64)
    with pytest.raises(ValueError, match="at most 65535"):
        row_of_video(video)
