"""Who speaks, when all that counts is given as numbers."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from services.ingest.pipeline.lips import PLACES, Lips, read_lips
from services.ingest.pipeline.mouth_reader import MouthReader, bands_of, sound_features
from services.ingest.pipeline.speakers import EVIDENCE, Line, Watched, evidence_of
from services.ingest.pipeline.utterances import Utterance
from services.ingest.pipeline.values import MouthSeen, Sound

UNSEEN = np.array([1.0, 0, 0, 0])


def reader() -> MouthReader:
    """Hears the jaw as how loud it is now."""
    linear = np.zeros(201, np.float32)
    linear[80:100] = 0.05
    return MouthReader(linear, np.zeros(200, np.float32), np.ones(200, np.float32))


@pytest.fixture
def line() -> Line:
    random = np.random.default_rng(4)
    loud = np.repeat(random.uniform(0.02, 0.4, 50), 640)
    sound = Sound(0.0, (loud * random.normal(size=loud.size)).astype(np.float32))
    return Line(Utterance(0.4, 1.6, 1.0), sound, bands_of(sound.samples))


def lips_that_do(jaw: np.ndarray) -> Lips:
    opening = jaw.astype(np.float32)
    dark = np.zeros((len(jaw), PLACES), np.float32)
    dark[:, 100:110] = opening[:, None]
    return Lips(np.arange(len(jaw)) / 25.0, dark, opening)


def named(evidence: np.ndarray) -> dict[str, float]:
    return dict(zip(EVIDENCE, evidence, strict=False))


def test_evidence_tells_a_mouth_that_follows_from_one_that_chews(line: Line):
    times = np.arange(50) / 25.0
    one = named(evidence_of(line, lips_that_do(line.jaw_at(times, reader())), [], reader()))
    assert min(one["follows"], one["somewhere"]) > 0.9
    for rate_hz in (1.4, 1.8, 2.2, 2.6):
        chews = 0.5 + 0.5 * np.sin(2 * np.pi * rate_hz * times)
        other = named(evidence_of(line, lips_that_do(chews), [], reader()))
        assert max(other["follows"], other["somewhere"]) < 0.6


def test_a_mouth_at_rest_before_and_after_its_line_follows_it_better_than_one_that_never_rests(line: Line):
    times = np.arange(50) / 25.0
    noise = np.random.default_rng(1).uniform(size=50)
    rests = named(evidence_of(line, lips_that_do(np.where(line.jaw_at(times, reader()) > 0, noise, 0.0)), [], reader()))
    never = named(evidence_of(line, lips_that_do(noise), [], reader()))
    assert rests["follows"] > never["follows"] + 0.3


def test_what_a_mouth_does_in_the_line_of_another_says_nothing(line: Line):
    jaw = line.jaw_at(np.arange(50) / 25.0, reader())
    talks_on = np.where(np.arange(50) >= 43, 1.0, jaw)
    alone = named(evidence_of(line, lips_that_do(talks_on), [], reader()))
    other = named(evidence_of(line, lips_that_do(talks_on), [(1.75, 2.5)], reader()))
    assert other["follows"] > 0.9 > alone["follows"]


def test_the_network_adds_a_column_of_its_log_odds(line: Line):
    times = np.arange(50) / 25.0
    lips = lips_that_do(line.jaw_at(times, reader()))
    sure = Watched(times, np.where(times < 0.4, 0.0, 0.9).astype(np.float32))
    seen = evidence_of(line, lips, [], reader(), sure)
    assert seen[:-1].tolist() == evidence_of(line, lips, [], reader()).tolist()
    # 30 looks of the line are trusted a little more than the usual 25.
    assert named(seen)["speaks"] == pytest.approx(np.log(9.0) * np.sqrt(30 / 25), rel=1e-3)
    few = Watched(np.array([0.5, 0.6]), np.array([1.0, 1.0], np.float32))
    assert evidence_of(line, None, [], reader(), few).tolist() == [*UNSEEN.tolist(), 0.0]


def faces_that_open(jaw: np.ndarray, tremble_px: float) -> list[MouthSeen]:
    """A face whose box trembles: brows, eyes and nose, and a hole that opens right of the middle."""
    random = np.random.default_rng(2)
    texture = cv2.GaussianBlur(random.uniform(60.0, 200.0, (80, 80)).astype(np.float32), (0, 0), 2.0)
    seen = []
    for number, opening in enumerate(jaw):
        face = texture.copy()
        cv2.ellipse(face, (46, 52), (6, max(round(5 * opening), 0)), 0, 0, 360, 20.0, -1)
        x, y = random.uniform(-tremble_px, tremble_px, 2)
        matrix = np.array([[1.0, 0.0, 20 + x], [0.0, 1.0, 12 + y]])
        patch = cv2.warpAffine(face, matrix, (40, 56), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        noisy = patch + random.normal(0.0, 4.0, patch.shape)
        seen.append(MouthSeen(number / 25.0, np.clip(noisy, 0, 255).astype(np.uint8), 50.0))
    return seen


def test_lips_are_read_though_the_box_trembles():
    jaw = np.zeros(60)
    jaw[20:40] = np.random.default_rng(3).choice([0.0, 0.5, 1.0], 20)
    lips = read_lips(faces_that_open(jaw, 1.5))
    assert lips is not None
    assert lips.dark.shape == (60, PLACES)
    assert np.corrcoef(lips.opening, jaw)[0, 1] > 0.8


def test_a_face_seen_in_a_few_pictures_has_no_lips():
    assert read_lips(faces_that_open(np.zeros(5), 0.0)) is None
    assert read_lips([]) is None


def test_a_mouth_that_is_hardly_seen_is_unseen(line: Line):
    assert evidence_of(line, None, [], reader()).tolist() == UNSEEN.tolist()
    late = lips_that_do(np.zeros(50))
    assert evidence_of(line, replace(late, times_s=late.times_s + 1.62), [], reader()).tolist() == UNSEEN.tolist()


def test_sound_is_read_from_before_to_after_the_frame():
    bands = np.zeros((100, 20))
    bands[50:52] = 1.0
    features = sound_features(bands, np.array([50.0, 58.0, 40.0, 70.0])).reshape(4, 10, 20)
    assert [int(row[:, 0].argmax()) if row.any() else None for row in features] == [4, 0, 9, None]


def test_the_fitted_jaw_opens_for_a_vowel_and_closes_in_silence():
    t = np.arange(16_000) / 16_000.0
    harmonics = sum(np.sin(2 * np.pi * 120.0 * k * t) / (1.0 + abs(120.0 * k - 700.0) / 200.0) for k in range(1, 30))
    sound = Sound(0.0, (0.03 * harmonics * (np.abs(t - 0.5) < 0.2)).astype(np.float32))
    jaw = MouthReader.load().jaw(bands_of(sound.samples), sound, np.array([0.04, 0.48, 0.88]), (0.3, 0.7))
    assert jaw[1] > max(jaw[0], jaw[2]) + 0.2
