"""The result file (JSON, for comparing runs) and its readable twin (Markdown)."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from typing import Any

import numpy as np

from evaluation.asking import Answer
from evaluation.groups import group_means
from evaluation.portraits import PortraitFigures
from evaluation.protocols.spine import BOUNDS, SpineResult
from evaluation.stack import Stack
from packs.manifest import Pack

__all__ = ["markdown_from_report", "report_of_spine"]

SCHEMA = "personsearch-evaluation/1"
DIGITS = 4
PACKAGES = ("grpcio", "milvus-lite", "numpy", "openvino", "personsearch", "pymilvus", "redis", "tritonclient")


def report_of_spine(result: SpineResult, stack: Stack, pack: Pack) -> dict[str, Any]:
    """Return the result file's content; the headline figures stand at the top level."""
    report: dict[str, Any] = {"schema": SCHEMA, "protocol": "spine", "time": _now()}
    report |= result.headline()
    report |= {
        "tracklet_precision": _tracklet_precision(result),
        "rank_1": result.everything.rank_1,
        "precision_at_0_5": result.everything.precision_when_sure,
        "recall_at_0_5": result.everything.recall_when_sure,
        "calibration_error": result.calibration_error,
        "calibration_error_likely": result.calibration_error_likely,
        "requirements": result.verdicts(),
        "details": {name: _portrait_facts(figures) for name, figures in _figure_sets(result).items()},
        "by_group": group_means(result.everything.per_identity, _attributes(result)),
        "counts": _counts(result),
        "queries": _query_facts(result.answers),
        "films": _film_facts(result),
        "setting": _setting(stack, pack),
    }
    rounded: dict[str, Any] = _rounded(report)
    return rounded


def markdown_from_report(report: dict[str, Any]) -> str:
    """Write a report as a page for people."""
    lines = ["# Protocol `spine`", "", "| figure | value | asked for |", "|---|---|---|"]
    asked = {name: f"{sign} {bound}" for name, sign, bound in BOUNDS}
    asked["portrait_map_all"] = "above portrait_map_all_face_only"
    names = [*asked, "portrait_map_all_face_only", "tracklet_precision", "rank_1"]
    names += ["precision_at_0_5", "recall_at_0_5", "calibration_error"]
    lines += [f"| {name} | {report[name]} | {asked.get(name, '')} |" for name in names]
    lines += ["", "| set of relevant tracklets | mAP | 95 % interval | chance |", "|---|---|---|---|"]
    for name, facts in report["details"].items():
        low, high = facts["interval"]
        lines.append(f"| {name} | {facts['mean_average_precision']} | {low} to {high} | {facts['chance']} |")
    lines += ["", "| film | length, s | ingest, s | times real time | truth | covered | switches |", "|" + "---|" * 7]
    for film in report["films"]:
        cells = ("name", "duration_s", "ingest_s", "real_time_factor", "truth_tracklets", "covered", "switches")
        lines.append("| " + " | ".join(str(film[cell]) for cell in cells) + " |")
    lines += ["", "| group | mAP | identities |", "|---|---|---|"]
    for grouping, groups in report["by_group"].items():
        lines += [f"| {grouping}: {name} | {facts['mean']} | {facts['identities']} |" for name, facts in groups.items()]
    setting = report["setting"]
    lines += ["", f"Pack {setting['pack']['name']} {setting['pack']['version']} ({setting['pack']['digest'][:12]}), "]
    lines[-1] += f"inference {setting['inference']}, {setting['cpus']} CPUs, {report['time']}."
    return "\n".join(lines) + "\n"


def _figure_sets(result: SpineResult) -> dict[str, PortraitFigures]:
    return {"face_visible": result.face_visible, "all": result.everything, "all_face_only": result.face_only}


def _tracklet_precision(result: SpineResult) -> float | None:
    predicted_count = sum(one.predicted_count for one in result.followed)
    return sum(one.paired_count for one in result.followed) / predicted_count if predicted_count else None


def _portrait_facts(figures: PortraitFigures) -> dict[str, Any]:
    return {
        "mean_average_precision": figures.mean_average_precision,
        "interval": list(figures.interval),
        "chance": figures.chance,
        "rank_1": figures.rank_1,
        "precision_at_0_5": figures.precision_when_sure,
        "recall_at_0_5": figures.recall_when_sure,
        "per_identity": dict(figures.per_identity),
    }


def _counts(result: SpineResult) -> dict[str, int]:
    truth = [tracklet for one in result.films for tracklet in one.film.tracklets]
    return {
        "films": len(result.films),
        "identities": len({tracklet.identity for tracklet in truth}),
        "portraits": len(result.answers),
        "truth_tracklets": len(truth),
        "truth_tracklets_counting": sum(tracklet.counts for tracklet in truth),
        "truth_tracklets_face_visible": sum(tracklet.counts and tracklet.face_visible for tracklet in truth),
        "predicted_tracklets": sum(one.predicted_count for one in result.followed),
        "predicted_tracklets_of_somebody": result.assigned_count,
    }


def _query_facts(answers: tuple[Answer, ...]) -> dict[str, Any]:
    latencies_ms = 1000 * np.array([answer.latency_s for answer in answers])
    return {
        "p50_ms": float(np.percentile(latencies_ms, 50)),
        "p95_ms": float(np.percentile(latencies_ms, 95)),
        "degraded": sum(answer.degraded for answer in answers),
        "refused": {str(answer.portrait.path.name): answer.refusal for answer in answers if answer.refusal},
    }


def _film_facts(result: SpineResult) -> list[dict[str, Any]]:
    return [
        {
            "name": one.film.name,
            "duration_s": one.film.duration_s,
            "ingest_s": one.wall_s,
            "real_time_factor": one.film.duration_s / one.wall_s,
            "truth_tracklets": followed.truth_count,
            "covered": followed.covered_count,
            "switches": followed.switch_count,
            "predicted_tracklets": followed.predicted_count,
        }
        for one, followed in zip(result.films, result.followed, strict=True)
    ]


def _setting(stack: Stack, pack: Pack) -> dict[str, Any]:
    return {
        "pack": {"name": pack.name, "version": pack.version, "digest": pack.digest},
        "inference": stack.endpoints.inference,
        "own_stack": stack.own,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _attributes(result: SpineResult) -> dict[str, Any]:
    return {identity: facts for one in result.films for identity, facts in one.film.attributes.items()}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return value
