"""The check: a stack with a full gallery is asked without a pause while its index is made anew and is killed twice.

Beside the reindex a film is ingested and a video is deleted through the services. Then it is cut over, asked with the
new pack, and taken back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.reindex.asking import Asked, Asker
from evaluation.reindex.process import Reindexing
from evaluation.reindex.record import faults_between, mixed_vectors, opened_side, strange_vectors, vectors_of
from packs.manifest import Pack
from personsearch.client import PersonSearchClient
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Scope
from services.reindex.testing import GALLERY, Side, Town, video_id
from services.runtime.settings import StackSettings
from services.supervisor.api import Endpoints, status

__all__ = ["Check", "Figures"]

VIDEOS = 20
MADE_AGAIN = 1000  # appearances whose vectors are made again from their pictures, with either pack
PATIENCE_S = 120.0
ASKED_WITH = 100  # appearances, each with its face and its body
Say = Callable[[str], None]


@dataclass(slots=True)
class Figures:
    """What was found; `faults` is empty when all that is claimed holds."""

    facts: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Check:
    """One run.

    Args:
        settings: Of the stack, which runs with the old pack.
        new: The pack to go to.
        appearances: How many the gallery has.
        kills: How often the reindex is killed.
        film: A film to ingest meanwhile.
        seed: Of when it is killed.
        say: Is told how it goes.
    """

    def __init__(
        self, settings: StackSettings, new: Pack, appearances: int, kills: int, film: Path, seed: int, say: Say
    ) -> None:
        self._settings, self._old, self._new = settings, Pack.load(settings.pack), new
        self._appearances, self._kills, self._film = appearances, kills, film
        self._random = np.random.default_rng(seed)
        self._say = say
        self._environment = {"PERSONSEARCH_STATE_DIR": str(settings.state_dir)}
        self._log = settings.state_dir / "reindex.log"
        self.figures = Figures()

    async def run(self) -> Figures:
        """Do all of it."""
        await self._fill()
        self._say("re-embedding, killed on the way")
        await self._re_embed()
        self._say(f"so far: {self.figures}")
        await self._switch("cut over", ["--to", str(self._new.directory)], self._old, self._new)
        self._say(f"going back; so far: {self.figures}")
        await self._switch("back", ["--back"], self._new, self._old)
        return self.figures

    async def _fill(self) -> None:
        began, per_video = time.monotonic(), self._appearances // VIDEOS
        async with self._side(self._old) as old:
            town = Town(old, old, self._media())
            for number in range(VIDEOS):
                await town.add_video(number, per_video)
                self._say(f"{(number + 1) * per_video} appearances are stored")
            await old.index.flush()
        self.figures.facts["appearances"] = VIDEOS * per_video
        self.figures.facts["filled_s"] = round(time.monotonic() - began, 1)

    async def _re_embed(self) -> None:
        """Killed on the way, beside an ingest and a deletion, while somebody asks."""
        began = time.monotonic()
        async with self._side(self._old) as old, self._side(self._new) as new, self._client() as client:
            ids = await self._sample(old)
            asker = Asker(client, GALLERY, self._old.digest, await vectors_of(old, ids))
            await asker.ask_all()
            self._note_answers("before", asker.asked)
            asker.asked = Asked()
            async with _meanwhile(asker):
                killed = [await self._kill(new, part) for part in self._moments()]
                beside = asyncio.create_task(self._ingest_and_delete(client))
                told = await self._reindex(["--to", str(self._new.directory), "--no-cut-over"])
                await beside
                told_again = await self._reindex(["--to", str(self._new.directory), "--no-cut-over"])
            self._note_answers("meanwhile", asker.asked)
            self.figures.facts |= {
                "killed_at": killed,
                "reindex_s": round(time.monotonic() - began, 1),
                "last_run": told,
                "run_after": told_again,
            }
            await self._look(old, new)

    async def _kill(self, new: Side, at: int) -> int:
        run = await Reindexing.start(["--to", str(self._new.directory), "--no-cut-over"], self._environment, self._log)
        try:
            there = await run.killed_at(new.index, at)
        finally:
            await run.stopped()
        self._say(f"killed with SIGKILL at {there} appearances")
        return there

    async def _reindex(self, options: list[str]) -> dict[str, Any]:
        run = await Reindexing.start(options, self._environment, self._log)
        try:
            return await run.ended()
        finally:
            await run.stopped()

    async def _ingest_and_delete(self, client: PersonSearchClient) -> None:
        """A film comes in and a video goes, both through the services."""
        film = await client.ingest(self._film, gallery=GALLERY)
        receipts = await client.delete_video(video_id(0), gallery=GALLERY)
        left = {receipt.store: receipt.remaining for receipt in receipts}
        async for progress in client.watch_ingest(film.video_id, gallery=GALLERY):
            film = progress.video
        self.figures.facts["ingested_meanwhile"] = film.appearance_count
        self.figures.facts["deleted_meanwhile"] = {receipt.store: receipt.deleted for receipt in receipts}
        self._expect(not any(left.values()), f"the deletion still finds {left}")
        self._expect(film.appearance_count > 0, f"the film of {film.state} has no appearances")

    async def _look(self, old: Side, new: Side) -> None:
        """Complete, nothing twice, each vector of its own pack, the deleted video in neither."""
        self.figures.faults += await faults_between(old, new)
        places = await new.index.list_places(None, Scope(GALLERY))
        self.figures.facts["brought_over"] = len(places)
        by_hand = {video_id(number) for number in range(VIDEOS)}
        ids = [place.appearance_id for place in places if place.video_id in by_hand]
        mixed = await mixed_vectors(old, new, ids)
        self._expect(not mixed, f"{len(mixed)} vectors are the same in both packs: {mixed[:3]}")
        chosen = [ids[i] for i in self._random.choice(len(ids), min(MADE_AGAIN, len(ids)), replace=False)]
        for name, side in (("old", old), ("new", new)):
            strange = await strange_vectors(side, self._media(), chosen)
            self._expect(not strange, f"{len(strange)} vectors of the {name} pack are not its own: {strange[:3]}")
        self.figures.facts |= {"vectors_compared": 4 * len(ids), "vectors_made_again": 4 * len(chosen)}
        left = await old.index.count_video(GALLERY, video_id(0))
        self._expect(left == 0, f"{left} rows of the deleted video are left")

    async def _switch(self, name: str, options: list[str], before: Pack, after: Pack) -> None:
        """Go over to a pack, be asked until the old one is gone, and ask the new one."""
        began = time.monotonic()
        async with self._side(before) as side, self._client() as client:
            asker = Asker(client, GALLERY, before.digest, await vectors_of(side, await self._sample(side)))
            async with _meanwhile(asker):
                told = await self._reindex(options)
        self._expect(not asker.asked.mixed, f"{name}: mixed answers {asker.asked.mixed[:3]}")
        self._expect(bool(told["cut_over"]), f"{name}: it was not cut over")
        self.figures.facts[name] = {
            "seconds": round(time.monotonic() - began, 1),
            "written": told["written"],
            "answered_until_the_restart": asker.asked.answered,
            "unanswered_in_the_restart": len(asker.asked.failed),
        }
        async with self._side(after) as side, self._client() as client:
            self._expect(await side.index.live_pack() == side.index.pack_key, f"{name}: another pack is live")
            own = Asker(client, GALLERY, after.digest, await vectors_of(side, await self._sample(side)), pause_s=0.0)
            await own.ask_all()
        self._note_answers(f"after {name}", own.asked)

    async def _sample(self, side: Side) -> list[str]:
        """Some appearances that stay."""
        doomed, by_hand = video_id(0), {video_id(number) for number in range(VIDEOS)}
        places = await side.index.list_places(None, Scope(GALLERY))
        ids = [place.appearance_id for place in places if place.video_id in by_hand - {doomed}]
        return [ids[i] for i in sorted(self._random.choice(len(ids), min(ASKED_WITH, len(ids)), replace=False))]

    def _moments(self) -> list[int]:
        """At how many appearances it is killed: at random, in as many parts of the way as there are kills."""
        edges = np.linspace(0.05, 0.9, self._kills + 1)
        shares = [self._random.uniform(low, high) for low, high in pairwise(edges)]
        return [max(1, int(self._appearances * share)) for share in shares]

    def _note_answers(self, when: str, asked: Asked) -> None:
        self.figures.facts[f"answers {when}"] = {
            "answered": asked.answered,
            "failed": len(asked.failed),
            "mixed": len(asked.mixed),
            "median_ms": round(1000.0 * asked.median_s, 1),
        }
        self._expect(asked.answered > 0, f"{when}: nothing was answered")
        self._expect(not asked.failed, f"{when}: {len(asked.failed)} answers failed: {asked.failed[:3]}")
        self._expect(not asked.mixed, f"{when}: {len(asked.mixed)} answers are mixed: {asked.mixed[:3]}")

    def _expect(self, holds: bool, fault: str) -> None:
        if not holds:
            self.figures.faults.append(fault)

    def _endpoints(self) -> Endpoints:
        found = status(self._settings).endpoints
        if found is None:
            raise RuntimeError(f"no stack runs in {self._settings.state_dir}; its logs are there")
        return found

    def _client(self) -> PersonSearchClient:
        found = self._endpoints()
        return PersonSearchClient(found.search_address, found.ingest_address, timeout_s=PATIENCE_S)

    @asynccontextmanager
    async def _side(self, pack: Pack) -> AsyncIterator[Side]:
        async with opened_side(self._endpoints().milvus_uri, pack) as side:
            yield side

    def _media(self) -> FsspecMediaStore:
        return FsspecMediaStore(self._settings.media_uri)


@asynccontextmanager
async def _meanwhile(asker: Asker) -> AsyncIterator[None]:
    """Have somebody ask inside."""
    stop = asyncio.Event()
    asking = asyncio.create_task(asker.ask_on(stop))
    try:
        yield
    finally:
        stop.set()
        await asking
