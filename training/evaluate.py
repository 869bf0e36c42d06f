"""The figures of a pack on people whom neither training nor calibration has seen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.naive import colour_histogram, pixels
from packs.detections import DetectionClass
from packs.manifest import Pack
from packs.spec import Modality
from training.calibrate import PARTS
from training.data.shards import FrameSet, open_frames
from training.data.voices import open_voices
from training.evaluate_sound import activity_figures, voice_figures
from training.evaluate_speaking import evaluate_speaking, exported
from training.evaluate_words import evaluate_text_pair
from training.film_sets import MEASURED
from training.measure.detection import class_figures
from training.measure.people import people_groups
from training.measure.retrieval import Retrieval, chance, retrieve
from training.measure.served import F32, unit
from training.measure.sets import CHOICES, FLOOR, CropTest, body_crops, crop_test, detect_raw, embed, input_size

# For a pack whose operating point was never chosen.
DEFAULT_IOU = 0.5
# A head that is turned further shows no face that could be asked for.
TURNED_DEG = 75.0


def evaluate(
    directory: Path,
    data: Path,
    voices: Path,
    *,
    say: Callable[[str], None],
    frames_limit: int = 2000,
    parts: Collection[str] = PARTS,
) -> dict[str, Any]:
    """Measure the networks of a pack on the `test` sets.

    Args:
        directory: Folder of the pack.
        data: Folder with the rendered `test` set of frames; with its descriptions when the pack has a text pair, and
            with what `training.film_sets` cuts when it has an active-speaker network.
        voices: Folder with the `test` set of voices; not looked at when the pack has no network for it.
        say: Receives lines of progress.
        frames_limit: Most frames for the detector.
        parts: What is measured, of `training.calibrate.PARTS`.
    """
    pack = Pack.load(directory)
    frames = open_frames(data / "test")
    report: dict[str, Any] = {}
    if "detector" in parts:
        report["detector"] = detector_figures(pack, frames, frames_limit)
    wanted = [modality for modality in pack.modalities if str(modality) in parts]
    for modality in wanted:
        if modality in CHOICES:
            report[str(modality)] = encoder_figures(pack, frames, modality)
            say(f"{modality}: {report[str(modality)]['tasks']}")
    if Modality.VOICE in wanted:
        report["voice"] = voice_figures(pack, open_voices(voices / "test"))
        say(f"voice: {report['voice']['tasks']}")
    if Modality.TEXT in wanted:
        report["text"] = evaluate_text_pair(pack, data, say=say)
        say(f"text: {report['text']['network']}")
    if "voice_activity" in parts and pack.manifest.hearing is not None:
        report["voice_activity"] = activity_figures(pack, open_voices(voices / "test"))
        say(f"voice_activity: {report['voice_activity']}")
    if "speaking" in parts and pack.manifest.speaking is not None:
        report["speaking"] = evaluate_speaking(exported(pack), data, MEASURED.names, say=say)
        say(f"speaking: {report['speaking']['lines']}")
    return report


def detector_figures(pack: Pack, frames: FrameSet, limit: int) -> dict[str, Any]:
    """AP50 of each class, and precision and recall at its best threshold."""
    raw = detect_raw(frames, pack, most=limit)
    iou = pack.manifest.detection.iou if pack.manifest.detection else DEFAULT_IOU
    found = raw.decoded((FLOOR,) * 3, iou)
    figures = {kind.name.lower(): asdict(class_figures(found, raw.truth, int(kind))) for kind in DetectionClass}
    return {"frames": len(found), "suppression_iou": iou, "classes": figures}


def encoder_figures(pack: Pack, frames: FrameSet, modality: Modality) -> dict[str, Any]:
    """Retrieval of single crops among all crops of the set, beside baselines that need no training."""
    test = crop_test(frames, modality, input_size(pack, modality))
    embeddings = embed(pack, modality, test.crops)
    ways = {"network": unit(embeddings), "pixels": pixels(test.crops), "colour_histogram": colour_histogram(test.crops)}
    if modality is Modality.HEAD and Modality.BODY in pack.modalities:
        bodies = unit(embed(pack, Modality.BODY, body_crops(frames, test.rows, input_size(pack, Modality.BODY))))
        ways |= {"body_network": bodies, "head_and_body": unit(np.concatenate([ways["network"], bodies], axis=1))}
    ways["chance"] = chance(len(test.identity))
    tasks = {name: {way: ask(vectors) for way, vectors in ways.items()} for name, ask in _asked(test, modality).items()}
    first = next(iter(tasks.values()))["network"]
    return {
        "crops": len(test.identity),
        "identities": len(np.unique(test.identity)),
        "tasks": {name: {way: one.figures() for way, one in task.items()} for name, task in tasks.items()},
        "by_group": {name: first.figures(mask) for name, mask in people_groups(test.people_of(first.queries)).items()},
        "norm_of_right_minus_wrong": _norm_gap(embeddings, first),
    }


def _asked(test: CropTest, modality: Modality) -> Mapping[str, Callable[[F32], Retrieval]]:
    """What is asked of a modality, by name; the first is the one that figures by group are of."""
    if modality is Modality.FACE:
        return {"anywhere": lambda vectors: retrieve(vectors, test.identity, same_view=test.frame)}
    asked = {"in_scene": lambda vectors: retrieve(vectors, test.identity, same_view=test.frame, within=test.scene)}
    if modality is Modality.HEAD:
        turned = np.abs(test.yaw_deg) > TURNED_DEG
        asked["turned_in_scene"] = lambda vectors: asked["in_scene"](vectors).of(turned)
    return asked | {
        "across": lambda vectors: retrieve(vectors, test.identity, same_view=test.scene),
    }


def _norm_gap(embeddings: F32, network: Retrieval) -> float:
    """How much longer, relatively, embeddings are whose best answer is right: above 0, the norm speaks of quality."""
    norms = np.linalg.norm(embeddings[network.queries], axis=1)
    right = network.first_right
    if right.all() or not right.any():
        return 0.0
    return round(float(norms[right].mean() / norms[~right].mean() - 1.0), 4)
