"""What contradicts a chain, and how far it tells what is asked."""

from __future__ import annotations

import pytest

from packs.calibration import Calibration
from packs.spec import Modality
from services.search.answer import Step
from services.search.chains import Chain, Doubt, contradiction, doubters, tells
from services.search.expansion import Path
from services.search.ports import Evidence
from services.search.query import Task

FACE, BODY, HEAD, VOICE = Modality.FACE, Modality.BODY, Modality.HEAD, Modality.VOICE
CALIBRATION = {FACE: Calibration(slope=20.0, intercept=-10.0), VOICE: Calibration(slope=20.0, intercept=-10.0)}
DOUBT = Doubt(weight=1.0, limit=10.0, unclear=0.4, clear=0.6)
BOTH = frozenset({FACE, VOICE})


def piece(modality: Modality, cosine: float, quality: float = 1.0) -> Evidence:
    return Evidence(0, modality, cosine, 1.0, quality)


@pytest.mark.parametrize(
    ("task", "ends_in", "expected"),
    [
        (Task.SEEN, BODY, BOTH),
        (Task.SEEN, FACE, frozenset()),
        (Task.SEEN, VOICE, {FACE}),
        (Task.PRESENT, VOICE, {FACE}),
        (Task.HEARD, HEAD, BOTH),
        (Task.HEARD, FACE, {VOICE}),
        (Task.HEARD, VOICE, frozenset()),
        (Task.SEEN_AND_HEARD, FACE, {VOICE}),
        (Task.SEEN_AND_HEARD, VOICE, {FACE}),
    ],
)
def test_who_may_contradict(task: Task, ends_in: Modality, expected: frozenset[Modality]) -> None:
    assert doubters(task, ends_in) == expected


@pytest.mark.parametrize("task", Task)
def test_looks_tell_who_is_seen_and_voices_who_is_heard(task: Task) -> None:
    told = {modality for modality in Modality if tells(task, modality)}
    looks = set(Modality) - {VOICE}
    assert told == {Task.HEARD: {VOICE}, Task.SEEN_AND_HEARD: set()}.get(task, looks)


def test_only_those_who_may_contradict_do() -> None:
    evidence = [piece(FACE, 0.3), piece(VOICE, 0.4)]
    assert contradiction(evidence, CALIBRATION, DOUBT) == pytest.approx(-6.0)
    assert contradiction(evidence, CALIBRATION, DOUBT, frozenset({FACE})) == pytest.approx(-4.0)
    assert contradiction(evidence, CALIBRATION, DOUBT, frozenset()) == 0.0


def test_a_voice_contradicts_as_far_as_it_is_linked_and_was_heard() -> None:
    assert contradiction([piece(VOICE, 0.3)], CALIBRATION, DOUBT, link=0.5) == pytest.approx(-2.0)
    assert contradiction([piece(VOICE, 0.3, quality=0.5)], CALIBRATION, DOUBT) == pytest.approx(-3.709, abs=0.001)
    assert contradiction([piece(VOICE, 0.3, quality=0.0)], CALIBRATION, DOUBT) == 0.0
    assert contradiction([piece(FACE, 0.3)], CALIBRATION, DOUBT, link=0.5) == pytest.approx(-4.0)


def test_a_chain_counts_as_far_as_its_end_is_who_is_asked_for() -> None:
    path = Path("seed", (Step("seed", "it", FACE, 0.8),), 0.5)
    assert Chain(path).probability == 0.5
    assert Chain(path, link=0.6).probability == pytest.approx(0.3)
    assert Chain(path, against=-2.0).probability == pytest.approx(0.1192, abs=1e-4)
    assert Chain(path, -2.0, 0.5).probability == pytest.approx(0.0596, abs=1e-4)
    assert Chain(path).ends_in is FACE
