"""Fitting what a pack's scores mean, on people that no network was trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from packs.detections import DetectionClass
from packs.manifest import DetectionSettings, Pack, write_manifest
from packs.spec import Modality
from training.data.shards import FrameSet, open_frames
from training.measure.detection import ClassFigures, class_figures
from training.measure.evidence import Evidence, fit_evidence, tracklet_like_groups
from training.measure.sets import FLOOR, RawDetections, crop_test, detect_raw, embed, input_size

SEED = 404
# Overlaps to choose from: a lower one leaves fewer doubles, a higher one more people who stand before each other.
NMS_IOUS = (0.45, 0.5, 0.55, 0.6)


def calibrate(directory: Path, data: Path, *, say: Callable[[str], None], frames_limit: int = 600) -> dict[str, Any]:
    """Write calibrations and the detector's operating point into a pack's manifest.

    Args:
        directory: Folder of the pack.
        data: Folder with the rendered `val` set.
        say: Receives lines of progress.
        frames_limit: Most frames for the detector.

    Returns:
        The figures behind each number.
    """
    pack = Pack.load(directory)
    frames = open_frames(data / "val")
    evidence = {modality: modality_evidence(pack, frames, modality) for modality in pack.modalities}
    detection, figures = operating_point(pack, frames, frames_limit)
    lines = {modality: fitted.calibration for modality, fitted in evidence.items()}
    manifest = pack.manifest.model_copy(update={"calibration": lines, "detection": detection})
    write_manifest(directory, type(manifest).model_validate(manifest.model_dump()))
    report = {str(modality): _evidence_json(fitted) for modality, fitted in evidence.items()}
    say(f"calibrated {directory}: {report}")
    return {"evidence": report, "detector": figures}


def modality_evidence(pack: Pack, frames: FrameSet, modality: Modality) -> Evidence:
    """Fit one modality: for faces one person is one identity, for bodies one identity in one outfit."""
    test = crop_test(frames, modality, input_size(pack, modality))
    keys = test.identity if modality is Modality.FACE else test.outfit
    groups = tracklet_like_groups(embed(pack, modality, test.crops), keys, test.identity, SEED)
    return fit_evidence(groups, SEED)


def operating_point(pack: Pack, frames: FrameSet, limit: int) -> tuple[DetectionSettings, dict[str, Any]]:
    """Choose the suppression with the best mean AP, and there the score of each class at which F1 is highest."""
    raw = detect_raw(frames, pack, most=limit)
    tried = {iou: _figures_at(raw, iou) for iou in NMS_IOUS}
    best = max(tried, key=lambda iou: sum(part.average_precision for part in tried[iou].values()))
    figures = tried[best]
    face, head, person = (figures[category].best_threshold for category in DetectionClass)
    settings = DetectionSettings(model="person_detector", thresholds=(face, head, person), iou=best)
    return settings, {category.name.lower(): asdict(value) for category, value in figures.items()}


def _figures_at(raw: RawDetections, iou: float) -> dict[DetectionClass, ClassFigures]:
    found = raw.decoded((FLOOR,) * 3, iou)
    return {category: class_figures(found, raw.truth, int(category)) for category in DetectionClass}


def _evidence_json(evidence: Evidence) -> dict[str, Any]:
    return {
        "slope": evidence.calibration.slope,
        "intercept": evidence.calibration.intercept,
        "positives": evidence.positives,
        "negatives": evidence.negatives,
        "equal_error": evidence.equal_error,
        "cosine_at_half": evidence.cosine_at_half,
    }
