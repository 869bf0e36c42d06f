"""The properties of a multimodality index (methods.md 1.2, tests (a), (b), (e), (f)), by chains along links.

(c) and (d), of the weights of the network, are tests of the network: tests/models/test_associative.py.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from evaluation.datasets.tracklets import ModalityRows, Tracklets
from evaluation.fusers.fuser import Weighing
from evaluation.fusers.graphs import direct_of, links_of
from evaluation.fusers.product import ProductFuser
from packs.calibration import Calibration
from packs.spec import Modality
from services.search.propagation.chains import expand
from services.search.propagation.consensus import Consensus, propagate
from services.search.propagation.graph import Graph

FACE, BODY, VOICE = Modality.FACE, Modality.BODY, Modality.VOICE
CALIBRATION = {modality: Calibration(slope=24.0, intercept=-12.0) for modality in (FACE, BODY, VOICE)}
FUSER = ProductFuser(Weighing.of(CALIBRATION))
WINDOW_S = 60.0


def search(queries: Tracklets, tracklets: Tracklets, modalities: Sequence[Modality]) -> np.ndarray:
    direct = direct_of(FUSER, queries, tracklets, modalities)
    return expand(Graph.of(direct, links_of(FUSER, tracklets, modalities, WINDOW_S)))


def portrait(vector: np.ndarray) -> Tracklets:
    return Tracklets.of(["q"], [""], ["p"], {FACE: ModalityRows.of(vector[None])})


def corpus(columns: Sequence[tuple[str, float, dict[Modality, np.ndarray]]]) -> Tracklets:
    """Tracklets (movie, start, vectors), each 2 s long."""
    rows = {}
    for modality in (FACE, BODY, VOICE):
        present = [modality in vectors for _, _, vectors in columns]
        vectors = [found.get(modality, np.zeros(4)) for _, _, found in columns]
        rows[modality] = ModalityRows.of(np.stack(vectors), present)
    return Tracklets.of(
        [str(number) for number in range(len(columns))],
        [movie for movie, _, _ in columns],
        [None] * len(columns),
        rows,
        spans_s=[(start, start + 2.0) for _, start, _ in columns],
    )


E1, E2, E3, E4 = np.eye(4)


def test_a_voice_without_a_face_is_reached_only_along_voices() -> None:
    tracklets = corpus([("m", 0.0, {FACE: E1, VOICE: E2}), ("n", 0.0, {VOICE: E2}), ("n", 9.0, {VOICE: E3})])
    with_voice, without = search(portrait(E1), tracklets, (FACE, VOICE))[0], search(portrait(E1), tracklets, (FACE,))[0]
    assert with_voice[1] > 0.5
    assert without[1] == 0.0
    assert with_voice[2] == 0.0


def test_the_same_clothes_are_reached_in_the_same_film_and_window_alone() -> None:
    tracklets = corpus(
        [("m", 0.0, {FACE: E1, BODY: E4}), ("m", 30.0, {BODY: E4}), ("m", 300.0, {BODY: E4}), ("n", 1.0, {BODY: E4})]
    )
    found = search(portrait(E1), tracklets, (FACE, BODY))[0]
    assert found[1] > 0.5
    assert found[2] == 0.0
    assert found[3] == 0.0


def test_permuting_the_order_of_insertion_changes_nothing() -> None:
    queries, tracklets = people(0)
    order = np.random.default_rng(1).permutation(len(tracklets))
    for modalities in ((FACE,), (FACE, BODY), (FACE, BODY, VOICE)):
        expected = search(queries, tracklets, modalities)
        # A matrix product rounds a row in single precision by where it lies, on some processors.
        assert search(queries, tracklets.take(order), modalities) == pytest.approx(
            expected[:, order], rel=1e-4, abs=1e-8
        )


def people(seed: int) -> tuple[Tracklets, Tracklets]:
    """12 people with 3 outfits in turn, 10 tracklets in each, three in ten without a face, half of them speaking."""
    random = np.random.default_rng(seed)
    faces, voices = random.normal(size=(2, 12, 64))
    ids, movies, identities, spans = [], [], [], []
    vectors: dict[Modality, list[np.ndarray]] = {FACE: [], BODY: [], VOICE: []}
    present: dict[Modality, list[bool]] = {FACE: [], BODY: [], VOICE: []}
    for person in range(12):
        for outfit, clothes in enumerate(random.normal(size=(3, 64))):
            for number in range(10):
                ids.append(f"{person}.{outfit}.{number}")
                movies.append(f"film {outfit}")
                identities.append(f"p{person}")
                spans.append((20.0 * number + person / 10.0, 20.0 * number + person / 10.0 + 0.05))
                for modality, vector in ((FACE, faces[person]), (BODY, clothes), (VOICE, voices[person])):
                    vectors[modality].append(vector + 0.5 * random.normal(size=64))
                present[FACE].append(random.random() >= 0.3)
                present[BODY].append(random.random() >= 0.1)
                present[VOICE].append(random.random() < 0.5)
    rows = {modality: ModalityRows.of(np.stack(vectors[modality]), present[modality]) for modality in vectors}
    queries = Tracklets.of(
        [f"q{person}" for person in range(12)],
        [""] * 12,
        [f"p{person}" for person in range(12)],
        {FACE: ModalityRows.of(faces)},
    )
    return queries, Tracklets.of(ids, movies, identities, rows, spans_s=spans)


@pytest.mark.parametrize("seed", range(3))
def test_every_modality_finds_more(seed: int) -> None:
    queries, tracklets = people(seed)
    recalls = []
    for modalities in ((FACE,), (FACE, BODY), (FACE, BODY, VOICE)):
        found = search(queries, tracklets, modalities) >= 0.5
        own = np.array(queries.identities)[:, None] == np.array(tracklets.identities)[None, :]
        recalls.append(float((found & own).sum() / own.sum()))
        # And nobody else.
        assert (found & ~own).sum() <= 0.05 * found.sum()
    assert recalls[0] < recalls[1] < recalls[2]


def test_competitive_consensus_reaches_them_too() -> None:
    queries, tracklets = people(5)
    modalities = (FACE, BODY, VOICE)
    graph = Graph.of(direct_of(FUSER, queries, tracklets, modalities), links_of(FUSER, tracklets, modalities, WINDOW_S))
    for rule in (Consensus(), Consensus(nobody=0.5), Consensus(published=True)):
        named = propagate(graph, rule).argmax(axis=0)
        right = np.array([f"p{row}" for row in named]) == np.array(tracklets.identities)
        faceless = ~tracklets.present(FACE)
        assert right[faceless].mean() > 0.85
