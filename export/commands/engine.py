"""`python -m export engine`: engines for this GPU. Needs TensorRT, onnx and, for INT8 and FP8, onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.build_engines import Build, build_engines
from export.engine_key import engine_key
from export.engine_options import EngineOptions
from export.engine_store import EngineStore, Say, StoredEngine
from export.samples import feed_of, read_samples
from export.tensorrt_api import load_tensorrt
from export.tensorrt_graph import Precision
from packs.manifest import Pack


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """What the command line asks for.

    Attributes:
        pack: Folder of the pack.
        store: Folder of the engines.
        models: Networks; all when empty.
        precision: `fp32`, `fp16`, `int8` or `fp8`.
        samples: Inputs to calibrate on.
        device: Index of the GPU.
        options: How the builder is set.
    """

    pack: Path
    store: Path
    models: Sequence[str]
    precision: str
    samples: Path | None
    device: int
    options: EngineOptions


def build(request: EngineRequest, say: Say) -> list[StoredEngine]:
    """Build what is asked for and is not there yet."""
    trt = load_tensorrt()
    pack = Pack.load(request.pack)
    arrays = read_samples(request.samples) if request.samples else {}
    feeds = {name: feed for name, spec in pack.models.items() if (feed := feed_of(spec, arrays)) is not None}
    how = Build(Precision(request.precision), request.options, engine_key(str(trt.__version__), request.device))
    models = list(request.models or pack.models)
    return build_engines(trt, pack, models, how, EngineStore(request.store), samples=feeds, say=say)
