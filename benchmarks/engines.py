"""How fast encoders are as they are served, against ONNX Runtime: ``python -m benchmarks.engines [--pack DIR]``.

One thread each, the same files, the same inputs, all in one run: the runtimes take turns, many short ones, so that what
else the machine does meets all of them. Beside the engine that serves (`packs.engine`: OpenVINO, in bfloat16 where the
CPU multiplies it) stand OpenVINO in float32, and with ``--int8`` the networks of a pack that `python -m export int8`
made. With ``--labelled`` (`benchmarks.labelled`) inputs are real, and each runtime's mAP on them is beside its speed.

Prints a line of JSON for each encoder and batch: images a second, or seconds of sound a second (a window every hop), by
the clock and by the CPU time that was used (what it would be on a free machine), and how often as fast as ONNX Runtime
and as what serves it was in the same turn, by CPU time: the median of the turns, and between what eight of ten lie.
Needs onnxruntime (the training environment).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from export.distances import row_cosines
from export.retrieval import mean_average_precision
from export.samples import feed_of, noise_of, read_samples, tiled
from packs.engine import Engine
from packs.manifest import Pack
from packs.spec import ModelSpec, SoundPreprocessing

Feed = Mapping[str, Any]
Run = Callable[[Feed], Mapping[str, Any]]
FRAME_S = 0.01
BASE = "onnxruntime-f32"
RATIOS = ("times_onnxruntime", "times_served")
EMBED_BATCH = 16


@dataclass(slots=True)
class Turns:
    """What one runtime needed: seconds a row of each of its turns, by the clock and of the CPU."""

    run: Run
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    def take(self, feed: Feed, rows: int, times: int) -> None:
        """Run so often, and note it."""
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(times):
            self.run(feed)
        self.cpu_s.append((time.process_time() - cpu) / (times * rows))
        self.wall_s.append((time.perf_counter() - wall) / (times * rows))


def runtimes(spec: ModelSpec, pack: Pack, int8: Pack | None) -> dict[str, Run]:
    """Everything that runs a model here, each with one thread; the first is what the others are compared with."""
    path = pack.file_of(spec)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in spec.outputs]
    served = Engine(path, threads=1, precision=spec.arithmetic)
    found: dict[str, Run] = {BASE: lambda feed: dict(zip(names, session.run(names, dict(feed)), strict=True))}
    found[f"served-{served.precision}"] = served.run
    if served.precision != "f32":
        found["openvino-f32"] = Engine(path, threads=1, precision="f32").run
    other = int8.models.get(spec.name) if int8 else None
    if int8 is not None and other is not None and other.sha256 != spec.sha256:
        found["int8"] = Engine(int8.file_of(other), threads=1, precision=spec.arithmetic).run
    return found


def unit_of(spec: ModelSpec) -> tuple[str, float]:
    """What is counted, and how much of it a row is."""
    how = spec.preprocessing
    if isinstance(how, SoundPreprocessing):
        return "seconds of sound", how.hop * FRAME_S
    return ("sentences" if spec.inputs[0].dtype.startswith("INT") else "images"), 1.0


def speeds(runs: Mapping[str, Run], feed: Feed, batch: int, turns: int, turn_s: float) -> dict[str, Turns]:
    """Let the runtimes take turns of about `turn_s` seconds each."""
    part = {name: values[:batch] for name, values in feed.items()}
    made, times = {}, {}
    for name, run in runs.items():
        made[name] = Turns(run)
        run(part)  # makes the memory that later runs reuse
        began = time.process_time()
        run(part)
        times[name] = max(1, round(turn_s / max(time.process_time() - began, 1e-6)))
    for turn in range(turns):
        # Nobody is always first.
        for name in sorted(runs, key=lambda one: (list(runs).index(one) + turn) % len(runs)):
            made[name].take(part, batch, times[name])
    return made


def figures_of(made: Mapping[str, Turns], row: float) -> dict[str, Any]:
    """Speeds of each runtime, and how often as fast as ONNX Runtime and as what serves it was, turn by turn."""
    served = next(turns for name, turns in made.items() if name.startswith("served-"))
    return {
        name: {
            "per_s": round(row / float(np.median(turns.wall_s)), 1),
            "per_cpu_s": round(row / float(np.median(turns.cpu_s)), 1),
            "times_onnxruntime": _times(made[BASE], turns),
            "times_served": _times(served, turns),
        }
        for name, turns in made.items()
    }


def _times(base: Turns, turns: Turns) -> list[float]:
    ratios = np.array(base.cpu_s) / np.array(turns.cpu_s)
    return [round(float(value), 2) for value in np.quantile(ratios, (0.1, 0.5, 0.9))]


def retrieval(spec: ModelSpec, runs: Mapping[str, Run], feed: Feed, identity: Any) -> dict[str, dict[str, float]]:
    """The mAP of each runtime, and its least cosine with ONNX Runtime."""
    output, rows = spec.outputs[0].name, len(identity)
    step = min(EMBED_BATCH, spec.max_batch)
    found = {}
    for name, run in runs.items():
        parts = [run({n: v[s : s + step] for n, v in feed.items()})[output] for s in range(0, rows, step)]
        found[name] = np.concatenate(parts)
    return {
        name: {
            "map": round(mean_average_precision(rows, identity), 4),
            "least_cosine": round(float(row_cosines(rows, found[BASE]).min()), 5),
        }
        for name, rows in found.items()
    }


def table_of(lines: Sequence[Mapping[str, Any]]) -> str:
    """The lines as a table in Markdown."""
    headings = ("model", "batch", "runtime", "in a CPU second", "against ONNX Runtime", "against what serves", "mAP")
    rows = [headings, tuple("---" for _ in headings)]
    for line in lines:
        for name, figures in line["runtimes"].items():
            speed = f"{figures['per_cpu_s']:g} {line['unit']}"
            ratios = [f"{m:g} ({low:g} to {high:g})" for low, m, high in (figures[key] for key in RATIOS)]
            shown = str(line.get("retrieval", {}).get(name, {}).get("map", ""))
            rows.append((f"`{line['model']}`", str(line["batch"]), name, speed, *ratios, shown))
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure each encoder and print a line of JSON for each batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=Path("packs/demo"), help="a model pack")
    parser.add_argument("--int8", type=Path, help="the pack that `python -m export int8` made of it")
    parser.add_argument("--labelled", type=Path, help="npz of `benchmarks.labelled`; without it inputs are noise")
    parser.add_argument("--model", action="append", help="only this model; may be repeated")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16], help="rows of one run")
    parser.add_argument("--turns", type=int, default=25, help="turns of each runtime")
    parser.add_argument("--turn-s", type=float, default=0.2, help="about how long a turn is, in seconds")
    parser.add_argument("--markdown", type=Path, help="also write a table")
    options: Any = parser.parse_args(arguments)
    pack = Pack.load(options.pack)
    int8 = Pack.load(options.int8) if options.int8 else None
    arrays = read_samples(options.labelled) if options.labelled else {}
    lines: list[dict[str, Any]] = []
    for name in options.model or pack.models:
        spec = pack.model(name)
        runs, real = runtimes(spec, pack, int8), feed_of(spec, arrays)
        known = arrays.get(f"{name}.identity")
        found = {} if real is None or known is None else retrieval(spec, runs, real, known)
        unit, row = unit_of(spec)
        for batch in sorted({min(size, spec.max_batch) for size in options.batches}):
            made = speeds(runs, tiled(real or noise_of(spec), batch), batch, options.turns, options.turn_s)
            line = {"model": name, "batch": batch, "unit": unit, "inputs": "real" if real else "noise"}
            lines.append(line | {"runtimes": figures_of(made, row)} | ({"retrieval": found} if found else {}))
            print(json.dumps(lines[-1]), flush=True)
    if options.markdown:
        options.markdown.write_text(table_of(lines))


if __name__ == "__main__":
    main()
