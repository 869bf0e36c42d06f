"""The result file (JSON, for comparing runs)."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluation.asking import TOP_K
from evaluation.encoders.figures import EncoderFigures
from evaluation.groups import group_means
from evaluation.headline import headline, verdicts
from evaluation.metrics.bootstrap import Estimate
from evaluation.protocols.spine import SpineResult
from evaluation.rankings import RankedFigures
from packs.manifest import Pack

__all__ = ["Setting", "estimate_facts", "interval_facts", "now", "report_of_spine", "rounded", "setting_of"]

SCHEMA = "personsearch-evaluation/2"
DIGITS = 4
PACKAGES = ("grpcio", "milvus-lite", "numpy", "openvino", "personsearch", "pymilvus", "redis", "tritonclient")
# Scores below are nearly all hits of a long answer and nearly all wrong: over them alone the error says little.
LIKELY = 0.1

Setting = Mapping[str, Any]


def setting_of(pack: Pack, inference: str) -> Setting:
    """Say what a measurement ran on: two result files can be compared only when that is known."""
    return {
        "pack": {"name": pack.name, "version": pack.version, "digest": pack.digest},
        "inference": inference,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def report_of_spine(result: SpineResult, setting: Setting) -> dict[str, Any]:
    """Return the result file's content; the headline figures stand at the top level."""
    figures = headline(result)
    report: dict[str, Any] = {"schema": SCHEMA, "protocol": "spine", "time": now()}
    report |= {name: None if one is None else one.value for name, one in figures.items()}
    report |= _side_figures(result)
    report |= {
        "intervals": {name: interval_facts(one) for name, one in figures.items() if one is not None},
        "side_intervals": {name: interval_facts(one) for name, one in _side_estimates(result).items() if one},
        "chance": _chances(result),
        "requirements": verdicts(figures),
        "details": {name: _ranked_facts(one) for name, one in _figure_sets(result).items()},
        "encoders": {name: _encoder_facts(one) for name, one in result.encoders.items()},
        "by_group": _groups(result),
        "counts": _counts(result),
        "queries": _query_facts(result),
        "films": _film_facts(result),
        "setting": dict(setting),
    }
    told: dict[str, Any] = rounded(report)
    return told


def _side_figures(result: SpineResult) -> dict[str, Any]:
    predicted_count = sum(one.predicted_count for one in result.followed)
    linked, heard = result.linked, result.heard
    return {
        "tracklet_precision": sum(one.paired_count for one in result.followed) / predicted_count
        if predicted_count
        else None,
        "rank_1": result.everything.rank_1,
        "precision_at_0_5": result.everything.precision_when_sure,
        "recall_at_0_5": result.everything.recall_when_sure,
        "calibration_error": result.verdicts.error(),
        "calibration_error_likely": result.verdicts.error(LIKELY),
        "voice_map_moments": heard.moments.mean_average_precision.value if heard else None,
        "voice_rank_1": heard.voice.rank_1 if heard else None,
        "voice_calibration_error": heard.verdicts.error() if heard else None,
        "voice_calibration_error_likely": heard.verdicts.error(LIKELY) if heard else None,
        "off_screen_speech_returned": heard.off_screen.returned if heard and heard.off_screen else None,
        "off_screen_speech_span_iou": heard.off_screen_span_iou if heard else None,
        "speech_recall": _value(linked.speech_recall),
        "speech_precision": _value(linked.speech_precision),
        "speech_link_on_screen": _value(linked.on_screen),
        "speech_link_off_screen": _value(linked.off_screen),
        "dubbed_speech_alone": _value(linked.dubbed_alone),
    }


def _side_estimates(result: SpineResult) -> dict[str, Estimate | None]:
    """Those of the side figures that have an interval."""
    linked, heard = result.linked, result.heard
    found: dict[str, Estimate | None] = {
        **result.everything.side,
        "calibration_error": result.verdicts.estimate(),
        "calibration_error_likely": result.verdicts.estimate(LIKELY),
        "speech_recall": linked.speech_recall,
        "speech_precision": linked.speech_precision,
        "speech_link_on_screen": linked.on_screen,
        "speech_link_off_screen": linked.off_screen,
        "dubbed_speech_alone": linked.dubbed_alone,
    }
    if heard:
        found |= {
            "voice_map_moments": heard.moments.mean_average_precision,
            "voice_rank_1": heard.voice.side["rank_1"],
            "voice_calibration_error": heard.verdicts.estimate(),
            "voice_calibration_error_likely": heard.verdicts.estimate(LIKELY),
        }
    return found


def _figure_sets(result: SpineResult) -> dict[str, RankedFigures]:
    sets = {
        "portrait_map_face_visible": result.face_visible,
        "portrait_map_all": result.everything,
        "portrait_map_all_face_only": result.face_only,
    }
    if result.heard:
        sets |= {"voice_map": result.heard.voice, "voice_map_voice_only": result.heard.voice_only}
    return sets


def _chances(result: SpineResult) -> dict[str, float]:
    chances = {name: one.chance for name, one in _figure_sets(result).items()}
    chances["rank_1"] = result.everything.rank_1_chance
    if result.heard:
        chances["voice_map_moments"] = result.heard.moments.chance
        chances["voice_rank_1"] = result.heard.voice.rank_1_chance
    return chances | {name: one.chance for name, one in result.encoders.items()}


def _ranked_facts(figures: RankedFigures) -> dict[str, Any]:
    return {
        "mean_average_precision": figures.mean_average_precision.value,
        "interval": list(figures.mean_average_precision.interval),
        "chance": figures.chance,
        "rank_1": figures.rank_1,
        "precision_at_0_5": figures.precision_when_sure,
        "recall_at_0_5": figures.recall_when_sure,
        "cut_off": figures.cut_off,
        "per_identity": dict(figures.per_identity),
    }


def _encoder_facts(figures: EncoderFigures) -> dict[str, Any]:
    return {
        "mean_average_precision": figures.mean_average_precision.value,
        "interval": list(figures.mean_average_precision.interval),
        "chance": figures.chance,
        "queries": figures.queries,
        "gallery": figures.gallery,
    }


def _groups(result: SpineResult) -> dict[str, Any]:
    attributes = {identity: facts for one in result.films for identity, facts in one.film.attributes.items()}
    groups: dict[str, Any] = {"portrait_map_all": _group(result.everything, attributes)}
    if result.heard:
        groups["voice_map"] = _group(result.heard.voice, attributes)
    return groups


def _group(figures: RankedFigures, attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return group_means(figures.per_identity, attributes, figures.chance_per_identity)


def _counts(result: SpineResult) -> dict[str, int]:
    films = [one.film for one in result.films]
    truth = [tracklet for film in films for tracklet in film.tracklets]
    lines = [line for film in films for line in film.speech]
    counting = [tracklet for tracklet in truth if tracklet.counts]
    return {
        "films": len(films),
        "identities": len({tracklet.identity for tracklet in truth}),
        "portraits": sum(len(film.portraits) for film in films),
        "voices": sum(len(film.voices) for film in films),
        "truth_tracklets": len(truth),
        "truth_tracklets_counting": len(counting),
        "truth_tracklets_face_visible": sum(tracklet.face_visible for tracklet in counting),
        "truth_lines": len(lines),
        "truth_lines_off_screen": sum(line.tracklet is None and not line.dubbed for line in lines),
        "truth_lines_dubbed": sum(line.dubbed for line in lines),
        "lines_with_two_faces": result.linked.accuracy_lines,
        "off_screen_lines_asked": result.heard.off_screen.lines if result.heard and result.heard.off_screen else 0,
        "predicted_tracklets": sum(one.predicted_count for one in result.followed),
        "predicted_tracklets_of_somebody": result.assigned_count,
        "predicted_speech_alone": result.speech_count,
    }


def _query_facts(result: SpineResult) -> dict[str, Any]:
    kinds: dict[str, Any] = {}
    for kind in ("portrait", "voice"):
        asked = [one for one in result.answers if one.question.kind == kind and one.question.expand]
        if asked:
            latencies_ms = 1000 * np.array([answer.latency_s for answer in asked])
            kinds[kind] = {
                "asked": len(asked),
                "p50_ms": float(np.percentile(latencies_ms, 50)),
                "p95_ms": float(np.percentile(latencies_ms, 95)),
                "degraded": sum(answer.degraded for answer in asked),
                "full": sum(len(answer.hits) >= TOP_K for answer in asked),
                "refused": {one.question.file.path.name: one.refusal for one in asked if one.refusal},
            }
    return kinds


def _film_facts(result: SpineResult) -> list[dict[str, Any]]:
    return [
        {
            "name": one.film.name,
            "duration_s": one.film.duration_s,
            "ingest_s": one.wall_s,
            "real_time_factor": None if one.wall_s is None else one.film.duration_s / one.wall_s,
            "truth_tracklets": followed.truth_count,
            "covered": followed.covered_count,
            "switches": followed.switch_count,
            "predicted_tracklets": followed.predicted_count,
        }
        for one, followed in zip(result.films, result.followed, strict=True)
    ]


def interval_facts(figure: Estimate) -> dict[str, Any]:
    """Say between what a figure lies, and over what was drawn."""
    return {"low": figure.interval[0], "high": figure.interval[1], "drawn": figure.unit, "count": figure.count}


def estimate_facts(figure: Estimate) -> dict[str, Any]:
    """A figure with between what it lies."""
    return {"value": figure.value, **interval_facts(figure)}


def _value(figure: Estimate | None) -> float | None:
    return None if figure is None else figure.value


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def now() -> str:
    """Return the time, for a result file."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def rounded(value: Any) -> Any:
    """Round every number of a report."""
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return value
