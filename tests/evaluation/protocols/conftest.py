from collections.abc import Callable

import numpy as np
import pytest

from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.fusers.average import AverageFuser
from evaluation.fusers.fuser import Fuser, Weighing
from evaluation.fusers.product import ProductFuser
from packs.calibration import Calibration
from packs.spec import Modality

FACE, BODY, VOICE = Modality.FACE, Modality.BODY, Modality.VOICE
CALIBRATION = {modality: Calibration(slope=24.0, intercept=-12.0) for modality in (FACE, BODY, VOICE)}
DIM = 64


@pytest.fixture(scope="session")
def fusers() -> list[Fuser]:
    weighing = Weighing.of(CALIBRATION)
    return [ProductFuser(weighing), AverageFuser(weighing)]


@pytest.fixture(scope="session")
def made_search() -> Callable[..., CastSearch]:
    """Two films with casts of their own (or one cast): half of the tracklets without a face, half with a voice."""

    def make(*, people: int = 4, each: int = 8, seed: int = 0, one_cast: bool = False) -> CastSearch:
        random = np.random.default_rng(seed)
        columns: list[tuple[str, str, str, float]] = []
        vectors: dict[Modality, list[np.ndarray]] = {FACE: [], BODY: [], VOICE: []}
        present: dict[Modality, list[bool]] = {FACE: [], BODY: [], VOICE: []}
        faces: dict[str, np.ndarray] = {}
        voices: dict[str, np.ndarray] = {}
        listed: list[tuple[str, str]] = []
        for film in ("f1", "f2"):
            cast = "cast1" if one_cast or film == "f1" else "cast2"
            for person in range(people):
                name = f"{cast}/p{person}"
                listed.append((film, name))
                faces.setdefault(name, random.normal(size=DIM))
                voices.setdefault(name, random.normal(size=DIM))
                clothes = random.normal(size=DIM)
                for number in range(each):
                    columns.append((f"{film}.{person}.{number}", film, name, 10.0 * number + person))
                    for modality, vector in ((FACE, faces[name]), (BODY, clothes), (VOICE, voices[name])):
                        vectors[modality].append(vector + 0.5 * random.normal(size=DIM))
                    present[FACE].append(number % 2 == 0)
                    present[BODY].append(True)
                    present[VOICE].append(number % 4 < 2)
        rows = {modality: ModalityRows.of(np.stack(vectors[modality]), present[modality]) for modality in vectors}
        starts = np.array([start for *_, start in columns])
        tracklets = Tracklets.of(
            [name for name, *_ in columns],
            [film for _, film, _, _ in columns],
            # Every eighth shows nobody of the truth.
            [None if row % 8 == 7 else who for row, (_, _, who, _) in enumerate(columns)],
            rows,
            spans_s=np.stack([starts, starts + 0.5], axis=1),
        )
        asked = [(film, name, number) for film, name in listed for number in (0, 1)]

        def queries(modality: Modality, of: dict[str, np.ndarray]) -> Tracklets:
            found = [of[name] + 0.4 * random.normal(size=DIM) for _, name, _ in asked]
            return Tracklets.of(
                [f"{film}/{modality}-{name}-{number}" for film, name, number in asked],
                [film for film, _, _ in asked],
                [name for _, name, _ in asked],
                {modality: ModalityRows.of(np.stack(found))},
            )

        names = sorted({name for _, name in listed})
        facts = [{"apparent_age": 30 + 20 * (place % 3), "skin": 0.5, "sex": "female"} for place in range(len(names))]
        attributes = dict(zip(names, facts, strict=True))
        return CastSearch("made", tracklets, queries(FACE, faces), queries(VOICE, voices), attributes)

    return make
