"""The demo pack reads the demo's portraits: one face in each, and the same person's two are alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from packs.manifest import Pack
from services.backends.inference.local import LocalInferenceBackend
from services.backends.vision import VisionModels
from services.runtime.settings import default_pack_dir
from services.search.faces import Face, FaceFinder
from services.search.query_reading import PictureReader
from services.search.settings import PortraitSettings

QUERIES = Path(__file__).resolve().parents[2] / "examples" / "demo" / "queries"


@pytest.fixture
async def finder() -> AsyncIterator[FaceFinder]:
    pack = Pack.load(default_pack_dir())
    backend = LocalInferenceBackend(pack, threads=1)
    yield FaceFinder(VisionModels(backend, pack), PortraitSettings())
    await backend.aclose()


async def test_the_demo_portraits(finder: FaceFinder, executor: ThreadPoolExecutor) -> None:
    reader = PictureReader(executor, max_bytes=2**24, max_pixels=10**7, working_side=1600)
    faces: dict[str, list[Face]] = {}
    for path in sorted(QUERIES.glob("portrait_*.jpg")):
        person = path.stem.rpartition("_")[0]
        faces.setdefault(person, []).append(await finder.find(0, await reader.read(path.read_bytes()), None))
    assert len(faces) >= 4
    for first, second in faces.values():
        for face in (first, second):
            width, height = face.box.x_max - face.box.x_min, face.box.y_max - face.box.y_min
            # The face fills half of a portrait, and its box is about it, not about the head or a nose.
            assert 0.3 < width < 0.8
            assert 0.4 < height < 0.9
    vectors = np.stack([face.vector for pair in faces.values() for face in pair])
    cosines = vectors @ vectors.T
    same = np.array([cosines[row, row + 1] for row in range(0, len(vectors), 2)])
    others = cosines[np.triu_indices(len(vectors), 1)]
    assert np.median(same) > 0.6
    assert np.median(same) > np.quantile(others, 0.85)
