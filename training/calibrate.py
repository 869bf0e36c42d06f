"""Fitting what a pack's scores mean, on people that no network was trained on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from packs.detections import DetectionClass
from packs.errors import PackError
from packs.manifest import DetectionSettings, HearingSettings, Pack, write_manifest
from packs.spec import Modality
from training.data.shards import FrameSet, open_frames
from training.data.voices import VoiceSet, open_voices
from training.measure.detection import ClassFigures, class_figures
from training.measure.evidence import VOICE_GROUP_SIZES, Evidence, fit_evidence, tracklet_like_groups
from training.measure.sets import CHOICES, FLOOR, RawDetections, crop_test, detect_raw, embed, input_size
from training.measure.text_evidence import fit_text_evidence
from training.measure.voices import best_threshold, embed_clips, frame_errors, speech_of_clips
from training.measure.words import look_at, read_texts, sentences_about, text_input_size

SEED = 404
# What of a pack's calibration and figures is a network's, by its preset.
PART_OF = {
    "person_detector": "detector",
    "face_encoder": "face",
    "head_encoder": "head",
    "body_encoder": "body",
    "voice_encoder": "voice",
    "ivt_body_small": "text",
    "voice_activity": "voice_activity",
    "active_speaker_small": "speaking",
}
PARTS = tuple(PART_OF.values())
# Overlaps to choose from: a lower one leaves fewer doubles, a higher one more people who stand before each other.
NMS_IOUS = (0.45, 0.5, 0.55, 0.6)


def calibrate(
    directory: Path,
    data: Path,
    voices: Path,
    *,
    say: Callable[[str], None],
    frames_limit: int = 600,
    parts: Collection[str] = PARTS,
) -> dict[str, Any]:
    """Write calibrations and the operating points of detector and voice activity into a pack's manifest.

    Args:
        directory: Folder of the pack.
        data: Folder with the rendered `val` set of frames; with its descriptions when the pack has a text pair.
        voices: Folder with the `val` set of voices; not looked at when the pack has no network for it.
        say: Receives lines of progress.
        frames_limit: Most frames for the detector.
        parts: What is fitted, of `PARTS`; what else the manifest says stays, as a line that was fitted on films does.

    Returns:
        The figures behind each number.
    """
    pack = Pack.load(directory)
    frames = open_frames(data / "val")
    report: dict[str, Any] = {}
    changed: dict[str, Any] = {}
    if "detector" in parts:
        changed["detection"], report["detector"] = operating_point(pack, frames, frames_limit)
    if "voice_activity" in parts and pack.manifest.hearing is not None:
        hearing = hearing_point(pack, pack.manifest.hearing, open_voices(voices / "val"))
        changed["hearing"], report["voice_activity"] = hearing
    evidence = _evidence(pack, frames, voices, [modality for modality in pack.modalities if str(modality) in parts])
    lines = {modality: fitted.calibration for modality, fitted in evidence.items()}
    changed["calibration"] = {**pack.manifest.calibration, **lines}
    manifest = pack.manifest.model_copy(update=changed)
    write_manifest(directory, type(manifest).model_validate(manifest.model_dump()))
    report["evidence"] = {str(modality): _evidence_json(fitted) for modality, fitted in evidence.items()}
    say(f"calibrated {directory}: {report['evidence']}")
    return report


def _evidence(pack: Pack, frames: FrameSet, voices: Path, modalities: Sequence[Modality]) -> dict[Modality, Evidence]:
    evidence = {modality: crop_evidence(pack, frames, modality) for modality in modalities if modality in CHOICES}
    if Modality.TEXT in modalities:
        evidence[Modality.TEXT] = text_evidence(pack, frames)
    if Modality.VOICE in modalities and pack.manifest.hearing is not None:
        evidence[Modality.VOICE] = voice_evidence(pack, open_voices(voices / "val"))
    return evidence


def crop_evidence(pack: Pack, frames: FrameSet, modality: Modality) -> Evidence:
    """Fit faces, heads or bodies.

    For faces all groups of one person are the same, whatever they wear. A body, or a head, is compared while the scene
    stays, and there it is told from others who share light, room and perhaps the uniform.
    """
    test = crop_test(frames, modality, input_size(pack, modality))
    embeddings = embed(pack, modality, test.crops)
    if modality is Modality.FACE:
        return fit_evidence(tracklet_like_groups(embeddings, test.identity, test.identity, SEED), SEED)
    keys = test.identity_in_scene
    return fit_evidence(tracklet_like_groups(embeddings, keys, test.identity, SEED, near=test.scene), SEED)


def text_evidence(pack: Pack, frames: FrameSet) -> Evidence:
    """Fit sentences against bodies of one scene each, over sentences of the kinds that training may see.

    Raises:
        PackError: If whom a sentence describes is no nearer to it than others.
    """
    test = crop_test(frames, Modality.BODY, text_input_size(pack))
    sentences, described = sentences_about(frames, test.outfit, teaching=True)
    keys = test.identity_in_scene
    groups = tracklet_like_groups(look_at(pack, test.crops), keys, test.outfit, SEED, near=test.scene)
    texts = read_texts(pack, [sentence.text for sentence in sentences])
    try:
        return fit_text_evidence(texts, described, groups, SEED)
    except ValueError as error:
        raise PackError(f"the text pair of pack {pack.name} cannot be calibrated: {error}; is it trained?") from error


def voice_evidence(pack: Pack, voices: VoiceSet) -> Evidence:
    """Fit voices over groups of one to three clips, as many as somebody says in a shot."""
    rows = voices.spoken
    identity = voices.identity[rows].astype(np.int64)
    embeddings = embed_clips(pack, voices, rows)
    return fit_evidence(tracklet_like_groups(embeddings, identity, identity, SEED, sizes=VOICE_GROUP_SIZES), SEED)


def hearing_point(pack: Pack, settings: HearingSettings, voices: VoiceSet) -> tuple[HearingSettings, dict[str, Any]]:
    """Choose the probability from which a frame counts as speech: misses and false alarms weigh alike."""
    speech = speech_of_clips(pack, voices)
    threshold = round(best_threshold(speech, voices.speech), 3)
    return settings.model_copy(update={"threshold": threshold}), asdict(frame_errors(speech, voices.speech, threshold))


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
