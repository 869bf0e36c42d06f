"""`python -m export repository`: what Triton serves. Needs `tritonclient[grpc]` and nothing of torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from export.engine_store import EngineStore
from export.repository_from_pack import MODEL_FILE, RepositoryOptions, repository_from_pack
from packs.manifest import Pack
from packs.triton_config import ServingOptions, Target


@dataclass(frozen=True, slots=True)
class RepositoryRequest:
    """What the command line asks for; see `RepositoryOptions` and `ServingOptions`."""

    pack: Path
    out: Path
    target: str
    engines: Path | None = None
    precision: str = "fp16"
    without_engines: bool = False
    copy: bool = False
    instances: int = 1
    queue_delay_us: int = 0


def write(request: RepositoryRequest) -> list[Path]:
    """Write the repository. Its configurations."""
    options = RepositoryOptions(
        serving=ServingOptions(instances=request.instances, queue_delay_us=request.queue_delay_us),
        engines=EngineStore(request.engines) if request.engines else None,
        precision=request.precision,
        without_engines=request.without_engines,
        copy=request.copy,
        model_file=MODEL_FILE,
    )
    return repository_from_pack(Pack.load(request.pack), Target(request.target), request.out, options)
