"""Body and head of a pair judged together, against a slow look at each pair."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.association import short_term
from services.association.evidence import LinkEvidence
from services.association.short_term import Looks, ShortTermLinks
from services.backends.schemas import EmbeddingRow

BODY = LinkEvidence(Calibration(slope=12.0, intercept=-6.0, slope_by_quality=4.0, intercept_by_quality=-2.0), -2.0)
HEAD = LinkEvidence(Calibration(slope=10.0, intercept=-5.0), -1.5)
JUDGE = ShortTermLinks({Modality.BODY: BODY, Modality.HEAD: HEAD}, window_s=60.0, head_share=0.7, clothes_kept=0.6)


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


def slowly(rows: dict[Modality, list[EmbeddingRow]], least: float) -> dict[tuple[str, str], tuple[Modality, float]]:
    names = sorted({one.appearance_id for some in rows.values() for one in some})
    by_name = {modality: {one.appearance_id: one for one in some} for modality, some in rows.items()}
    found = {}
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            nats: dict[Modality, float] = {}
            for modality, evidence, share in ((Modality.BODY, BODY, 1.0), (Modality.HEAD, HEAD, 0.7)):
                one, other = by_name[modality].get(first), by_name[modality].get(second)
                if one and other:
                    quality = min(one.quality, other.quality)
                    said = evidence.calibration.logit(float(one.vector @ other.vector), quality)
                    kept = math.log(0.6 * math.exp(said) + 0.4)
                    nats[modality] = share * said if modality is Modality.HEAD else kept
            spans = [next(of[name] for of in by_name.values() if name in of) for name in (first, second)]
            early, late = sorted(spans, key=lambda one: one.start_s)
            if not nats or not 0.0 <= late.start_s - early.end_s <= 60.0:
                continue
            prior = min(-2.0 if modality is Modality.BODY else -1.5 for modality in nats)
            probability = 1.0 / (1.0 + math.exp(-sum(nats.values()) - prior))
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
