"""The real command on a real Milvus Lite and a real Redis: killed, run again, cut over, and gone back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evaluation.reindex.process import Reindexing
from evaluation.reindex.record import faults_between, mixed_vectors, opened_side, strange_vectors
from packs.manifest import Pack
from packs.shelf import PackShelf
from personsearch.cli.main import app
from services.backends.media.files import FsspecMediaStore
from services.backends.schemas import Scope
from services.reindex.testing import GALLERY, Side, Town, video_id
from services.runtime.ports import free_ports
from services.runtime.settings import StackSettings
from services.supervisor.child import Child
from services.supervisor.stores import milvus_child, redis_child

VIDEOS, IN_EACH = 9, 100


@dataclass(frozen=True)
class Deployment:
    """Stores that run, and how a process is told of them."""

    folder: Path
    milvus_uri: str
    environment: dict[str, str]
    old: Pack
    new: Pack

    @property
    def media(self) -> FsspecMediaStore:
        return FsspecMediaStore(str(self.folder / "state" / "media"))

    @asynccontextmanager
    async def sides(self) -> AsyncIterator[tuple[Side, Side]]:
        async with opened_side(self.milvus_uri, self.old) as old, opened_side(self.milvus_uri, self.new) as new:
            yield old, new

    async def start(self, *options: str) -> Reindexing:
        return await Reindexing.start(list(options), self.environment, self.folder / "reindex.log")

    async def run(self, *options: str) -> dict[str, object]:
        return await (await self.start(*options)).ended()


@pytest.fixture
async def deployment(two_packs, tmp_path: Path) -> AsyncIterator[Deployment]:
    milvus_port, redis_port = free_ports(2)
    old, new = two_packs.packs
    uri = f"http://127.0.0.1:{milvus_port}"
    environment = {
        "PERSONSEARCH_STATE_DIR": str(tmp_path / "state"),
        "PERSONSEARCH_PACK": str(old.directory),
        "PERSONSEARCH_MILVUS__URI": uri,
        "PERSONSEARCH_REDIS__URL": f"redis://127.0.0.1:{redis_port}/0",
        "PERSONSEARCH_REINDEX__LEASE_S": "1",
    }
    async with AsyncExitStack() as running:
        children = []
        for spec in (milvus_child(tmp_path / "milvus", milvus_port), redis_child(tmp_path / "redis", redis_port)):
            children.append(await Child.start(spec, tmp_path))
            running.push_async_callback(children[-1].stop)
        await asyncio.gather(*(child.until_ready() for child in children))
        PackShelf(tmp_path / "state" / "packs").keep(old)
        yield Deployment(tmp_path, uri, environment, old, new)


@pytest.mark.timeout(900)  # four processes on a busy machine
async def test_killed_and_run_again_it_ends_complete_and_goes_back(deployment: Deployment) -> None:
    to_new = ("--to", str(deployment.new.directory))
    async with deployment.sides() as (old, new):
        await old.index.make_live()
        town = Town(old, new, deployment.media)
        for number in range(VIDEOS):
            await town.add_video(number, IN_EACH)
        killed = await (await deployment.start(*to_new)).killed_at(new.index, 1)
        assert 0 < killed < VIDEOS * IN_EACH
        assert await old.index.live_pack() == old.index.pack_key
        told = await deployment.run(*to_new)
        assert told["cut_over"] is True
        assert told["written"] >= VIDEOS * IN_EACH - killed - 1  # type: ignore[operator]
        assert told["lost"] == {}
        assert await new.index.live_pack() == new.index.pack_key
        assert await faults_between(old, new) == []
        ids = [place.appearance_id for place in await new.index.list_places(None, Scope(GALLERY))]
        assert len(ids) == VIDEOS * IN_EACH
        assert await mixed_vectors(old, new, ids) == []
        assert await strange_vectors(new, town.media, ids[::10]) == []
        await new.index.erase_video(GALLERY, video_id(0))
        await town.turned().add_video(9, 5)
        back = await deployment.run("--back")
        assert (back["pack"], back["written"]) == (deployment.old.digest, 5)
        assert await old.index.live_pack() == old.index.pack_key
        assert await faults_between(new, old) == []


def test_packs_are_listed_verified_and_activated(two_packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a stack, and with nothing stored: the stores are started for the moment."""
    new = two_packs.packs[1]
    monkeypatch.setenv("PERSONSEARCH_STATE_DIR", str(tmp_path / "state"))
    run = CliRunner().invoke
    listed = json.loads(run(app, ["pack", "list", "--json"]).stdout)
    assert [pack["name"] for pack in listed["packs"] if pack["active"]] == ["demo"]
    assert listed["index_reached"] is False

    verified = run(app, ["pack", "verify", str(new.directory)])
    assert verified.exit_code == 0
    assert f"tiny 2 ({new.digest[:12]}): sound, 3 networks, face, body" in verified.stdout
    wrong = run(app, ["pack", "verify", str(tmp_path), "--json"])
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout)["faults"] == ["pack.json is absent: give a pack's folder"]
    assert run(app, ["pack", "verify", "nobody"]).exit_code == 1

    activated = run(app, ["pack", "activate", str(new.directory)])
    assert activated.exit_code == 0, activated.stderr
    assert Pack.load(StackSettings().pack).digest == new.digest
    rows = json.loads(run(app, ["pack", "list", "--json"]).stdout)["packs"]
    assert {row["version"]: row["active"] for row in rows if row["name"] == "tiny"} == {"2": True}
    assert rows[0]["modalities"] == {"face": 4, "body": 4}
    assert run(app, ["pack", "activate", "tiny"]).exit_code == 0


def test_reindex_wants_one_goal() -> None:
    run = CliRunner().invoke
    assert run(app, ["reindex"]).exit_code == 2
    assert run(app, ["reindex", "--back", "--to", "x"]).exit_code == 2
