"""`python -m export int8`: 8-bit networks for the CPU. Needs onnx, onnxruntime and openvino."""

from __future__ import annotations

import json
from pathlib import Path

from export.engine_store import Say
from export.int8_pack import Decision, int8_pack
from export.samples import read_samples
from export.validation import measure_from_arrays
from packs.manifest import Pack


def quantise(pack: Path, samples: Path, validation: Path, out: Path, precision: str, say: Say) -> list[Decision]:
    """Make the pack, say what was decided, and write the figures beside it."""
    measure = measure_from_arrays(read_samples(validation), precision)
    decisions = int8_pack(Pack.load(pack), read_samples(samples), measure, out)
    for decision in decisions:
        speeds = ""
        if decision.before and decision.after:
            speeds = f"; {decision.before.rows_per_s:.0f} rows/s before, {decision.after.rows_per_s:.0f} after"
        say(f"{decision.model}: {'INT8' if decision.kept else 'as it was'} ({decision.reason}{speeds})")
    figures = {decision.model: decision.as_json() for decision in decisions}
    (out / "int8.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    return decisions
