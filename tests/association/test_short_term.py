"""Body and head of a pair judged together, against a slow look at each pair."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.association import short_term
from services.association.doubles import Doubt
from services.association.evidence import LinkEvidence
from services.association.looks import Looks
from services.association.short_term import ShortTermLinks
from services.backends.schemas import EmbeddingRow

BODY = LinkEvidence(Calibration(slope=12.0, intercept=-6.0, slope_by_quality=4.0, intercept_by_quality=-2.0), -2.0)
HEAD = LinkEvidence(Calibration(slope=10.0, intercept=-5.0), -1.5)
DOUBT = Doubt(above=1.0, share=0.5)
JUDGE = ShortTermLinks(
    {Modality.BODY: BODY, Modality.HEAD: HEAD}, window_s=60.0, head_share=0.7, clothes_kept=0.6, doubt=DOUBT
)


def row(name: str, start_s: float, vector: np.ndarray, quality: float = 1.0, length_s: float = 2.0) -> EmbeddingRow:
    return EmbeddingRow(name, "town", "v" * 32, start_s, start_s + length_s, 1, quality, vector.astype(np.float32))


def turned(angle: float) -> np.ndarray:
    return np.array([math.cos(angle), math.sin(angle), 0.0])


def crowd(seed: int, count: int) -> dict[Modality, list[EmbeddingRow]]:
    random = np.random.default_rng(seed)
    made: dict[Modality, list[EmbeddingRow]] = {Modality.BODY: [], Modality.HEAD: []}
    for number in range(count):
        start_s = float(random.uniform(0.0, 400.0))
        for some in made.values():
            if random.random() < 0.8:
                quality = float(random.uniform(0.3, 1.0))
                some.append(row(f"{number:03d}", start_s, turned(random.uniform(0.0, 2.0)), quality))
    return made


def nats_of(rows: dict[Modality, list[EmbeddingRow]], first: str, second: str) -> dict[Modality, float]:
    """What each modality says of two appearances."""
    said: dict[Modality, float] = {}
    for modality, evidence in ((Modality.BODY, BODY), (Modality.HEAD, HEAD)):
        ends = [next((one for one in rows[modality] if one.appearance_id == name), None) for name in (first, second)]
        if ends[0] is not None and ends[1] is not None:
            cosine, quality = float(ends[0].vector @ ends[1].vector), min(ends[0].quality, ends[1].quality)
            nats = evidence.calibration.logit(cosine, quality)
            said[modality] = 0.7 * nats if modality is Modality.HEAD else math.log(0.6 * math.exp(nats) + 0.4)
    return said


def gap_s(one: EmbeddingRow, other: EmbeddingRow) -> float:
    return max(other.start_s - one.end_s, one.start_s - other.end_s)


def worn_by_two(rows: dict[Modality, list[EmbeddingRow]], spans: dict[str, EmbeddingRow]) -> dict[str, float]:
    """Pair by pair what `doubles` finds by blocks."""
    alike = {(a, b): sum(said.values()) for a in spans for b in spans if a != b and (said := nats_of(rows, a, b))}
    beside = {
        a: max((alike[a, x] for x in spans if (a, x) in alike and gap_s(spans[a], spans[x]) < 0.0), default=-math.inf)
        for a in spans
    }
    return {
        a: max(
            beside[a],
            *(min(alike[a, x], beside[x]) for x in spans if (a, x) in alike and gap_s(spans[a], spans[x]) <= 60.0),
            -math.inf,
        )
        for a in spans
    }


def slowly(rows: dict[Modality, list[EmbeddingRow]], least: float) -> dict[tuple[str, str], tuple[Modality, float]]:
    spans = {one.appearance_id: one for some in rows.values() for one in some}
    worn = worn_by_two(rows, spans)
    found = {}
    for first, second in combinations(sorted(spans), 2):
        nats = nats_of(rows, first, second)
        early, late = sorted((spans[first], spans[second]), key=lambda one: one.start_s)
        if not nats or not 0.0 <= late.start_s - early.end_s <= 60.0:
            continue
        prior = min(-2.0 if modality is Modality.BODY else -1.5 for modality in nats)
        lost = 0.5 * max(min(worn[first], worn[second]) - 1.0, 0.0)
        probability = 1.0 / (1.0 + math.exp(lost - sum(nats.values()) - prior))
        if probability >= least:
            found[first, second] = (max(nats, key=lambda modality: nats[modality]), probability)
    return found


@pytest.mark.parametrize("block", [3, 256])
def test_pairs_are_judged_as_one_by_one(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_term, "BLOCK", block)
    rows = crowd(1, 60)
    looks = Looks.of(rows)
    found = {}
    for link in JUDGE.within(looks, 0.3):
        ends = sorted((looks.ids[link.first], looks.ids[link.second]))
        found[ends[0], ends[1]] = (link.modality, pytest.approx(link.probability, abs=1e-5))
    assert len(found) > 30
    assert slowly(rows, 0.3) == found
    free = replace(JUDGE, doubt=Doubt(above=1.0, share=0.0))
    assert len(list(free.within(looks, 0.3))) > len(found)


def test_clothes_say_less_once_two_who_wear_them_were_on_screen_at_once() -> None:
    uniform, other = turned(0.0), turned(3.0)
    alone = [row("a", 0, uniform), row("later", 5, uniform), row("much later", 30, uniform)]
    dressed_otherwise, dressed_alike = row("b", 0.5, other), row("b", 0.5, uniform)

    def said(rows: list[EmbeddingRow]) -> float:
        looks = Looks.of({Modality.BODY: rows})
        ends = {(looks.ids[one.first], looks.ids[one.second]): one.probability for one in JUDGE.within(looks, 0.0)}
        # The constraint has spread: neither of these two was on screen with anybody.
        return ends["later", "much later"]

    assert said([*alone, dressed_otherwise]) == said(alone)
    assert said([*alone, dressed_alike]) < 0.8 < 0.95 < said(alone)


def test_who_is_beyond_the_window_tells_nothing_of_what_is_worn() -> None:
    uniform = turned(0.0)
    rows = [row("a", 0, uniform), row("b", 0.5, uniform), row("c", 70, uniform), row("d", 75, uniform)]
    worn = JUDGE.doubles_of(Looks.of({Modality.BODY: rows}))
    assert worn.tolist() == [pytest.approx(worn[0]), pytest.approx(worn[0]), -math.inf, -math.inf]


def test_heads_tell_a_uniform_apart_and_clothes_a_hat() -> None:
    body, head, other = turned(0.0), turned(0.0), turned(3.0)
    rows = {
        Modality.BODY: [row("a", 0, body), row("b", 5, body), row("c", 10, body)],
        Modality.HEAD: [row("a", 0, head), row("b", 5, other), row("c", 10, head)],
    }
    looks = Looks.of(rows)
    assert [(looks.ids[link.first], looks.ids[link.second]) for link in JUDGE.within(looks, 0.5)] == [("a", "c")]
    alone = Looks.of({Modality.BODY: rows[Modality.BODY], Modality.HEAD: []})
    assert len(list(JUDGE.within(alone, 0.5))) == 3


def test_other_clothes_say_little_where_they_may_have_been_changed() -> None:
    head, red, blue = turned(0.0), turned(0.0), turned(3.0)
    rows = {
        Modality.BODY: [row("a", 0, red), row("b", 5, blue)],
        Modality.HEAD: [row("a", 0, head), row("b", 5, head)],
    }
    (link,) = JUDGE.within(Looks.of(rows), 0.5)
    assert link.modality is Modality.HEAD
    never = replace(JUDGE, clothes_kept=1.0)
    assert list(never.within(Looks.of(rows), 0.5)) == []


def test_cameras_of_one_site_may_see_somebody_at_once() -> None:
    north = Looks.of({Modality.BODY: [row("a", 0, turned(0.0))]})
    south = Looks.of({Modality.BODY: [row("b", 101, turned(0.0)), row("c", 300, turned(0.0))]})
    links = list(JUDGE.between(north, south.later_by(-100.0), 0.5))
    assert [(link.first, link.second, link.modality) for link in links] == [(0, 0, Modality.BODY)]
    assert list(JUDGE.between(north, Looks.of({}), 0.5)) == []
