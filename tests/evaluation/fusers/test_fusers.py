"""Fusers against the services they copy, and the rules of what may be compared."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from evaluation.datasets.tracklets import ModalityRows, Tracklets
from evaluation.fusers.average import AverageFuser
from evaluation.fusers.comparable import comparable_queries, comparable_tracklets
from evaluation.fusers.fuser import Fuser, Weighing
from evaluation.fusers.graphs import direct_of, links_of
from evaluation.fusers.product import ProductFuser
from evaluation.fusers.representation import NetworkRepresenter, RepresentationFuser
from packs.arrays import F32, AnyArray
from packs.calibration import Calibration
from packs.spec import Modality
from services.association.evidence import LinkEvidence, evidence_of
from services.association.looks import Looks
from services.association.short_term import ShortTermLinks
from services.association.voices import VoiceLinks
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, SpeechSpan
from services.fusion.fusing import Aspect, Candidate, Evidence
from services.fusion.fusing import Fuser as ServedFuser

CALIBRATION = {
    Modality.FACE: Calibration(slope=13.0, intercept=-5.0, slope_by_quality=9.0, intercept_by_quality=-4.5),
    Modality.BODY: Calibration(slope=12.0, intercept=-7.7, slope_by_quality=4.3, intercept_by_quality=-4.6),
    Modality.VOICE: Calibration(slope=21.0, intercept=-11.0),
}
WEIGHING = Weighing.of(CALIBRATION)
ALL = tuple(CALIBRATION)


def made(
    count: int,
    seed: int,
    *,
    movies: Sequence[str] | None = None,
    missing: float = 0.3,
    modalities: Sequence[Modality] = ALL,
    every_s: float = 10.0,
) -> Tracklets:
    random = np.random.default_rng(seed)
    rows = {
        modality: ModalityRows.of(
            random.normal(size=(count, 6)), random.random(count) >= missing, 0.05 + 0.9 * random.random(count)
        )
        for modality in modalities
    }
    starts = every_s * np.arange(count)
    return Tracklets.of(
        [f"t{number}" for number in range(count)],
        movies or ["m"] * count,
        [None] * count,
        rows,
        spans_s=np.stack([starts, starts + 5.0], axis=1),
        on_screen=random.random(count) < 0.8,
        speaker=random.random(count),
    )


@pytest.mark.parametrize("aspect", list(Aspect))
def test_matches_are_those_of_the_fusion_service(aspect: Aspect) -> None:
    queries, tracklets = made(4, 0), made(30, 1)
    found = direct_of(ProductFuser(WEIGHING, aspect), queries, tracklets, ALL)
    served = ServedFuser(CALIBRATION, WEIGHING.fusion)
    for i in range(4):
        for j in range(30):
            pieces = [
                Evidence(
                    modality,
                    float(queries.rows[modality].vectors[i] @ tracklets.rows[modality].vectors[j]),
                    quality=float(min(queries.rows[modality].quality[i], tracklets.rows[modality].quality[j])),
                )
                for modality in ALL
                if queries.present(modality)[i] and tracklets.present(modality)[j]
            ]
            expected = served.fuse(Candidate(tuple(pieces), float(tracklets.speaker[j])), aspect).probability
            assert found[i, j] == pytest.approx(expected, abs=1e-6)


def test_links_are_the_strongest_edge_of_the_association_service() -> None:
    calibration = {**CALIBRATION, Modality.HEAD: Calibration(slope=10.0, intercept=-2.5)}
    weighing = Weighing.of(calibration)
    # Two at a time, so that some looks are worn by two.
    crowd = made(40, 2, modalities=tuple(calibration), every_s=3.0)
    tracklets = replace(crowd, on_screen=np.ones(40, dtype=np.bool_))
    evidence = evidence_of(calibration, weighing.linking.prior_log_odds)
    found = links_of(ProductFuser(weighing), tracklets, tuple(calibration), 60.0, least=0.0).toarray()
    together = short_term(tracklets, weighing, evidence)
    for i in range(40):
        for j in range(i + 1, 40):
            best = together.get((i, j), 0.0)
            if tracklets.spans_s[j, 0] < tracklets.spans_s[i, 1]:
                assert found[i, j] == best == 0.0
                continue
            for modality in (Modality.FACE, Modality.VOICE):
                if tracklets.present(modality)[i] and tracklets.present(modality)[j]:
                    rows = tracklets.rows[modality]
                    cosine, quality = float(rows.vectors[i] @ rows.vectors[j]), float(min(rows.quality[[i, j]]))
                    if modality is Modality.VOICE:
                        ends = {str(k): heard(tracklets, k) for k in (i, j)}
                        links = VoiceLinks(ends, evidence[modality])
                        best = max(best, links.probability(str(i), str(j), cosine, quality))
                    else:
                        best = max(best, evidence[modality].probability(cosine, quality=quality))
            assert found[i, j] == pytest.approx(best, abs=1e-5)
            assert found[j, i] == found[i, j]


def short_term(
    tracklets: Tracklets, weighing: Weighing, evidence: Mapping[Modality, LinkEvidence]
) -> dict[tuple[int, int], float]:
    """What the service says of bodies and heads, by places."""
    short = (Modality.BODY, Modality.HEAD)
    rows = {
        modality: [
            EmbeddingRow(f"{k:02d}", "g", "v", *tracklets.spans_s[k].tolist(), 1, float(one.quality[k]), one.vectors[k])
            for k in range(len(tracklets))
            if one.present[k]
        ]
        for modality, one in tracklets.rows.items()
        if modality in short
    }
    looks, linking = Looks.of(rows), weighing.linking
    judge = ShortTermLinks.of(evidence, linking)
    places = [int(name) for name in looks.ids]
    return {(places[one.first], places[one.second]): one.probability for one in judge.within(looks, 0.0)}


def heard(tracklets: Tracklets, row: int) -> Appearance:
    speech = (SpeechSpan(0.0, 1.0, float(tracklets.speaker[row])),)
    return Appearance(str(row), "g", "v", AppearanceKind.TRACKLET, 0.0, 1.0, 1, speech=speech)


def test_the_average_takes_every_modality_alike() -> None:
    vectors = np.array([[1.0, 0.0], [1.0, 0.0]])
    rows = {modality: ModalityRows.of(vectors) for modality in (Modality.FACE, Modality.BODY)}
    rows[Modality.BODY] = ModalityRows.of(np.array([[1.0, 0.0], [0.0, 1.0]]))
    pair = Tracklets.of(["a", "b"], ["m", "m"], [None, None], rows, spans_s=[(0, 1), (2, 3)])
    face, body = 13.0 - 5.0, 0.0 - 7.7
    found = links_of(AverageFuser(WEIGHING), pair, ALL, 60.0, least=0.0).toarray()
    # The better of both priors, -3 and -2.
    assert found[0, 1] == pytest.approx(1.0 / (1.0 + math.exp(2.0 - (face + body) / 2.0)))
    alone = links_of(AverageFuser(WEIGHING), pair, (Modality.FACE,), 60.0, least=0.0).toarray()
    assert alone[0, 1] == pytest.approx(1.0 / (1.0 + math.exp(3.0 - face)))


def test_short_term_modalities_stay_in_their_movie_and_window() -> None:
    tracklets = made(10, 3, movies=["m"] * 8 + ["n"] * 2, missing=0.0)
    allowed = comparable_tracklets(np.arange(10), tracklets, ALL, 20.0)
    body, face = allowed[Modality.BODY], allowed[Modality.FACE]
    assert body[0, 1]
    assert body[0, 2]
    # 35 s away, and in another movie.
    assert not body[0, 4]
    assert not body[7, 8]
    assert face[0, 4]
    assert face[7, 8]
    assert not face.diagonal().any()


def test_two_people_on_screen_at_once_are_never_linked() -> None:
    rows = {modality: ModalityRows.of(np.ones((4, 2))) for modality in ALL}
    spans = [(0.0, 5.0), (4.0, 9.0), (4.0, 9.0), (4.5, 6.0)]
    screen = [True, True, False, False]
    at_once = Tracklets.of(list("abcd"), ["m"] * 4, [None] * 4, rows, spans_s=spans, on_screen=screen)
    voice = comparable_tracklets(np.arange(4), at_once, ALL, 60.0)[Modality.VOICE]
    assert not voice[0, 1]
    # Somebody on screen may be heard elsewhere at that time; two stretches of speech are two voices.
    assert voice[0, 2]
    assert not voice[2, 3]


class Concatenation:
    """A network that is known: each modality in a place of its own, weighted by its quality."""

    modalities = ALL

    def represent(self, present: F32, quality: F32, embeddings: Mapping[Modality, F32]) -> tuple[F32, F32]:
        assert present.any(axis=1).all()
        weights = present * quality / (present * quality).sum(axis=1, keepdims=True)
        parts = [weights[:, m : m + 1] * embeddings[modality] for m, modality in enumerate(ALL)]
        together = np.concatenate(parts, axis=1)
        return together / np.linalg.norm(together, axis=1, keepdims=True), weights


class FakeBackend:
    """Runs it as a network of a pack."""

    async def infer(
        self, model: str, inputs: Mapping[str, AnyArray], *, deadline_s: float | None = None
    ) -> dict[str, AnyArray]:
        assert model == "associative"
        embeddings = {modality: inputs[str(modality)] for modality in ALL}
        together, weights = Concatenation().represent(inputs["present"], inputs["quality"], embeddings)
        return {"together": together, "weights": weights}

    async def ready(self, model: str) -> bool:
        return True

    async def aclose(self) -> None:
        return None


FUSERS: dict[str, Callable[[], Fuser]] = {
    "average": lambda: AverageFuser(WEIGHING),
    "late fusion": lambda: ProductFuser(WEIGHING),
    "network": lambda: network(Concatenation()),
    "served network": lambda: network(NetworkRepresenter(FakeBackend(), "associative", ALL)),
}


def network(representer: Concatenation | NetworkRepresenter) -> RepresentationFuser:
    line = Calibration(slope=10.0, intercept=-4.0)
    subsets = [frozenset(some) for size in (1, 2, 3) for some in combinations(ALL, size)]
    return RepresentationFuser("network", representer, dict.fromkeys(subsets, line), WEIGHING, dict.fromkeys(ALL, 6))


@pytest.mark.parametrize("name", FUSERS)
def test_what_is_missing_or_not_asked_for_does_not_count(name: str) -> None:
    fuser = FUSERS[name]()
    queries, tracklets = made(3, 4), made(20, 5)
    before = direct_of(fuser, queries, tracklets, (Modality.FACE, Modality.BODY))
    rows = dict(tracklets.rows)
    # Other voices, and other vectors where bodies are missing.
    body = rows[Modality.BODY]
    rows[Modality.BODY] = ModalityRows(np.where(body.present[:, None], body.vectors, 7.0), body.present, body.quality)
    rows[Modality.VOICE] = made(20, 6).rows[Modality.VOICE]
    other = Tracklets.of(
        tracklets.ids,
        tracklets.movies,
        tracklets.identities,
        rows,
        spans_s=tracklets.spans_s,
        on_screen=tracklets.on_screen,
        speaker=tracklets.speaker,
    )
    assert direct_of(fuser, queries, other, (Modality.FACE, Modality.BODY)) == pytest.approx(before)
    allowed = comparable_queries(queries, tracklets, (Modality.FACE, Modality.BODY))
    nothing = ~np.logical_or.reduce(list(allowed.values()))
    assert (before[nothing] == 0.0).all()
    assert ((before >= 0.0) & (before <= 1.0)).all()


@pytest.mark.parametrize("name", FUSERS)
def test_links_do_not_depend_on_the_order_of_storage(name: str) -> None:
    tracklets = made(25, 7)
    expected = links_of(FUSERS[name](), tracklets, ALL, 60.0, least=0.3).toarray()
    order = np.random.default_rng(0).permutation(25)
    found = links_of(FUSERS[name](), tracklets.take(order), ALL, 60.0, least=0.3).toarray()
    assert found == pytest.approx(expected[np.ix_(order, order)])


def test_a_body_of_another_movie_does_not_enter_a_representation() -> None:
    fuser = network(Concatenation())
    tracklets = made(2, 8, movies=["m", "n"], missing=0.0)
    found = links_of(fuser, tracklets, ALL, 60.0, least=0.0).toarray()
    lasting = links_of(fuser, tracklets, (Modality.FACE, Modality.VOICE), 60.0, least=0.0).toarray()
    assert found[0, 1] == pytest.approx(lasting[0, 1])


def test_weights_are_exactly_0_where_a_modality_is_missing() -> None:
    tracklets = made(30, 9)
    weights = network(Concatenation()).weights(tracklets)
    present = np.stack([tracklets.present(modality) for modality in ALL], axis=1)
    assert (weights[~present] == 0.0).all()
    assert weights.sum(axis=1)[present.any(axis=1)] == pytest.approx(1.0)
