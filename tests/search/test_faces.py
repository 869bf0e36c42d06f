"""The face of a portrait: one, several, none, and none at first sight."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from services.backends.schemas import Box
from services.runtime.errors import NoFaceError, SeveralFacesError
from services.search.faces import FaceFinder
from services.search.fakes import PaintedVision
from services.search.settings import PortraitSettings


@pytest.fixture
def vision(world) -> PaintedVision:
    return world.vision


@pytest.fixture
def finder(vision: PaintedVision) -> FaceFinder:
    return FaceFinder(vision, PortraitSettings())


def pixels(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))


async def test_one_face(world, finder: FaceFinder, vision: PaintedVision) -> None:
    face = await finder.find(0, pixels(world.painted((3, (60, 40, 120, 110)))), None)
    assert face.vector.tolist() == world.face(3).tolist()
    corners = (face.box.x_min, face.box.y_min, face.box.x_max, face.box.y_max)
    assert corners == pytest.approx((0.3, 0.25, 0.6, 0.6875), abs=0.04)
    assert vision.looked_at == [(160, 300)]


async def test_a_face_that_fills_the_picture_is_found_in_a_smaller_copy(world, finder: FaceFinder) -> None:
    face = await finder.find(0, pixels(world.painted((3, (4, 2, 196, 158)))), None)
    assert face.vector.tolist() == world.face(3).tolist()
    assert (face.box.x_min, face.box.x_max) == pytest.approx((0.02, 0.98), abs=0.03)


async def test_a_tiny_face_is_found_in_a_part(world, finder: FaceFinder) -> None:
    picture = pixels(world.painted((3, (1100, 600, 1140, 640)), size=(1300, 900)))
    face = await finder.find(0, picture, None)
    assert face.vector.tolist() == world.face(3).tolist()
    assert (face.box.x_min * 1300, face.box.y_min * 900) == pytest.approx((1100, 600), abs=0.01)


async def test_no_face(world, finder: FaceFinder, vision: PaintedVision) -> None:
    with pytest.raises(NoFaceError) as error:
        await finder.find(2, pixels(world.painted()), None)
    assert error.value.facts == {"part_index": "2"}
    assert len(vision.looked_at) > 1


async def test_several_faces_are_listed_largest_first(world, finder: FaceFinder) -> None:
    picture = pixels(world.painted((1, (10, 10, 50, 50)), (2, (100, 20, 180, 100))))
    with pytest.raises(SeveralFacesError) as error:
        await finder.find(1, picture, None)
    assert error.value.facts["part_index"] == "1"
    listed = [[float(value) for value in face.split(",")] for face in error.value.facts["faces"].split(";")]
    # A painted face has no soft edges: shrunk, it loses its border.
    assert listed[0] == pytest.approx([0.5, 0.125, 0.9, 0.625], abs=0.02)
    assert listed[1] == pytest.approx([0.05, 0.0625, 0.25, 0.3125], abs=0.02)


async def test_a_face_far_behind_is_no_second_face(world, finder: FaceFinder) -> None:
    picture = pixels(world.painted((1, (10, 10, 24, 24)), (2, (100, 20, 180, 100))))
    face = await finder.find(0, picture, None)
    assert face.vector.tolist() == world.face(2).tolist()


async def test_the_wanted_face_is_picked(world, finder: FaceFinder) -> None:
    picture = pixels(world.painted((1, (10, 10, 50, 50)), (2, (100, 20, 180, 100))))
    face = await finder.find(0, picture, Box(0.08, 0.08, 0.25, 0.32))
    assert face.vector.tolist() == world.face(1).tolist()


async def test_there_is_no_face_where_it_is_wanted(world, finder: FaceFinder) -> None:
    picture = pixels(world.painted((1, (10, 10, 50, 50))))
    with pytest.raises(NoFaceError):
        await finder.find(0, picture, Box(0.6, 0.6, 0.9, 0.9))
