"""Which children a machine's stack has, and what each is told, from the settings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packs.fusers import FuserPack, fusers_beside
from packs.manifest import Pack
from services.runtime.ports import free_ports
from services.runtime.settings import StackSettings, variable
from services.supervisor.child import SOURCE_ROOT, ChildSpec, python_environment
from services.supervisor.probes import grpc_health_probe
from services.supervisor.state import Endpoints
from services.supervisor.stores import milvus_child, redis_child
from services.supervisor.triton import TritonInstallation, triton_child

SERVICE_STOP_S = 15.0
# Started before the services, and stopped after them.
FOUNDATIONS = ("milvus", "redis", "triton")


@dataclass(frozen=True, slots=True)
class Plan:
    """Addresses of everything that one stack runs or uses. A port of None means that somebody else runs it.

    Attributes:
        settings: What was asked for.
        pack: The active pack.
        fusers: Networks that fuse what it embeds; None where there are none.
        search: Address of the search service.
        ingest: Address of the ingest service.
        milvus_port: Port of our Milvus Lite.
        redis_port: Port of our Redis.
        triton_port: Port of our Triton.
    """

    settings: StackSettings
    pack: Pack
    fusers: FuserPack | None
    search: str
    ingest: str
    milvus_port: int | None
    redis_port: int | None
    triton_port: int | None

    @property
    def milvus_uri(self) -> str:
        """Where the record is."""
        return self.settings.milvus.uri or f"http://127.0.0.1:{self.milvus_port}"

    @property
    def redis_url(self) -> str:
        """Where the cache is."""
        return self.settings.redis.url or f"redis://127.0.0.1:{self.redis_port}/0"

    def endpoints(self, inference: str, triton_address: str | None) -> Endpoints:
        """What is told to others."""
        return Endpoints(
            search_address=self.search,
            ingest_address=self.ingest,
            triton_address=triton_address,
            milvus_uri=self.milvus_uri,
            redis_url=self.redis_url,
            media_uri=self.settings.media_uri,
            inference=inference,
        )


def make_plan(settings: StackSettings) -> Plan:
    """Load the pack and choose ports for what is not configured.

    Raises:
        PackError: If there is no usable pack.
    """
    pack = Pack.load(settings.pack)
    pack.verify()
    fusers = fusers_beside(pack, settings.fusers)
    if fusers is not None:
        fusers.pack.verify()
    search, ingest, milvus, redis, triton = free_ports(5)
    return Plan(
        settings=settings,
        pack=pack,
        fusers=fusers,
        search=settings.search.address or f"127.0.0.1:{search}",
        ingest=settings.ingest.address or f"127.0.0.1:{ingest}",
        milvus_port=None if settings.milvus.uri else milvus,
        redis_port=None if settings.redis.url else redis,
        triton_port=None if settings.inference.address else triton,
    )


def store_children(plan: Plan) -> list[ChildSpec]:
    """Milvus Lite and Redis, unless others run them."""
    state = plan.settings.state_dir.absolute()
    children = []
    if plan.milvus_port is not None:
        children.append(milvus_child(state / "milvus", plan.milvus_port))
    if plan.redis_port is not None:
        children.append(redis_child(state / "redis", plan.redis_port))
    return children


def inference_child(plan: Plan, installation: TritonInstallation) -> ChildSpec:
    """The embedded Triton."""
    if plan.triton_port is None:
        raise ValueError("an address of another Triton is configured; there is none to start")
    model_file = SOURCE_ROOT / "model_repository" / "model.py"
    work_dir = plan.settings.state_dir.absolute() / "triton"
    threads = plan.settings.inference.threads
    beside = [] if plan.fusers is None else [plan.fusers.pack]
    return triton_child(installation, plan.pack, model_file, work_dir, plan.triton_port, threads, beside)


def service_children(plan: Plan, inference: str, triton_address: str | None) -> list[ChildSpec]:
    """Search (with association and fusion mounted), the ingest API and the ingest worker."""
    environment = python_environment(_told(plan, inference, triton_address))

    def service(name: str, module: str, address: str | None, after: tuple[str, ...] = ()) -> ChildSpec:
        return ChildSpec(
            name,
            [sys.executable, "-m", module],
            environment,
            None if address is None else grpc_health_probe(address),
            after=(*FOUNDATIONS, *after),
            stop_s=SERVICE_STOP_S,
            address=address or "",
        )

    return [
        service("search", "services.search", plan.search),
        service("ingest", "services.ingest.api", plan.ingest),
        service("worker", "services.ingest.worker", None, after=("search",)),
    ]


def _told(plan: Plan, inference: str, triton_address: str | None) -> Mapping[str, str]:
    state_dir: Path = plan.settings.state_dir.absolute()
    told = {
        variable("state_dir"): str(state_dir),
        variable("pack"): str(plan.pack.directory),
        variable("search", "address"): plan.search,
        variable("ingest", "address"): plan.ingest,
        # Search mounts association and fusion, so their address is its own.
        variable("association", "address"): plan.settings.association.address or plan.search,
        variable("inference", "kind"): inference,
        variable("milvus", "uri"): plan.milvus_uri,
        variable("redis", "url"): plan.redis_url,
        variable("media", "uri"): plan.settings.media_uri,
    }
    if triton_address is not None:
        told[variable("inference", "address")] = triton_address
    return told
