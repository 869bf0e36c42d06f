"""`python -m export verify`: everything that can run a pack's networks, compared. Needs onnx and openvino at least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.engine_store import EngineStore, Say
from export.output_parity import Strictness
from export.runners import Runner, torch_runner, triton_runner
from export.samples import AnyArray, read_samples
from export.tensorrt_graph import Precision
from export.verify import (
    Contender,
    ModelReport,
    recorded,
    reference_answers,
    strictness_of,
    summary,
    verify_model,
    write_report,
)
from packs.manifest import Pack
from packs.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What the command line asks for.

    Attributes:
        pack: Folder of the pack.
        models: Networks; all when empty.
        checkpoints: Trained weights, which make torch the reference.
        samples: Real inputs.
        reference: Answers that were recorded elsewhere.
        keep_reference: File to record the reference's answers in.
        precisions: Graphs to convert and run here.
        engines: Store whose engines of this GPU are run too.
        triton: Address of a running Triton.
        report: File for the figures.
    """

    pack: Path
    models: Sequence[str] = ()
    checkpoints: Sequence[Path] = ()
    samples: Path | None = None
    reference: Path | None = None
    keep_reference: Path | None = None
    precisions: Sequence[str] = ()
    engines: Path | None = None
    triton: str | None = None
    report: Path | None = None


def verify(request: VerifyRequest, say: Say) -> bool:
    """Compare, say a line for each network, write the report. Whether everything holds."""
    pack = Pack.load(request.pack)
    pack.verify()
    arrays = read_samples(request.samples) if request.samples else {}
    known = read_samples(request.reference) if request.reference else {}
    graphs = _torch_runners(request.checkpoints, pack)
    precisions = [Precision(word) for word in request.precisions]
    kept: dict[str, AnyArray] = {}
    reports = []
    for name in request.models or pack.models:
        spec = pack.model(name)
        mine, reference = arrays, None
        if name in graphs:
            reference = Contender("torch-f32", graphs[name], Strictness.EXACT)
            kept |= reference_answers(spec, arrays, graphs[name])
        elif (found := recorded(spec, known)) is not None:
            mine, reference = found
        others = _others(request, pack, spec)
        reports.append(verify_model(pack, spec, mine, reference=reference, others=others, precisions=precisions))
        _tell(reports[-1], say)
    if request.keep_reference:
        np.savez(request.keep_reference, allow_pickle=False, **kept)
    if request.report:
        write_report(request.report, pack, reports)
    return all(report.holds for report in reports)


def _tell(report: ModelReport, say: Say) -> None:
    say(summary(report))
    for figure in report.figures:
        if not figure.within:
            say(f"  {figure.runtime} {figure.output} batch {figure.batch}: {figure.passing}, allowed {figure.allowed}")
    for line in (*report.faults, *report.left_out):
        say(f"  {line}")


def _torch_runners(checkpoints: Sequence[Path], pack: Pack) -> dict[str, Runner]:
    if not checkpoints:
        return {}
    from export.specs import served_models
    from models.checkpoints import PRESETS, WORD_PRESETS, network_from_checkpoint, read_checkpoint

    runners = {}
    for path in checkpoints:
        checkpoint = read_checkpoint(path)
        network = network_from_checkpoint(checkpoint, checkpoint.preset, PRESETS | WORD_PRESETS)
        for model in served_models(checkpoint.preset, network):
            runners[model.spec.name] = torch_runner(model.graph, pack.model(model.spec.name))
    return runners


def _others(request: VerifyRequest, pack: Pack, spec: ModelSpec) -> list[Contender]:
    others = []
    if request.triton:
        # What serves there may compute in bfloat16 or FP16.
        others.append(Contender("triton", triton_runner(request.triton, spec), Strictness.REDUCED))
    if request.engines:
        others += _engines(EngineStore(request.engines), spec)
    return others


def _engines(store: EngineStore, spec: ModelSpec) -> list[Contender]:
    from export.engine_key import engine_key
    from export.engine_runner import TorchMemory, engine_runner
    from export.tensorrt_api import load_tensorrt

    trt, memory = load_tensorrt(), TorchMemory()
    key = engine_key(str(trt.__version__))
    found = []
    for engine in store.engines():
        if engine.key == key and engine.record["source_sha256"] == spec.sha256:
            precision = Precision(engine.record["precision"])
            trusted = bool(engine.record["options"]["version_compatible"])
            run = engine_runner(trt, memory, engine.plan, spec, host_code=trusted)
            found.append(Contender(f"engine-{precision}", run, strictness_of(precision)))
    return found
