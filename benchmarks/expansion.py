"""What associations cost at 100,000 appearances and 2 million edges: ``python -m benchmarks.expansion --json OUT``.

On a Milvus Standalone and a redis-server of its own, filled with the galleries of `benchmarks.crowd`: the time of a
search by a face with and without expansion, the space an appearance takes in Redis, and what it costs to add a video to
a large and to a small gallery. A server is filled by itself, so nothing of a deployment is touched.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.adding import Adding
from benchmarks.crowd import Crowd
from benchmarks.filling import fill
from benchmarks.servers import Served, milvus_standalone, redis_server
from packs.manifest import Pack
from packs.spec import Modality
from services.association.composing import ComposedAssociations, compose_associations
from services.association.identities.settings import IdentitySettings
from services.association.settings import LinkingSettings
from services.backends.associations.redis import RedisAssociationStore
from services.backends.index.live import dimensions_of
from services.backends.index.milvus import MilvusIndex
from services.fusion.handlers import FusionHandlers
from services.fusion.settings import FusionSettings
from services.search.handlers import SearchHandlers
from services.search.mounted import MountedAssociations, MountedFusion
from services.search.nearby import NearVectors
from services.search.query import Query, QueryPart, RawEmbedding
from services.search.server import build_handlers
from services.search.settings import SearchSettings

LARGE, SMALL = "large", "small"
TOP_K = 50
LOGGER = logging.getLogger("benchmarks.expansion")
# What a deployment does behind the back of its queries is done and measured by itself here.
_NEVER = LinkingSettings(mirror_settle_s=1e9, mirror_pause_s=0.0)


class Bench:
    """The services in this process, on servers that were filled."""

    def __init__(self, pack: Pack, index: MilvusIndex, store: RedisAssociationStore) -> None:
        self.pack, self.index, self.store = pack, index, store
        self.composed: ComposedAssociations = compose_associations(
            index, store, pack.calibration, _NEVER, IdentitySettings(), LOGGER
        )
        self._executor = ThreadPoolExecutor(1)
        # One for all rounds: what it keeps is a part of what is measured. It reads no more than it is asked for.
        self.near = NearVectors(index, SearchSettings().near_mib * 2**20, SearchSettings().near_recheck_s)

    def handlers(self, nodes: int) -> SearchHandlers:
        """The search as it is served, with so many nodes of an expansion for each neighbour that is asked for.

        A query that brings its vector needs none of the networks.
        """
        nobody = cast(Any, None)
        associations = MountedAssociations(self.composed.associations, LOGGER)
        fusion = MountedFusion(FusionHandlers(self.pack.calibration, FusionSettings()), LOGGER)
        return build_handlers(
            SearchSettings(nodes_per_neighbour=nodes),
            self.pack,
            self.index,
            nobody,
            nobody,
            nobody,
            self._executor,
            associations,
            fusion,
            LOGGER,
            near=self.near,
        )

    async def prepare(self, gallery: str) -> dict[str, float]:
        """Read what a deployment reads behind the back of its queries; seconds of it."""
        started, used = time.perf_counter(), time.process_time()
        await self.composed.associations.prepare(gallery)
        edges_s, edges_cpu_s = time.perf_counter() - started, time.process_time() - used
        await self.near.fill(Modality.FACE, gallery)
        return {
            "edges_s": edges_s,
            "edges_cpu_s": edges_cpu_s,
            "faces_s": time.perf_counter() - started - edges_s,
            "faces_cpu_s": time.process_time() - used - edges_cpu_s,
            "embeddings": self.near.count,
        }

    async def queries(self, crowd: Crowd, count: int, seed: int, nodes: int) -> dict[str, Any]:
        """Search for people by a new face of theirs, each with and without expansion, in turns."""
        dice, handlers = np.random.default_rng(seed), self.handlers(nodes)
        people = dice.integers(0, crowd.people, count)
        faces = crowd.look(Modality.FACE, people, dice)
        wall, cpu = np.zeros((2, count)), np.zeros((2, count))
        reached = np.zeros((2, count))
        for number in range(count):
            part = QueryPart(RawEmbedding(Modality.FACE, faces[number], self.pack.digest))
            for expand in (number % 2, 1 - number % 2):
                query = Query((part,), LARGE, expand=bool(expand))
                started, used = time.perf_counter(), time.process_time()
                answer = await handlers.search(query, TOP_K)
                wall[expand, number] = 1e3 * (time.perf_counter() - started)
                cpu[expand, number] = 1e3 * (time.process_time() - used)
                if answer.degraded:
                    raise SystemExit(f"a degraded answer: {sorted(answer.degraded)}")
                reached[expand, number] = sum(len(hit.belief.chain) > 1 for hit in answer.hits)
        return {
            "queries": count,
            "top_k": TOP_K,
            "hits_by_chain": float(reached[1].mean()),
            "without_ms": _percentiles(wall[0]),
            "with_ms": _percentiles(wall[1]),
            "added_ms": _percentiles(wall[1] - wall[0]),
            "added_cpu_ms": _percentiles(cpu[1] - cpu[0]),
        }

    async def aclose(self) -> None:
        """Stop."""
        await self.near.aclose()
        await self.composed.aclose()
        self._executor.shutdown()


async def space(store: RedisAssociationStore, count: int) -> dict[str, float]:
    """What an appearance takes in Redis, all of it, with one gallery in it."""
    used = await store._redis.info("memory")
    keys = await store._redis.dbsize()
    return {"bytes_per_appearance": used["used_memory_dataset"] / count, "keys": keys}


async def run(arguments: argparse.Namespace, milvus: Served, redis: Served) -> dict[str, Any]:
    """Fill, ask, add."""
    pack = Pack.load(arguments.pack)
    index, store = (
        MilvusIndex(milvus.address, pack.digest),
        RedisAssociationStore(redis.address, timeout_s=60.0, mirror_bytes=LinkingSettings().mirror_mib * 2**20),
    )
    await index.open(dimensions_of(pack))
    await index.make_live()
    large = Crowd(arguments.appearances, pack, 1)
    report: dict[str, Any] = {"load_before": os.getloadavg(), "appearances": arguments.appearances}
    report["edges"] = await fill(index, store, large, LARGE)
    report["redis"] = await space(store, arguments.appearances)
    _say(report)
    bench = Bench(pack, index, store)
    usual = SearchSettings().nodes_per_neighbour
    report["cold"] = await bench.queries(large, 50, 2, usual)
    _say({"cold": report["cold"]})
    await bench.queries(large, arguments.warming, 1000, usual)
    report["kept"] = {"embeddings": bench.near.count}
    report["kept_round"] = await bench.queries(large, arguments.queries, 2000, usual)
    _say({"load": os.getloadavg(), "kept_round": report["kept_round"]})
    report["prepared"] = await bench.prepare(LARGE)
    _say({"prepared": report["prepared"]})
    for number in range(arguments.rounds):
        for nodes in sorted({usual, *arguments.nodes}):
            name = f"round_{number}_nodes_{nodes}"
            report[name] = await bench.queries(large, arguments.queries, 3 + number, nodes)
            _say({"load": os.getloadavg(), name: report[name]})
    if arguments.videos:
        small = Crowd(arguments.appearances // 10, pack, 1)
        await fill(index, store, small, SMALL)
        adding = Adding(index, store, bench.composed, pack, (milvus, redis))
        report["adding"] = await adding.compare({SMALL: small, LARGE: large}, arguments.videos)
        _say({"adding": report["adding"]})
    report["load_after"] = os.getloadavg()
    await bench.aclose()
    await store.aclose()
    await index.aclose()
    return report


def _percentiles(values: Any) -> dict[str, float]:
    return {f"p{each}": round(float(np.percentile(values, each)), 2) for each in (50, 95)}


def _say(what: Any) -> None:
    print(json.dumps(what, indent=1), flush=True)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, default=Path("packs/demo"), help="whose calibration and dimensions")
    parser.add_argument("--appearances", type=int, default=100_000, help="of the large gallery; the small has a tenth")
    parser.add_argument("--queries", type=int, default=200, help="searches of a round, each with and without")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of searches")
    parser.add_argument("--warming", type=int, default=400, help="searches between the cold and the other rounds")
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2], help="nodes per neighbour beside the usual")
    parser.add_argument("--videos", type=int, default=7, help="videos that are added to each gallery; 0 for none")
    parser.add_argument("--milvus-python", type=Path, default=Path(".venv-milvus/bin/python"), help="has milvus==2.3.5")
    parser.add_argument("--json", type=Path, required=True, help="where the report goes")
    arguments = parser.parse_args()
    # Before what takes a quarter of an hour.
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        milvus = opened.enter_context(milvus_standalone(arguments.milvus_python, folder / "milvus"))
        redis = opened.enter_context(redis_server(folder))
        report = asyncio.run(run(arguments, milvus, redis))
    arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
