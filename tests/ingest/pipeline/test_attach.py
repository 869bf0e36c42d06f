from __future__ import annotations

import numpy as np
import pytest

from packs.detections import DetectionClass, Detections
from services.ingest.pipeline.attach import attach
from services.ingest.pipeline.colours import clothes_colours, similarity

IMAGE = np.full((400, 600, 3), 90, np.uint8)
FACE, HEAD, PERSON = DetectionClass.FACE, DetectionClass.HEAD, DetectionClass.PERSON


def found(*rows: tuple[DetectionClass, tuple[float, float, float, float], float]) -> Detections:
    return Detections(
        np.array([box for _, box, _ in rows], np.float32).reshape(-1, 4),
        np.array([score for _, _, score in rows], np.float32),
        np.array([int(kind) for kind, _, _ in rows], np.int32),
    )


def test_head_and_face_go_to_their_person():
    persons = attach(
        IMAGE,
        found(
            (PERSON, (100, 50, 200, 350), 0.9),
            (PERSON, (300, 60, 400, 380), 0.8),
            (HEAD, (330, 60, 375, 110), 0.9),
            (HEAD, (130, 50, 170, 95), 0.9),
            (FACE, (335, 72, 370, 108), 0.7),
        ),
        0.1,
    )
    by_x = {float(one.box[0]): one for one in persons}
    assert by_x[100.0].head[0] == 130
    assert by_x[100.0].face is None
    assert by_x[300.0].head[0] == 330
    assert (by_x[300.0].face[0], by_x[300.0].face_score) == (335, pytest.approx(0.7))


def test_a_head_between_two_goes_to_whose_top_it_is():
    """One stands behind the other: both boxes hold the head of the one in front."""
    persons = attach(
        IMAGE,
        found(
            (PERSON, (100, 40, 220, 380), 0.9),
            (PERSON, (130, 110, 260, 390), 0.9),
            (HEAD, (140, 40, 185, 95), 0.9),
            (HEAD, (170, 110, 215, 165), 0.9),
        ),
        0.1,
    )
    assert [float(one.head[1] - one.box[1]) for one in persons] == [0.0, 0.0]


def test_no_part_is_given_twice():
    persons = attach(
        IMAGE,
        found(
            (PERSON, (100, 50, 200, 350), 0.9),
            (PERSON, (160, 55, 300, 352), 0.3),
            (HEAD, (130, 50, 170, 95), 0.9),
            (FACE, (135, 60, 165, 92), 0.9),
        ),
        0.1,
    )
    assert [one.head is not None for one in persons] == [True, False]
    assert [one.face is not None for one in persons] == [True, False]


def test_a_second_box_of_one_person_is_dropped():
    """As a detector gives them: a taller and surer box around one that fits; the head says which it is."""
    persons = attach(
        IMAGE,
        found(
            (PERSON, (100, 10, 210, 390), 0.9),
            (PERSON, (110, 90, 200, 350), 0.6),
            (HEAD, (135, 90, 175, 140), 0.9),
        ),
        0.1,
    )
    assert [float(one.box[1]) for one in persons] == [90.0]


def test_two_people_close_together_are_not_taken_for_one():
    persons = attach(
        IMAGE,
        found(
            (PERSON, (100, 50, 200, 350), 0.9),
            (PERSON, (120, 60, 220, 360), 0.8),
            (HEAD, (130, 50, 170, 95), 0.9),
            (HEAD, (160, 60, 200, 105), 0.9),
        ),
        0.1,
    )
    assert len(persons) == 2


def test_a_face_without_a_head_finds_its_person_too():
    (person,) = attach(IMAGE, found((PERSON, (100, 50, 200, 350), 0.9), (FACE, (135, 58, 165, 92), 0.8)), 0.1)
    assert person.face is not None


def test_a_face_on_nobody_is_nobodys():
    (person,) = attach(IMAGE, found((PERSON, (100, 50, 200, 350), 0.9), (FACE, (400, 58, 430, 92), 0.8)), 0.1)
    assert person.face is None


def test_weak_persons_are_left_out_and_nothing_is_fine():
    assert attach(IMAGE, found((PERSON, (100, 50, 200, 350), 0.05)), 0.1) == []
    assert attach(IMAGE, found(), 0.1) == []


def test_clothes_are_told_apart_in_any_size_and_at_the_edge():
    image = np.full((400, 600, 3), 128, np.uint8)
    image[50:350, 100:200] = (200, 30, 30)
    image[50:350, 300:400] = (30, 30, 200)
    boxes = [(100, 50, 200, 350), (110, 60, 190, 340), (300, 50, 400, 350), (-20, -10, 5, 20)]
    rows = np.stack([clothes_colours(image, np.array(box, np.float32)) for box in boxes])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    likeness = similarity(rows, rows)
    assert likeness[0, 1] > 0.99
    assert likeness[0, 2] < 0.1
