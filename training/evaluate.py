"""The figures of a pack on people whom neither training nor calibration has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from packs.detections import DetectionClass
from packs.manifest import Pack
from packs.spec import Modality
from training.data.shards import FrameSet, open_frames
from training.measure.baselines import colour_histogram, raw_pixels
from training.measure.detection import class_figures
from training.measure.retrieval import Retrieval, retrieve
from training.measure.served import F32, unit
from training.measure.sets import FLOOR, CropTest, crop_test, detect_raw, embed, input_size

# For a pack whose operating point was never chosen.
DEFAULT_IOU = 0.5


def evaluate(directory: Path, data: Path, *, say: Callable[[str], None], frames_limit: int = 2000) -> dict[str, Any]:
    """Measure every network of a pack on the rendered `test` set.

    Args:
        directory: Folder of the pack.
        data: Folder with the `test` set.
        say: Receives lines of progress.
        frames_limit: Most frames for the detector.
    """
    pack = Pack.load(directory)
    frames = open_frames(data / "test")
    report: dict[str, Any] = {"detector": detector_figures(pack, frames, frames_limit)}
    for modality in pack.modalities:
        report[str(modality)] = encoder_figures(pack, frames, modality)
        say(f"{modality}: {report[str(modality)]['network']}")
    return report


def detector_figures(pack: Pack, frames: FrameSet, limit: int) -> dict[str, Any]:
    """AP50 of each class, and precision and recall at its best threshold."""
    raw = detect_raw(frames, pack, most=limit)
    iou = pack.manifest.detection.iou if pack.manifest.detection else DEFAULT_IOU
    found = raw.decoded((FLOOR,) * 3, iou)
    figures = {kind.name.lower(): asdict(class_figures(found, raw.truth, int(kind))) for kind in DetectionClass}
    return {"frames": len(found), "suppression_iou": iou, "classes": figures}


def encoder_figures(pack: Pack, frames: FrameSet, modality: Modality) -> dict[str, Any]:
    """Retrieval of single crops among all crops of the set, beside two baselines that need no training."""
    test = crop_test(frames, modality, input_size(pack, modality))
    embeddings = embed(pack, modality, test.crops)
    network = _ask(unit(embeddings), test, modality)
    return {
        "crops": len(test.identity),
        "identities": len(np.unique(test.identity)),
        "network": network.figures(),
        "raw_pixels": _ask(raw_pixels(test.crops), test, modality).figures(),
        "colour_histogram": _ask(colour_histogram(test.crops), test, modality).figures(),
        "by_group": {name: network.figures(mask) for name, mask in groups(test, network.queries).items()},
        "norm_of_right_minus_wrong": _norm_gap(embeddings, network),
    }


def groups(test: CropTest, queries: NDArray[np.int64]) -> Mapping[str, NDArray[np.bool_]]:
    """Split queries by apparent age, skin and sex: bool[Q] by name."""
    people = [test.attributes[row] for row in queries]
    age = np.array([float(person["apparent_age"]) for person in people])
    skin = np.array([float(person["skin"]) for person in people])
    sex = np.array([str(person["sex"]) for person in people])
    masks = {
        "age_under_30": age < 30,
        "age_30_to_50": (age >= 30) & (age < 50),
        "age_50_and_over": age >= 50,
        "skin_light_third": skin < 1 / 3,
        "skin_middle_third": (skin >= 1 / 3) & (skin < 2 / 3),
        "skin_dark_third": skin >= 2 / 3,
    }
    return masks | {f"sex_{value}": sex == value for value in sorted(set(sex.tolist()))}


def _ask(vectors: F32, test: CropTest, modality: Modality) -> Retrieval:
    if modality is Modality.FACE:
        return retrieve(vectors, test.identity, same_view=test.frame)
    return retrieve(vectors, test.outfit, same_view=test.frame, never=test.identity)


def _norm_gap(embeddings: F32, network: Retrieval) -> float:
    """How much longer, relatively, embeddings are whose best answer is right: above 0, the norm speaks of quality."""
    norms = np.linalg.norm(embeddings[network.queries], axis=1)
    right = network.first_right
    if right.all() or not right.any():
        return 0.0
    return round(float(norms[right].mean() / norms[~right].mean() - 1.0), 4)
