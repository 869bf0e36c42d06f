"""Fitting what scores mean on what the product compares in validation films; see `evaluation/pairs.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.calibration import Calibration, fit_platt
from packs.manifest import Pack, write_manifest
from packs.spec import Modality
from training.measure.clearness import fit_by_quality
from training.measure.evidence import equal_error_rate

# Fewer pairs of one person fix no line.
LEAST_POSITIVES = 50
KINDS = ("query", "link")
# People are often small, turned away or half hidden. A voice is trusted by its length (`services.runtime.trust`).
BY_QUALITY = (Modality.FACE, Modality.BODY)


def calibrate_on_films(directory: Path, pairs: Path, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Replace a pack's calibrations by ones that are fitted on films.

    Where a modality has both kinds of pairs, each kind has half of the weight: one line serves the search and the
    associations. Faces and bodies get a line that depends on how
    clear they are. A modality with too few pairs keeps what it has.

    Args:
        directory: Folder of the pack.
        pairs: npz of `python -m evaluation pairs`.
        say: Receives lines of progress.

    Returns:
        The figures behind each line.
    """
    pack = Pack.load(directory)
    lines, report = dict(pack.manifest.calibration), {}
    with np.load(pairs) as content:
        for modality in pack.modalities:
            found = [kind for kind in KINDS if _is_enough(content.get(f"{modality}_{kind}_same"))]
            parts = [(content[f"{modality}_{kind}_cosine"], content[f"{modality}_{kind}_same"]) for kind in found]
            if not parts:
                say(f"{modality}: fewer than {LEAST_POSITIVES} pairs of one person, its calibration stays")
                continue
            lines[modality], report[str(modality)] = _fitted(parts)
            if modality in BY_QUALITY and all(f"{modality}_{kind}_quality" in content for kind in found):
                lines[modality] = _by_quality(parts, [content[f"{modality}_{kind}_quality"] for kind in found])
                report[str(modality)] |= lines[modality].model_dump()
    manifest = pack.manifest.model_copy(update={"calibration": lines})
    write_manifest(directory, type(manifest).model_validate(manifest.model_dump()))
    say(f"calibrated {directory} on films: {report}")
    return report


def _is_enough(same: NDArray[np.bool_] | None) -> bool:
    return same is not None and LEAST_POSITIVES <= int(same.sum()) < same.size


def _by_quality(
    parts: list[tuple[NDArray[np.float32], NDArray[np.bool_]]], qualities: list[NDArray[np.float32]]
) -> Calibration:
    """Fit one calibration to all kinds; each class of each kind weighs the same."""
    weights = [np.where(same, 1.0 / same.sum(), 1.0 / (~same).sum()) for _, same in parts]
    cosines, same = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    quality = np.concatenate(qualities).astype(np.float64)
    return fit_by_quality(cosines.astype(np.float64), same, quality, np.concatenate(weights))


def _fitted(parts: list[tuple[NDArray[np.float32], NDArray[np.bool_]]]) -> tuple[Calibration, dict[str, Any]]:
    """Fit one line to all kinds, as if each had equally many pairs of one person and of two."""
    cosines, same = _levelled(parts)
    line = fit_platt(cosines, same)
    line = Calibration(slope=round(line.slope, 4), intercept=round(line.intercept, 4))
    return line, {
        "slope": line.slope,
        "intercept": line.intercept,
        "positives": [int(part[1].sum()) for part in parts],
        "negatives": [int((~part[1]).sum()) for part in parts],
        "equal_error": [round(equal_error_rate(*part), 4) for part in parts],
        "cosine_at_half": round(line.cosine_at(0.5), 4),
    }


def _levelled(
    parts: list[tuple[NDArray[np.float32], NDArray[np.bool_]]],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Thin each class of each kind, by quantiles and not by chance, to the number of the rarest kind."""
    cosines, same = [], []
    for wanted in (True, False):
        classes = [np.sort(values[labels == wanted]) for values, labels in parts]
        count = min(len(values) for values in classes)
        for values in classes:
            cosines.append(values[np.linspace(0, len(values) - 1, count).round().astype(np.int64)])
            same.append(np.full(count, wanted))
    return np.concatenate(cosines), np.concatenate(same)
