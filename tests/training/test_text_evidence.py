"""Calibration of sentences against bodies."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from packs.errors import PackError
from packs.testing import write_tiny_pack
from training.calibrate import text_evidence
from training.data.shards import open_frames
from training.measure.evidence import Groups
from training.measure.sets import OUTFITS
from training.measure.text_evidence import fit_text_evidence


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def world(noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Groups]:
    """Twelve people in two outfits each, one outfit in each of two scenes; each outfit has a look of its own."""
    rng = np.random.default_rng(seed)
    outfits = np.array([who * OUTFITS + worn for who in range(12) for worn in range(2)])
    looks = rng.normal(size=(len(outfits), 8))
    rows = np.repeat(np.arange(len(outfits)), 4)
    bodies = unit(looks[rows] + rng.normal(0, noise, (len(rows), 8)))
    scenes = outfits[rows] % OUTFITS
    texts = unit(looks + rng.normal(0, noise, looks.shape))
    return texts, outfits, Groups(bodies, scenes * 100 + outfits[rows] // OUTFITS, outfits[rows], scenes)


def test_a_line_is_fitted_that_tells_who_is_described() -> None:
    texts, described, groups = world(0.2)
    found = fit_text_evidence(texts, described, groups, 1)
    assert found.positives == 24 * 4
    # Half of the others are of the scene in which whom the sentence describes is seen.
    assert found.negatives == 2 * min(found.positives * 10, 24 * 11 * 4)
    right = np.array([float(texts[q] @ groups.vectors[4 * q]) for q in range(24)])
    assert np.mean([found.calibration.probability(cosine) > 0.5 for cosine in right]) > 0.9
    assert found.equal_error < 0.1
    assert found.cosine_at_half == pytest.approx(found.calibration.cosine_at(0.5), abs=1e-3)


def test_noise_makes_the_evidence_weaker() -> None:
    clear, noisy = (fit_text_evidence(*world(noise), 1) for noise in (0.2, 2.0))
    assert noisy.calibration.slope < clear.calibration.slope
    assert noisy.equal_error > clear.equal_error


def test_the_same_person_in_other_clothes_is_neither() -> None:
    """Whatever their other clothes look like, the line is the same; those of somebody else change it."""
    texts, described, groups = world(0.2)

    def fitted_when(owner: int):
        moved = groups.vectors.copy()
        moved[groups.owners == owner] = texts[0]
        kept = Groups(moved, groups.keys, groups.owners, groups.near)
        return fit_text_evidence(texts[:1], described[:1], kept, 1)

    assert described[0] == 0
    before = fit_text_evidence(texts[:1], described[:1], groups, 1)
    assert fitted_when(1) == before
    assert fitted_when(1 * OUTFITS) != before


def test_what_cannot_be_fitted_is_told() -> None:
    texts, described, groups = world(0.2)
    with pytest.raises(ValueError, match="no sentence describes anybody"):
        fit_text_evidence(texts, described + 500_000, groups, 1)
    with pytest.raises(ValueError, match="have no scenes"):
        fit_text_evidence(texts, described, Groups(groups.vectors, groups.keys, groups.owners), 1)


def test_a_pair_that_tells_nobody_apart_is_refused(
    data: Path, describe: Callable[[Path], Path], tmp_path: Path
) -> None:
    """The tiny pair knows no word of these sentences, so all are one to it."""
    frames = open_frames(describe(shutil.copytree(data / "val", tmp_path / "val")))
    (tmp_path / "pack").mkdir()
    pack = write_tiny_pack(tmp_path / "pack", text=True).pack
    with pytest.raises(PackError, match=r"cannot be calibrated: the fitted slope is .* is it trained"):
        text_evidence(pack, frames)
