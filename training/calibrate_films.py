"""Fitting what scores mean on what the product compares in validation films; see `evaluation/pairs.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.calibration import Calibration, fit_platt
from packs.manifest import Pack, write_manifest
from training.measure.evidence import equal_error_rate

# Fewer pairs of one person fix no line.
LEAST_POSITIVES = 50
KINDS = ("query", "link")


def calibrate_on_films(directory: Path, pairs: Path, *, say: Callable[[str], None]) -> dict[str, Any]:
    """Replace a pack's calibrations by ones that are fitted on films.

    Where a modality has both kinds of pairs, each kind has half of the weight: one line serves the search and the
    associations. A modality with too few pairs keeps the line that it has.

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
            parts = [
                (content[f"{modality}_{kind}_cosine"], content[f"{modality}_{kind}_same"])
                for kind in KINDS
                if f"{modality}_{kind}_cosine" in content
            ]
            parts = [part for part in parts if LEAST_POSITIVES <= int(part[1].sum()) < part[1].size]
            if not parts:
                say(f"{modality}: fewer than {LEAST_POSITIVES} pairs of one person, its calibration stays")
                continue
            lines[modality], report[str(modality)] = _fitted(parts)
    manifest = pack.manifest.model_copy(update={"calibration": lines})
    write_manifest(directory, type(manifest).model_validate(manifest.model_dump()))
    say(f"calibrated {directory} on films: {report}")
    return report


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
