from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.tracklets import ModalityRows, Tracklets
from packs.calibration import Calibration
from packs.manifest import Pack
from packs.spec import Modality

DIM = 64
EACH = 14
ALIKE = 0.7


@pytest.fixture(scope="session")
def pack() -> Pack:
    """The demo pack's, with a calibration for made-up faces that is too sure of look-alikes."""
    loaded = Pack.load(Path("packs/demo"))
    lines = {Modality.FACE: Calibration(slope=16.0, intercept=-6.0)}
    return replace(loaded, manifest=loaded.manifest.model_copy(update={"calibration": lines}))


@pytest.fixture(scope="session")
def siblings() -> Tracklets:
    """Two films of two pairs of people each who look alike, seen well and badly, never two at a time."""
    random = np.random.default_rng(0)
    names: list[tuple[str, str, str]] = []
    faces, starts = [], []
    for film, pair in np.ndindex(2, 2):
        family = random.normal(size=DIM)
        for person in (2 * pair, 2 * pair + 1):
            face = np.sqrt(ALIKE) * family + np.sqrt(1.0 - ALIKE) * random.normal(size=DIM)
            for number in range(EACH):
                names.append((f"f{film}.{person}.{number}", f"f{film}", f"f{film}/p{person}"))
                faces.append(face + random.uniform(0.4, 1.2) * random.normal(size=DIM))
                starts.append(10.0 * number + person)
    ids, movies, people = zip(*names, strict=True)
    spans = np.stack([starts, np.array(starts) + 0.5], axis=1)
    return Tracklets.of(ids, movies, people, {Modality.FACE: ModalityRows.of(np.stack(faces))}, spans_s=spans)
