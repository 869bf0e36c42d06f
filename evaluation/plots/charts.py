"""What is plotted of a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.headline import headline
from evaluation.metrics.ranking import Judged
from evaluation.plots.svg import Bar, Line, bar_plot, line_plot
from evaluation.protocols.spine import SpineResult
from evaluation.rankings import RankedFigures, Verdicts

__all__ = ["calibration_points", "precision_recall_points", "write_plots"]

BINS = 10
# Fewer hits than these say nothing about a bin.
LEAST_HITS = 5
RECALLS = 50


def write_plots(result: SpineResult, report: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Write all plots into a folder; return captions and file names."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "Calibration of scores": ("calibration.svg", _calibration(result)),
        "Precision and recall": ("precision_recall.svg", _precision_recall(result)),
        "mAP by modality": ("modalities.svg", _modalities(result, report)),
        "mAP by group": ("groups.svg", _groups(report)),
    }
    for name, drawing in made.values():
        (folder / name).write_text(drawing, encoding="utf-8")
    return {caption: name for caption, (name, _) in made.items()}


def calibration_points(verdicts: Verdicts) -> list[tuple[float, float]]:
    """Return (mean score, share right) of each of ten bins that has five hits or more."""
    scores, right = np.array(verdicts.scores), np.array(verdicts.right, dtype=np.float64)
    places = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    chosen = [places == number for number in range(BINS)]
    return [(float(scores[one].mean()), float(right[one].mean())) for one in chosen if one.sum() >= LEAST_HITS]


def precision_recall_points(judged: Sequence[tuple[str, Judged]]) -> list[tuple[float, float]]:
    """Return (recall, precision), mean over queries; the precision is the best at that recall or beyond."""
    recalls = np.linspace(0.0, 1.0, RECALLS + 1)
    curves = [_interpolated(one, recalls) for _, one in judged]
    return list(zip(recalls.tolist(), np.mean(curves, axis=0).tolist(), strict=True))


def _interpolated(one: Judged, recalls: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    right = np.array(one.right, dtype=bool)
    hits = np.cumsum(right)[right]
    precisions = hits / (np.flatnonzero(right) + 1)
    best = np.maximum.accumulate(precisions[::-1])[::-1]
    needed = np.maximum(np.ceil(recalls * one.relevant_count - 1e-9).astype(np.int64), 1)
    return [float(best[count - 1]) if count <= len(best) else 0.0 for count in needed]


def _calibration(result: SpineResult) -> str:
    lines = [Line("portraits", calibration_points(result.verdicts), marks=True)]
    if result.heard:
        lines.append(Line("voices", calibration_points(result.heard.verdicts), marks=True))
    return line_plot("Are scores probabilities?", "mean score", "share of right hits", lines, diagonal=True)


def _precision_recall(result: SpineResult) -> str:
    sets: dict[str, RankedFigures] = {
        "portrait, face visible": result.face_visible,
        "portrait, all": result.everything,
        "portrait, all, face only": result.face_only,
    }
    if result.heard:
        sets |= {"voice": result.heard.voice, "voice, voice only": result.heard.voice_only}
    lines = [Line(name, precision_recall_points(figures.judged)) for name, figures in sets.items()]
    return line_plot("Precision at each recall, mean over queries", "recall", "precision", lines)


def _modalities(result: SpineResult, report: Mapping[str, Any]) -> str:
    figures, chances = headline(result), report["chance"]
    bars = [
        Bar(name, figure.value, figure.interval, chances[name])
        for name, figure in figures.items()
        if figure is not None and name in chances
    ]
    return bar_plot("mean average precision; red: chance", bars)


def _groups(report: Mapping[str, Any]) -> str:
    bars = [
        Bar(
            f"{figure.partition('_')[0]}, {grouping}: {name} ({facts['identities']})",
            facts["mean"],
            (facts["low"], facts["high"]),
            facts["chance"],
        )
        for figure, groupings in report["by_group"].items()
        for grouping, groups in groupings.items()
        for name, facts in sorted(groups.items())
    ]
    return bar_plot("mean average precision by group (people); red: chance", bars)
