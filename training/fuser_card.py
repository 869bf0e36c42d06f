"""The card of a pack of networks that fuse: what they take, what they learned from, what their cosines mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packs.fuser import FuserSettings
from packs.manifest import Pack

__all__ = ["write_fuser_card"]

CARD_FILE = "CARD.md"


def write_fuser_card(directory: Path, report: Mapping[str, Any]) -> Path:
    """Write `CARD.md` from the manifest and the figures of `metrics.json`. Returns its path."""
    pack = Pack.load(directory)
    parts = [_opening(pack, report["calibrated_on"]), *(_lines(one) for one in pack.manifest.fusers), _parity(report)]
    path = directory / CARD_FILE
    path.write_text("\n".join(parts), encoding="utf-8")
    return path


def _opening(pack: Pack, films: list[str]) -> str:
    learned = pack.manifest.fusers[0].card.pack
    sizes = {model.name: (pack.directory / model.file).stat().st_size / 1e6 for model in pack.manifest.models}
    served = "\n".join(
        f"| `{fuser.method}` | {fuser.model} | {sizes[fuser.model]:.1f} MB | "
        f"{', '.join(tensor.name for tensor in pack.models[fuser.model].inputs)} |"
        for fuser in pack.manifest.fusers
    )
    return f"""# Networks that fuse, version {pack.version}

They make one representation of the face, head, body and voice of a tracklet, and say how much each counts. They fuse
what the pack with the digest `{learned[:12]}` embeds, and nothing else. They learned from what that pack sees in films
of SynthCast, this project's own renderer of parametric people with synthetic voices. **No picture and no recording of a
real person was used, and they are not for real people.**

| method | network | file | takes |
|---|---|---|---|
{served}

Embeddings of length 1; `present` is 1 or 0; `quality` as ingest gives it, a voice's times how sure it is that who is
heard is who is seen. Out come `together`, of length 1, and `weights`, which sum to 1 and are exactly 0 on what is
missing.

The recipes (`training/recipes/association.toml`, `attention.toml`) name the films that were learned from; calibrated on
the films {", ".join(films)}. Digest of the manifest: `{pack.digest}`. Made by `tools/make_fusers.sh`.
What they are worth: `docs/decisions/2026-11-29-associative-network.md`.
"""


def _lines(fuser: FuserSettings) -> str:
    rows = []
    for one in fuser.card.calibrations:
        best, worst = one.calibration.logit(0.8, 1.0), one.calibration.logit(0.8, 0.2)
        half = one.calibration.cosine_at(0.5)
        rows.append(f"| {' + '.join(one.modalities)} | {half:.2f} | {best:+.1f} | {worst:+.1f} |")
    return "\n".join(
        [
            f"## What cosines of `{fuser.method}` mean\n",
            "Log-likelihood ratios in nats, by what both of a pair are represented by.\n",
            "| by | cosine of even odds | 0.8 at quality 1 | 0.8 at quality 0.2 |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _parity(report: Mapping[str, Any]) -> str:
    rows = [
        f"| {name} | {one['runtime']} | {one['compared']} | {one['worst_absolute']:.5f} | {one['least_cosine']:.6f} |"
        for name, figures in report["parity"].items()
        for one in figures
    ]
    heads = ["| network | runtime | rows | largest difference | least cosine |", "|---|---|---|---|---|"]
    return "\n".join(["## The files against torch\n", *heads, *rows, ""])
