"""From a pack to a Triton model repository for one target, each configuration read back with Triton's own schema.

<out>/<model>/config.pbtxt
<out>/<model>/1/model.plan            tensorrt; model_cc89.plan ... where engines of several GPUs are given
<out>/<model>/1/model.onnx            onnxruntime, cpu
<out>/<model>/1/model.py, engine.py   cpu
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from export.engine_options import EngineError
from export.engine_store import EngineStore, StoredEngine
from export.triton_schema import read_back
from packs.errors import PackError
from packs.manifest import Pack
from packs.spec import ModelSpec
from packs.triton_config import VERSION, WEIGHTS, ServingOptions, Target, render_config

ROOT = Path(__file__).resolve().parents[1]
MODEL_FILE = ROOT / "model_repository" / "model.py"
ENGINE_FILE = ROOT / "packs" / "engine.py"


@dataclass(frozen=True, slots=True)
class RepositoryOptions:
    """How a repository is written.

    Attributes:
        serving: Instances and queues.
        engines: Store of the engines, for the `tensorrt` target.
        precision: Of the engines.
        without_engines: Write configurations of the `tensorrt` target where no engines are.
        copy: Copy files rather than link them, for a repository that moves elsewhere.
        model_file: The shared ``model.py`` of the `cpu` target.
    """

    serving: ServingOptions = field(default_factory=ServingOptions)
    engines: EngineStore | None = None
    precision: str = "fp16"
    without_engines: bool = False
    copy: bool = False
    model_file: Path = MODEL_FILE


def repository_from_pack(pack: Pack, target: Target, out: Path, options: RepositoryOptions) -> list[Path]:
    """Write a repository; what else lies in the folder is left alone.

    Args:
        pack: What is served.
        target: What runs it inside Triton.
        out: Folder of the repository.
        options: See `RepositoryOptions`.

    Returns:
        The configurations, one for each network, in the order of the pack.

    Raises:
        EngineError: If engines of the `tensorrt` target are missing or ambiguous. Nothing is written then.
        packs.errors.PackError: If a file of the pack is absent.
        export.triton_schema.ConfigError: If Triton would read something else than the spec declares.
    """
    engines = _engines(pack, options) if target is Target.TENSORRT else {}
    written = []
    for spec in pack.models.values():
        config = out / spec.name / "config.pbtxt"
        version = config.parent / VERSION
        version.mkdir(parents=True, exist_ok=True)
        plans = _plan_names(engines.get(spec.name, []))
        config.write_text(render_config(spec, options.serving, target, plans))
        for name, file in _files(pack, spec, target, engines.get(spec.name, []), options).items():
            _put(version / name, file, copy=options.copy)
        read_back(config, spec)
        written.append(config)
    return written


def _files(
    pack: Pack, spec: ModelSpec, target: Target, engines: Sequence[StoredEngine], options: RepositoryOptions
) -> dict[str, Path]:
    """The files of a version directory: source by name."""
    if target is Target.TENSORRT:
        names = _plan_names(engines) or {engine.key.compute_capability: WEIGHTS[target] for engine in engines}
        return {names[engine.key.compute_capability]: engine.plan for engine in engines}
    files = {WEIGHTS[target]: pack.file_of(spec)}
    if target is Target.CPU:
        files |= {"model.py": options.model_file, "engine.py": ENGINE_FILE}
    return files


def _plan_names(engines: Sequence[StoredEngine]) -> dict[str, str]:
    """File by compute capability; empty where one file serves, or none is there."""
    if len(engines) < 2:
        return {}
    capabilities = [engine.key.compute_capability for engine in engines]
    return {capability: f"model_cc{capability.replace('.', '')}.plan" for capability in capabilities}


def _engines(pack: Pack, options: RepositoryOptions) -> dict[str, list[StoredEngine]]:
    found: Mapping[str, list[StoredEngine]] = {name: [] for name in pack.models}
    for engine in options.engines.engines() if options.engines else []:
        spec = pack.models.get(engine.record["model"])
        wanted = spec is not None and engine.record["source_sha256"] == spec.sha256
        if spec is not None and wanted and engine.record["precision"] == options.precision:
            _check_batches(engine, spec)
            found[spec.name].append(engine)
    missing = [name for name, engines in found.items() if not engines]
    if missing and not options.without_engines:
        raise EngineError(
            f"no {options.precision} engines for {', '.join(missing)} of pack {pack.name} {pack.version}: build them "
            f"on the GPU that serves, with `python -m export engine --pack {pack.directory} --precision "
            f"{options.precision} --store ENGINES`, and give --engines ENGINES; or give --without-engines to write the "
            "configurations alone"
        )
    _check_unambiguous(found)
    return dict(found)


def _check_batches(engine: StoredEngine, spec: ModelSpec) -> None:
    for tensor in spec.inputs:
        least, _, most = engine.record["profiles"][tensor.name]
        if least[0] > 1 or most[0] < spec.max_batch:
            raise EngineError(
                f"{engine.plan} takes {least[0]} to {most[0]} rows of {tensor.name}, services send 1 to "
                f"{spec.max_batch}: build it again"
            )


def _check_unambiguous(found: Mapping[str, Sequence[StoredEngine]]) -> None:
    for name, engines in found.items():
        by_capability: dict[str, list[str]] = {}
        for engine in engines:
            by_capability.setdefault(engine.key.compute_capability, []).append(str(engine.directory))
        several = {capability: paths for capability, paths in by_capability.items() if len(paths) > 1}
        if several:
            raise EngineError(
                f"several engines of {name} for one compute capability, and Triton can tell no finer: {several}; "
                "move those that are not to be served out of the store"
            )


def _put(target: Path, source: Path, *, copy: bool) -> None:
    if not source.is_file():
        raise PackError(f"cannot serve {target.parent.parent.name}: {source} is absent; restore the pack")
    target.unlink(missing_ok=True)
    if copy:
        shutil.copyfile(source, target)
    else:
        target.symlink_to(source.absolute())
