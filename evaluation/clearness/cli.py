"""`python -m evaluation faces`: whether a face counts less as it is blurred and as it turns away."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from evaluation.clearness.samples import BLURS, YAWS_DEG, FaceSample, face_samples
from evaluation.clearness.tracklets import tracklet_curves
from evaluation.clearness.weights import Curve, Seen, curve_of, measured, trend_of
from evaluation.datasets.errors import DataError
from evaluation.datasets.store import read_search
from evaluation.fusers.fuser import Weighing
from evaluation.fusers.trained import packed_fusers
from evaluation.truth import load_film
from packs.errors import PackError
from packs.fusers import fusers_beside
from packs.manifest import Pack
from services.backends.fusers import NetworkRepresenter
from services.backends.inference.local import LocalInferenceBackend
from services.backends.vision import VisionModels
from services.runtime.settings import default_pack_dir

__all__ = ["faces_command", "measure_faces", "page_of_faces", "with_tracklets"]

# A batch on a machine that does other work too.
PATIENCE_S = 600.0


def faces_command(
    films: Annotated[list[Path], typer.Option("--films", exists=True, file_okay=False, help="Folders of films.")],
    json_path: Annotated[Path, typer.Option("--json", help="Where to write the result file; the page lies beside it.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[DIR]...", exists=True, file_okay=False)] = None,
    appearances: Annotated[
        list[Path] | None, typer.Option(exists=True, dir_okay=False, help="Read-backs of these films: tracklets too.")
    ] = None,
    pack: Annotated[Path | None, typer.Option(help="The pack that embeds; the demo pack.")] = None,
    fusers: Annotated[Path | None, typer.Option(help="Networks that fuse; those that go with the pack.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 2,
    require: Annotated[bool, typer.Option("--require", help="Exit with 1 when a weight does not fall.")] = False,
) -> None:
    """Blur faces of films and look at turned ones: their quality, and the weight that networks give them."""
    try:
        folders, pack_dir = [*films, *(more or [])], pack or default_pack_dir()
        report = asyncio.run(measure_faces(folders, pack_dir, fusers, threads))
        if appearances:
            report = with_tracklets(report, folders, appearances, Pack.load(pack_dir), fusers)
    except (DataError, PackError, ValueError) as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        raise typer.Exit(1) from error
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    page = page_of_faces(report)
    json_path.with_suffix(".md").write_text(page, encoding="utf-8")
    typer.echo(page)
    if require and not all(report["falls"]["associative"].values()):
        raise typer.Exit(1)


async def measure_faces(folders: Sequence[Path], pack_dir: Path, fusers: Path | None, threads: int) -> dict[str, Any]:
    """Measure over some films.

    Raises:
        PackError: If no networks go with the pack.
        ValueError: If no film shows a face.
    """
    pack = Pack.load(pack_dir)
    found = fusers_beside(pack, fusers)
    if found is None:
        raise PackError(f"no networks that fuse go with {pack.name} {pack.version}: give --fusers")
    encoding, fusing = (
        LocalInferenceBackend(one, threads=threads, deadline_s=PATIENCE_S) for one in (pack, found.pack)
    )
    vision = VisionModels(encoding, pack)
    networks = {str(method): NetworkRepresenter(fusing, fuser) for method, fuser in found.fusers.items()}
    blurred, turned = list[FaceSample](), list[FaceSample]()
    for folder in folders:
        more_blurred, more_turned = await asyncio.to_thread(face_samples, load_film(folder), vision)
        blurred, turned = blurred + more_blurred, turned + more_turned
    if not blurred or not turned:
        raise ValueError(f"{', '.join(map(str, folders))} show no face that is large enough and uncovered")
    by_blur, by_yaw = await measured(blurred, vision, networks), await measured(turned, vision, networks)
    seen = {"blur": by_blur["both"], "yaw": by_yaw["both"]}
    seen |= {"blur, length": by_blur["length"], "yaw, length": by_yaw["length"]}
    await encoding.aclose()
    await fusing.aclose()
    report = {kind: _report_of(one) for kind, one in seen.items()}
    return {
        "setting": {"pack": pack.digest, "fusers": found.pack.digest, "films": [folder.name for folder in folders]},
        "blur_share_of_width": list(BLURS),
        "yaw_deg": [list(pair) for pair in itertools.pairwise(YAWS_DEG)],
        **report,
        # What the product does; how it would be without `blur_tells` is no claim about it.
        "falls": {name: {kind: falls(report[kind], name) for kind in ("blur", "yaw")} for name in networks},
        "falls_by_length": {
            name: {kind: falls(report[f"{kind}, length"], name) for kind in ("blur", "yaw")} for name in networks
        },
    }


def with_tracklets(
    report: Mapping[str, Any], folders: Sequence[Path], appearances: Sequence[Path], pack: Pack, fusers: Path | None
) -> dict[str, Any]:
    """The report with what whole tracklets of read-backs weigh.

    Raises:
        DataError: If a file is no read-back.
        ValueError: If none shows a face of these films.
    """
    made = packed_fusers(Weighing.of(pack.calibration), pack.digest, fusers)
    searches = [read_search(path)[0].tracklets for path in appearances]
    films = [load_film(folder) for folder in folders]
    quality, weights = tracklet_curves(searches, films, dict(zip(report["falls"], made, strict=True)))
    kind = {"quality": _plain(quality), "weights": {name: _plain(curve) for name, curve in weights.items()}}
    fell = {name: dict(kinds) | {"tracklets": falls(kind, name)} for name, kinds in report["falls"].items()}
    return dict(report) | {"tracklets": kind, "falls": fell}


def falls(curves: Mapping[str, Any], name: str) -> bool:
    """Whether no step rises beyond chance, and the trend within tracklets falls beyond it.

    Where no tracklet has two conditions, the last mean must lie below the first by more than both intervals.
    """
    rows = list(curves["weights"][name].values())
    if any(row["step"] is not None and row["step"]["interval"][0] > 0.0 for row in rows):
        return False
    trend = curves.get("trends", {}).get(name)
    if trend is not None:
        return bool(trend["interval"][1] < 0.0)
    return bool(rows[-1]["mean"]["interval"][1] < rows[0]["mean"]["interval"][0])


def page_of_faces(report: Mapping[str, Any]) -> str:
    """The report for people, as Markdown."""
    films = ", ".join(report["setting"]["films"])
    lines = [f"# How much a face counts\n\nFilms {films}; means over people with 95 % bootstrap intervals.\n"]
    names = list(report["falls"])
    titles = {
        "blur": ("Blur, as a share of the face's width", [f"{share:.2f}" for share in report["blur_share_of_width"]]),
        "yaw": ("Turned away, degrees", [f"{least:.0f} to {most:.0f}" for least, most in report["yaw_deg"]]),
    }
    for kind in ("blur", "yaw"):
        titles[f"{kind}, length"] = (f"{titles[kind][0]}, by the length of the embedding alone", titles[kind][1])
    titles["tracklets"] = ("Whole tracklets, turned away in their best frames, degrees", titles["yaw"][1])
    for kind, (title, labels) in titles.items():
        if kind not in report:
            continue
        heads = [title, "faces", "quality", *(f"weight, {name}" for name in names), "change, " + names[0]]
        lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        for key, row in report[kind]["quality"].items():
            cells = [labels[int(key)], str(row["faces"]), _figure(row["mean"])]
            cells += [_figure(report[kind]["weights"][name][key]["mean"]) for name in names]
            step = report[kind]["weights"][names[0]][key]["step"]
            lines.append("| " + " | ".join([*cells, "" if step is None else _figure(step)]) + " |")
        trends = {name: trend for name, trend in report[kind].get("trends", {}).items() if trend is not None}
        said = "; ".join(f"{name} {trend['value']:.4f} {_between(trend)}" for name, trend in trends.items())
        lines += ["", *([f"Change of the weight from row to row, within tracklets: {said}.", ""] if said else [])]
    told = f"Falls: {_fell(report['falls'])}. Without `blur_tells`: {_fell(report['falls_by_length'])}."
    return "\n".join([*lines, told, ""])


def _fell(falls_of: Mapping[str, Mapping[str, bool]]) -> str:
    return "; ".join(
        f"{name}: {kind} {'yes' if fell else 'no'}" for name, kinds in falls_of.items() for kind, fell in kinds.items()
    )


def _report_of(seen: Seen) -> dict[str, Any]:
    weights = {name: _plain(curve_of(values, seen.samples)) for name, values in seen.weights.items()}
    trends = {name: trend_of(values, seen.samples) for name, values in seen.weights.items()}
    told = {name: None if trend is None else asdict(trend) for name, trend in trends.items()}
    return {"quality": _plain(curve_of(seen.quality, seen.samples)), "weights": weights, "trends": told}


def _plain(curve: Curve) -> dict[str, Any]:
    return {str(condition): asdict(one) | {"falls": one.falls} for condition, one in curve.items()}


def _between(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["interval"]
    return f"({low:.4f} to {high:.4f})"


def _figure(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["interval"]
    return f"{estimate['value']:.3f} ({low:.3f} to {high:.3f})"
