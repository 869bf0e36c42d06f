"""The card of a pack: what it is, what it was made of, what it is worth, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packs.manifest import Pack

Report = Mapping[str, Any]


def write_card(directory: Path, report: Report) -> Path:
    """Write `CARD.md` from the figures of `metrics.json`. Returns its path."""
    pack = Pack.load(directory)
    parts = [
        _opening(pack),
        _data(report["data"]),
        _models(pack),
        _detector(report["test"]["detector"]),
        *[_encoder(name, report["test"][name]) for name in ("face", "body") if name in report["test"]],
        _evidence(report["calibration"]["evidence"]),
        _parity(report["parity"]),
        _closing(report["remarks"]),
    ]
    path = directory / "CARD.md"
    path.write_text("\n".join(parts))
    return path


def _opening(pack: Pack) -> str:
    return f"""# Demo pack, version {pack.version}

Three small networks that make personsearch work end to end on one machine without a GPU: a detector of
faces, heads and persons, a face encoder and a body encoder. They were trained from
nothing on SynthCast, this project's own renderer of parametric people. **No photograph of a real person was used,
and the pack is not for photographs of real people**: what the figures below say holds in the rendered world only.

Digest of the manifest: `{pack.digest}`. This page and `metrics.json` are written by the command at the end of it.
"""


def _data(data: Report) -> str:
    rows = [f"| {name} | {part['identities']} | {part['frames']} | {part['people']} |" for name, part in data.items()]
    return "\n".join(
        [
            "## Data",
            "",
            "Independent frames of random scenes with 2 to 6 people. The three casts come from different seeds: "
            "no identity is in two sets. Networks learn from `train`; thresholds and calibration come from `val`; "
            "every figure below is from `test`.",
            "",
            "| set | identities | frames | people in frames |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _models(pack: Pack) -> str:
    rows = []
    for model in pack.models.values():
        size = pack.file_of(model).stat().st_size / 1e6
        inputs = "x".join(map(str, model.inputs[0].shape))
        rows.append(f"| `{model.name}` | {inputs} | {size:.1f} MB |")
    return "\n".join(["## Networks", "", "| network | input | file |", "|---|---|---|", *rows, ""])


def _detector(figures: Report) -> str:
    rows = [
        f"| {name} | {part['average_precision']:.3f} | {part['precision']:.3f} | {part['recall']:.3f} "
        f"| {part['boxes']} |"
        for name, part in figures["classes"].items()
    ]
    return "\n".join(
        [
            f"## Detector, {figures['frames']} frames",
            "",
            "AP at overlap 0.5; precision and recall at the score of highest F1. Persons less than 15 % visible, "
            "heads of persons less than 30 % visible, faces less than 40 % visible or narrower than 8 px at 640 px "
            "count neither way.",
            "",
            "| class | AP50 | precision | recall | boxes |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _encoder(name: str, figures: Report) -> str:
    task = {
        "face": "One face crop asks for the same person in all other frames (any clothes, light, pose); "
        "faces of 24 px and more, yaw up to 60 degrees.",
        "body": "One body crop asks for the same person in the same clothes in all other frames; "
        "the same person in other clothes counts neither way.",
    }[name]
    baselines = [("network", "network"), ("raw_pixels", "16x16 grey pixels"), ("colour_histogram", "colour histogram")]
    rows = [f"| {label} | {figures[key]['map']:.3f} | {figures[key]['rank1']:.3f} |" for key, label in baselines]
    split = [
        f"| {group.replace('_', ' ')} | {part['map']:.3f} | {part['rank1']:.3f} | {part['queries']} |"
        for group, part in figures["by_group"].items()
        if part["queries"]
    ]
    return "\n".join(
        [
            f"## {name.capitalize()} encoder, {figures['crops']} crops of {figures['identities']} people",
            "",
            task,
            "",
            "| by | mAP | rank-1 |",
            "|---|---|---|",
            *rows,
            "",
            "| queries (network) | mAP | rank-1 | queries |",
            "|---|---|---|---|",
            *split,
            "",
        ]
    )


def _evidence(evidence: Report) -> str:
    rows = [
        f"| {name} | {part['slope']:.2f} | {part['intercept']:.2f} | {part['cosine_at_half']:.3f} "
        f"| {part['equal_error']:.3f} | {part['positives']} / {part['negatives']} |"
        for name, part in evidence.items()
    ]
    return "\n".join(
        [
            "## Calibration",
            "",
            "log-odds of one person = slope * cosine + intercept, at prior 1/2, fitted by Platt's method on `val` "
            "over pairs of aggregated groups of one to four crops of different frames. Face pairs may differ in "
            "clothes, body pairs of one person never do.",
            "",
            "| modality | slope | intercept | cosine at even odds | equal error rate | pairs same / other |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _parity(parity: Report) -> str:
    rows = [
        f"| {name} | {row['runtime']} | {row['worst_absolute']} | {row['p99_absolute']} "
        f"| {row['least_cosine']} | {row['compared']} |"
        for name, runtimes in parity.items()
        for row in runtimes
    ]
    return "\n".join(
        [
            "## The files against torch",
            "",
            "Weights are stored as float16 and computed in float32. Distance to the float32 network on real "
            "inputs of `val`; for the detector, of proposals that score 0.3 and more, in pixels.",
            "",
            "| network | runtime | largest difference | 99 % keep | least cosine | rows |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _closing(remarks: Sequence[str]) -> str:
    text = """## Limits

- Rendered people only; skin, age and sex are parameters of the renderer, and the groups above measure its
  range, not mankind's.
- The face encoder takes unaligned boxes; profiles beyond 60 degrees are outside its figures.
- The body encoder tells clothes: it holds while they stay, and a uniform defeats it.
- The same kind of frames trained and tested the networks. The figures on films are those of
  `python -m evaluation run`.

## Made by

    python -m training demo-pack --data DATA --out packs/demo

in the training environment. Recipes: `training/recipes/`. Each run is seeded, logs to TensorBoard, and
resumes after a kill.
"""
    return "\n".join([text, *[f"- {remark}" for remark in remarks], ""]) if remarks else text
