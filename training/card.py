"""The card of a pack: what it is, what it was made of, what it is worth, what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packs.manifest import Pack
from training.card_encoders import activity_part, encoder_part, speaking_part, text_part

Report = Mapping[str, Any]


def write_card(directory: Path, report: Report) -> Path:
    """Write `CARD.md` from the figures of `metrics.json`. Returns its path."""
    pack = Pack.load(directory)
    test = report["test"]
    parts = [
        _opening(pack),
        _data(report["data"]),
        _models(pack),
        _detector(test["detector"]),
        *[encoder_part(name, test[name]) for name in ("face", "head", "body", "voice") if name in test],
        *([text_part(test["text"])] if "text" in test else []),
        *([speaking_part(test["speaking"])] if "speaking" in test else []),
        *([activity_part(test["voice_activity"])] if "voice_activity" in test else []),
        _evidence(report["calibration"]["evidence"]),
        _parity(report["parity"]),
        _closing(report["remarks"]),
    ]
    path = directory / "CARD.md"
    path.write_text("\n".join(parts))
    return path


def _opening(pack: Pack) -> str:
    return f"""# Demo pack, version {pack.version}

Small networks that make personsearch work end to end on one machine without a GPU: a detector of
faces, heads and persons, encoders of faces, bodies and voices, and voice activity. They were trained from
nothing on SynthCast, this project's own renderer of parametric people with synthetic voices. **No picture and no
recording of a real person was used, and the pack is not for pictures or recordings of real people**: what the figures
below say holds in the rendered world only.

Digest of the manifest: `{pack.digest}`. This page and `metrics.json` are written by the command at the end of it.
"""


def _data(data: Report) -> str:
    frames = [
        f"| {name} | {part['identities']} | {part['frames']} | {part['people']} |"
        for name, part in data.items()
        if "frames" in part
    ]
    voices = [
        f"| {name} | {part['identities']} | {part['clips']} | {part['with_speech']} | {part['minutes']} |"
        for name, part in data.items()
        if "clips" in part
    ]
    return "\n".join(
        [
            "## Data",
            "",
            "Frames of random scenes, five to a scene, with 2 to 10 people; closeups show one head each, and the "
            "face encoder learns from nothing else. Voices are clips of 0.7 to 4 s as films hold them: rooms, noise, "
            "music, loss of coding. The casts of train, val and test come from different seeds: no identity is in two "
            "of them. Networks learn from `train`; thresholds and calibration come from `val`; every figure below is "
            "from `test`.",
            "",
            "| frames | identities | frames | people in frames |",
            "|---|---|---|---|",
            *frames,
            "",
            "| voices | identities | clips | clips with speech | minutes |",
            "|---|---|---|---|---|",
            *voices,
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
            "over pairs of aggregated groups: one to four crops of different frames, one to three clips. Face pairs "
            "may differ in everything else; body pairs of one person are of one scene, and half of the pairs of two "
            "people are too; voice pairs differ in words, room and background; text pairs are of a sentence and a "
            "group of crops.",
            "",
            "| modality | slope | intercept | cosine at even odds | equal error rate | pairs same / other |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
            *_by_quality(evidence),
        ]
    )


def _by_quality(evidence: Report) -> list[str]:
    """Say which lines depend on how clear the weaker embedding is; those of the table are for the clearest."""
    said = [
        f"The line of {name} is fitted over tracklets of validation films, as ingest gives them, and depends on "
        f"quality q (0..1): slope {part['slope']:.2f} - (1 - q) {part['slope_by_quality']:.2f}, intercept "
        f"{part['intercept']:.2f} {-part['intercept_by_quality']:+.2f} (1 - q)"
        + (f"; q is the share of {part['clear_from']:g}, at most 1." if part.get("clear_from", 1.0) < 1.0 else ".")
        for name, part in evidence.items()
        if part.get("slope_by_quality")
    ]
    return [line for one in said for line in (one, "")]


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
            "inputs of `val`; for the detector, of proposals that score 0.3 and more, in pixels; for voice activity, "
            "of probabilities.",
            "",
            "| network | runtime | largest difference | 99 % keep | least cosine | rows |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _closing(remarks: Sequence[str]) -> str:
    text = """## Limits

- Rendered people and a formant synthesiser only; skin, age, sex and voice are parameters of generators, and the groups
  above measure their range, not mankind's.
- The face encoder takes unaligned boxes; profiles beyond 60 degrees are outside its figures.
- The body encoder tells clothes: it holds while they stay, and a uniform defeats it.
- The voice encoder knows one language and no shouting, whispering, singing or cold; speech under a second and music
  at the level of the voice cost it most. Two voices at once are one embedding of both.
- Voice activity takes a stranger's clear words in the background for speech; sung words were never heard.
- The same kinds of frames and clips trained and tested the networks. The figures on films are those of
  `python -m evaluation run`.

## Made by

    python -m training demo-pack --data DATA --out packs/demo

in the training environment. Recipes: `training/recipes/`. Each run is seeded, logs to TensorBoard, and
resumes after a kill.
"""
    return "\n".join([text, *[f"- {remark}" for remark in remarks], ""]) if remarks else text
