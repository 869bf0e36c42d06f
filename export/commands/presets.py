"""`python -m export presets`: every small preset as a pack. Needs torch, onnx and onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from export.engine_store import Say
from export.preset_pack import REFERENCE, write_presets
from packs.manifest import Pack


def write(out: Path, only: Sequence[str], seed: int, say: Say) -> Pack:
    """Write the pack and torch's answers, and say what is there and what serves it."""
    pack, figures = write_presets(out, only, seed)
    for spec in pack.models.values():
        inputs = ", ".join(f"{t.name} {t.dtype}{list(t.shape)}" for t in spec.inputs)
        outputs = ", ".join(f"{t.name}{list(t.shape)}" for t in spec.outputs)
        say(f"{spec.name}: {inputs} -> {outputs}, up to {spec.max_batch} rows")
    say(f"{len(pack.models)} networks, {len(figures)} outputs agree with torch in ONNX Runtime; {out / REFERENCE}")
    say(f"in the serving environment: python -m evaluation presets --pack {out}")
    return pack
