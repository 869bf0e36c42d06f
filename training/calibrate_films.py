"""Fitting what scores mean on what the product compares in validation films; see `evaluation/pairs.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.calibration import Calibration, fit_platt
from packs.manifest import Pack, write_manifest
from packs.spec import Modality
from training.card import write_card
from training.measure.clearness import fit_by_quality
from training.measure.evidence import equal_error_rate

# Fewer pairs of one person fix no line.
LEAST_POSITIVES = 50
KINDS = ("query", "link")
# People are often small, turned away or half hidden. A voice is trusted by its length (`services.runtime.trust`).
BY_QUALITY = (Modality.FACE, Modality.HEAD, Modality.BODY)
# From this quality on it says no more (docs/decisions/2026-11-29-faces-of-kin.md). Pairs alone would have it count to
# the end, by 0.001 nats of 0.295: strangers never come near a clear face, and relatives are rare among the pairs.
CLEAR_FROM = MappingProxyType({Modality.FACE: 0.8})


def calibrate_on_films(
    directory: Path, pairs: Path, *, say: Callable[[str], None], modalities: Sequence[Modality] | None = None
) -> dict[str, Any]:
    """Replace a pack's calibrations by ones that are fitted on films.

    Where a modality has both kinds of pairs, each kind has half of the weight: one line serves the search and the
    associations. Faces and bodies get a line that depends on how
    clear they are. A modality with too few pairs keeps what it has.

    Args:
        directory: Folder of the pack.
        pairs: npz of `python -m evaluation pairs`.
        say: Receives lines of progress.
        modalities: Whose lines; all that the pack embeds when None.

    Returns:
        The figures behind each line.
    """
    pack = Pack.load(directory)
    lines, report = dict(pack.manifest.calibration), {}
    with np.load(pairs) as content:
        for modality in pack.modalities if modalities is None else modalities:
            found = [kind for kind in KINDS if _is_enough(content.get(f"{modality}_{kind}_same"))]
            parts = [(content[f"{modality}_{kind}_cosine"], content[f"{modality}_{kind}_same"]) for kind in found]
            if not parts:
                say(f"{modality}: fewer than {LEAST_POSITIVES} pairs of one person, its calibration stays")
                continue
            lines[modality], report[str(modality)] = _fitted(parts)
            if modality in BY_QUALITY and all(f"{modality}_{kind}_quality" in content for kind in found):
                qualities = [content[f"{modality}_{kind}_quality"] for kind in found]
                line = _by_quality(parts, qualities, CLEAR_FROM.get(modality, 1.0))
                lines[modality], half = line, round(line.cosine_at(0.5), 4)
                report[str(modality)] |= line.model_dump() | {"cosine_at_half": half}
    manifest = pack.manifest.model_copy(update={"calibration": lines})
    write_manifest(directory, type(manifest).model_validate(manifest.model_dump()))
    _note(directory, report)
    say(f"calibrated {directory} on films: {report}")
    return report


def _note(directory: Path, report: Mapping[str, Any]) -> None:
    """Say the new lines in the pack's `metrics.json` and on its card, where it has them."""
    path = directory / "metrics.json"
    if not path.exists():
        return
    metrics = json.loads(path.read_text())
    for modality, part in report.items():
        counted = {"positives": sum(part["positives"]), "negatives": sum(part["negatives"])}
        error = round(float(np.mean(part["equal_error"])), 4)
        metrics["calibration"]["evidence"][modality] = part | counted | {"equal_error": error}
    path.write_text(json.dumps(metrics, indent=1, sort_keys=True) + "\n")
    write_card(directory, metrics)


def _is_enough(same: NDArray[np.bool_] | None) -> bool:
    return same is not None and LEAST_POSITIVES <= int(same.sum()) < same.size


def _by_quality(
    parts: list[tuple[NDArray[np.float32], NDArray[np.bool_]]], qualities: list[NDArray[np.float32]], clear_from: float
) -> Calibration:
    """Fit one calibration to all kinds; each class of each kind weighs the same."""
    weights = [np.where(same, 1.0 / same.sum(), 1.0 / (~same).sum()) for _, same in parts]
    cosines, same = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    quality = np.concatenate(qualities).astype(np.float64)
    return fit_by_quality(cosines.astype(np.float64), same, quality, np.concatenate(weights), clear_from=clear_from)


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
