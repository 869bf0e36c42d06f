from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.detections import DetectionClass, Detections
from packs.spec import Modality
from services.ingest.pipeline.attach import attach
from services.ingest.pipeline.clothes import Clothes, alike_by
from services.ingest.pipeline.colours import similarity
from services.ingest.pipeline.values import Frame, Position

LINE = Calibration(slope=10.0, intercept=-5.0)
RED, GREEN = (220, 30, 30), (30, 200, 40)


@dataclass
class Embedded:
    vectors: np.ndarray
    norms: np.ndarray


class ColourVision:
    """Sees one colour in a crop, and gives it as a vector of length 1."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def detect(self, images, *, thresholds=None):
        raise AssertionError("what was found is given")

    async def embed(self, modality, crops):
        assert modality is Modality.BODY
        self.asked.append(len(crops))
        mean = crops.reshape(len(crops), -1, 3).mean(axis=1).astype(np.float32)
        norms = np.linalg.norm(mean, axis=1)
        return Embedded(mean / norms[:, None], norms)

    def crop(self, modality, image, box):
        x0, y0 = (int(value) for value in box[:2])
        return np.resize(image[y0, x0], (4, 2, 3))


def frame(number: int, *people: tuple[int, tuple[int, int, int]]) -> Frame:
    image = np.zeros((100, 200, 3), np.uint8)
    for x, colour in people:
        image[10:90, x : x + 20] = colour
    return Frame(Position(number, number / 12.5), image)


def persons(*rows: tuple[float, float, float]) -> Detections:
    """Persons of width w at x, each with a score, behind a face that is nobody's clothes."""
    boxes = [(1, 1, 5, 5), *((x, 10, x + width, 90) for x, width, _ in rows)]
    scores = [0.9, *(score for _, _, score in rows)]
    classes = [int(DetectionClass.FACE), *[int(DetectionClass.PERSON)] * len(rows)]
    return Detections(np.array(boxes, np.float32), np.array(scores, np.float32), np.array(classes, np.int32))


def clothes(vision, **given) -> Clothes:
    settings = {"modalities": (Modality.BODY,), "calibration": {Modality.BODY: LINE}, "evidence_share": 0.5} | given
    return Clothes(vision, settings["modalities"], settings["calibration"], settings["evidence_share"])


async def test_each_person_of_each_frame_is_embedded_in_one_call():
    vision = ColourVision()
    frames = [frame(0, (20, RED), (120, GREEN)), frame(1), frame(2, (60, GREEN))]
    found = [persons((120, 20, 0.9), (20, 20, 0.8)), persons(), persons((60, 20, 0.7))]
    looks = await clothes(vision).look(frames, found)
    assert looks is not None
    assert [rows.shape for rows in looks] == [(2, 3), (0, 3), (1, 3)]
    unit = {colour: np.array(colour) / np.linalg.norm(colour) for colour in (RED, GREEN)}
    for row, colour in ((looks[0][0], GREEN), (looks[0][1], RED), (looks[2][0], GREEN)):
        np.testing.assert_allclose(row, unit[colour], atol=1e-3)
    assert vision.asked == [3]


async def test_a_box_without_extent_has_no_look_and_moves_no_other():
    frames, found = [frame(0, (20, RED), (120, GREEN))], [persons((20, 0.5, 0.9), (120, 20, 0.8))]
    looks = await clothes(ColourVision()).look(frames, found)
    assert looks is not None
    assert not looks[0][0].any()
    assert np.linalg.norm(looks[0][1]) == pytest.approx(1.0)


async def test_nobody_costs_no_call():
    vision = ColourVision()
    assert await clothes(vision).look([], []) == []
    looks = await clothes(vision).look([frame(0)], [persons()])
    assert looks is not None
    assert [len(rows) for rows in looks] == [0]
    assert vision.asked == []


@pytest.mark.parametrize("given", [{"modalities": (Modality.FACE,)}, {"calibration": {}}])
async def test_a_pack_without_a_calibrated_body_encoder_leaves_the_colours(given):
    reader = clothes(ColourVision(), **given)
    assert await reader.look([frame(0, (20, RED))], [persons((20, 20, 0.9))]) is None
    assert reader.alike is similarity


def test_alike_is_a_probability_of_part_of_the_evidence():
    rows = np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)
    full, half = alike_by(LINE, 1.0)(rows, rows), alike_by(LINE, 0.5)(rows, rows)
    assert full[0, 0] == pytest.approx(1.0 / (1.0 + np.exp(-5.0)), abs=1e-5)
    assert full[0, 1] == pytest.approx(1.0 / (1.0 + np.exp(-1.0)), abs=1e-5)
    assert half[0, 1] == pytest.approx(1.0 / (1.0 + np.exp(-0.5)), abs=1e-5)
    assert (half < full).all()
    np.testing.assert_allclose(full, full.T)


def test_looks_stay_with_their_persons_when_weak_ones_are_left_out():
    found = persons((20, 20, 0.05), (120, 20, 0.9), (60, 20, 0.6))
    looks = np.eye(3, dtype=np.float32)
    kept = attach(frame(0).image, found, 0.15, looks)
    assert {float(one.box[0]): int(np.argmax(one.clothes)) for one in kept} == {120.0: 1, 60.0: 2}
