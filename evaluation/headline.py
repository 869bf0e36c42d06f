"""The figures that the protocol `spine` is about, and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluation.metrics.bootstrap import Estimate, estimate_mean, estimate_ratio
from evaluation.protocols.spine import SpineResult
from evaluation.rankings import RankedFigures

__all__ = ["BOUNDS", "headline", "verdicts"]

# (figure, at least or at most, bound).
BOUNDS = (
    ("tracklet_recall", ">=", 0.9),
    ("identity_switch_rate", "<=", 0.05),
    ("portrait_map_face_visible", ">=", 0.85),
    ("portrait_map_gain", ">=", 0.05),
    ("voice_map", ">=", 0.6),
    ("speech_link_accuracy", ">=", 0.8),
    ("encoder.face_gain", ">=", 0.3),
    ("encoder.voice_gain", ">=", 0.1),
    ("encoder.body_in_scene_gain", ">=", 0.1),
    ("encoder.face", "<=", 0.97),
    ("encoder.body_in_scene", "<=", 0.97),
    ("encoder.body_across", "<=", 0.97),
    ("encoder.voice", "<=", 0.97),
)
# Each gain: what it is called, ours, the naive one.
GAINS = (
    ("encoder.face_gain", "encoder.face", "naive.face_pixels"),
    ("encoder.body_in_scene_gain", "encoder.body_in_scene", "naive.body_histogram_in_scene"),
    ("encoder.body_across_gain", "encoder.body_across", "naive.body_histogram_across"),
    ("encoder.voice_gain", "encoder.voice", "naive.voice_mfcc"),
)


def headline(result: SpineResult) -> dict[str, Estimate | None]:
    """Return the figures by name, None where the films or the pack have nothing to measure it on."""
    truth_counts = [one.truth_count for one in result.followed]
    found: dict[str, Estimate | None] = {
        "tracklet_recall": estimate_ratio([one.covered_count for one in result.followed], truth_counts),
        "identity_switch_rate": estimate_ratio([one.switch_count for one in result.followed], truth_counts),
        "portrait_map_face_visible": result.face_visible.mean_average_precision,
        "portrait_map_all": result.everything.mean_average_precision,
        "portrait_map_all_face_only": result.face_only.mean_average_precision,
        "portrait_map_gain": _gain(result.everything.per_identity, result.face_only.per_identity),
        "voice_map": _map(result.heard.voice if result.heard else None),
        "voice_map_voice_only": _map(result.heard.voice_only if result.heard else None),
        "speech_link_accuracy": result.linked.accuracy,
        "speech_link_accuracy_largest_face": result.linked.largest_face,
        "off_screen_speech_recall": result.heard.off_screen.recall
        if result.heard and result.heard.off_screen
        else None,
    }
    return found | _encoders(result)


def verdicts(figures: Mapping[str, Estimate | None]) -> dict[str, bool]:
    """Say of each requirement whether it holds; what was not measured does not."""
    return {f"{name} {sign} {bound}": _holds(figures.get(name), sign, bound) for name, sign, bound in BOUNDS}


def _holds(figure: Estimate | None, sign: str, bound: float) -> bool:
    if figure is None:
        return False
    return figure.value >= bound if sign == ">=" else figure.value <= bound


def _map(figures: RankedFigures | None) -> Estimate | None:
    return figures.mean_average_precision if figures else None


def _encoders(result: SpineResult) -> dict[str, Estimate | None]:
    found: dict[str, Estimate | None] = {
        name: figures.mean_average_precision for name, figures in result.encoders.items()
    }
    for gain, ours, naive in GAINS:
        if ours in result.encoders and naive in result.encoders:
            found[gain] = _gain(result.encoders[ours].per_identity, result.encoders[naive].per_identity)
    return found


def _gain(ours: Mapping[str, float], others: Mapping[str, float]) -> Estimate | None:
    """Mean difference of the same identities, so that an identity that is hard for both does not widen the interval."""
    names = [name for name in ours if name in others]
    return estimate_mean([float(np.subtract(ours[name], others[name])) for name in names]) if names else None
