"""Calibrations fitted on pairs of films."""

from pathlib import Path

import numpy as np
import pytest

from packs.manifest import Pack
from packs.spec import Modality
from packs.testing import write_tiny_pack
from training.calibrate_films import CLEAR_FROM, calibrate_on_films

SLOPE, INTERCEPT = 12.0, -5.0


def pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosines whose odds of "same" at even priors are exp(12 c - 5)."""
    rng = np.random.default_rng(seed)
    cosines = rng.uniform(-0.2, 1.0, count).astype(np.float32)
    return cosines, rng.random(count) < 1 / (1 + np.exp(-(SLOPE * cosines + INTERCEPT)))


@pytest.fixture
def before(tmp_path: Path) -> Pack:
    (tmp_path / "pack").mkdir()
    write_tiny_pack(tmp_path / "pack")
    return Pack.load(tmp_path / "pack")


def test_the_line_behind_the_pairs_is_found_and_other_modalities_stay(tmp_path: Path, before: Pack) -> None:
    query, link = pairs(60_000, 1), pairs(60_000, 2)
    path = tmp_path / "pairs.npz"
    np.savez(
        path, face_query_cosine=query[0], face_query_same=query[1], face_link_cosine=link[0], face_link_same=link[1]
    )
    report = calibrate_on_films(tmp_path / "pack", path, say=lambda line: None)
    after = Pack.load(tmp_path / "pack")
    line = after.calibration[Modality.FACE]
    # Classes count equally, so the line is that of the odds divided by those of the classes.
    share = float(np.mean(query[1]))
    assert line.slope == pytest.approx(SLOPE, rel=0.05)
    assert line.intercept == pytest.approx(INTERCEPT - np.log(share / (1 - share)), abs=0.25)
    assert set(report) == {"face"}
    others = {modality: one for modality, one in after.calibration.items() if modality is not Modality.FACE}
    assert others == {m: one for m, one in before.calibration.items() if m is not Modality.FACE}


def test_too_few_pairs_change_nothing(tmp_path: Path, before: Pack) -> None:
    path = tmp_path / "pairs.npz"
    np.savez(path, face_query_cosine=np.ones(9, np.float32), face_query_same=np.ones(9, np.bool_))
    lines: list[str] = []
    assert calibrate_on_films(tmp_path / "pack", path, say=lines.append) == {}
    assert Pack.load(tmp_path / "pack").calibration == before.calibration
    assert any("fewer than 50" in line for line in lines)


def clear_pairs(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cosines whose odds are exp(12 c - 5) where faces are clear, from 0.8 on, and exp(3 c - 1) where they are not."""
    rng = np.random.default_rng(seed)
    cosines, quality = rng.uniform(-0.2, 1.0, count).astype(np.float32), rng.random(count).astype(np.float32)
    lost = np.maximum(0.0, 1.0 - quality / CLEAR_FROM[Modality.FACE])
    nats = (SLOPE - lost * 9.0) * cosines + INTERCEPT + lost * 4.0
    return cosines, rng.random(count) < 1 / (1 + np.exp(-nats)), quality


def test_faces_are_calibrated_by_how_clear_they_are(tmp_path: Path, before: Pack) -> None:
    cosines, same, quality = clear_pairs(120_000, 3)
    path = tmp_path / "pairs.npz"
    np.savez(path, face_link_cosine=cosines, face_link_same=same, face_link_quality=quality)
    calibrate_on_films(tmp_path / "pack", path, say=lambda line: None)
    line = Pack.load(tmp_path / "pack").calibration[Modality.FACE]
    share = float(np.mean(same))
    odds = np.log(share / (1 - share))
    for clear, lost in ((0.0, 1.0), (0.4, 0.5), (0.8, 0.0), (1.0, 0.0)):
        wanted = [(SLOPE - lost * 9.0) * c + INTERCEPT + lost * 4.0 - odds for c in (0.0, 0.4, 0.8)]
        assert [line.logit(c, clear) for c in (0.0, 0.4, 0.8)] == pytest.approx(wanted, abs=0.3)


def test_unclear_faces_that_are_alike_never_speak_against(tmp_path: Path, before: Pack) -> None:
    """Of the unclearest, the less alike are the same person: chance, or a fault of the films, but no rule to learn."""
    cosines, same, quality = clear_pairs(20_000, 4)
    same = np.where(quality < 0.4, cosines < 0.3, same)
    path = tmp_path / "pairs.npz"
    np.savez(path, face_link_cosine=cosines, face_link_same=same, face_link_quality=quality)
    calibrate_on_films(tmp_path / "pack", path, say=lambda line: None)
    line = Pack.load(tmp_path / "pack").calibration[Modality.FACE]
    assert line.logit(0.9, 0.0) >= line.logit(0.1, 0.0)
    assert line.logit(0.9, 1.0) > line.logit(0.1, 1.0) + 3.0
