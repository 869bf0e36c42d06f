"""A town of two packs on the fakes; the networks are real ones, and compiled once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from packs.manifest import Pack, write_manifest
from packs.testing import write_tiny_pack
from services.backends.index.fake import FakeIndex, FakeRecord
from services.backends.index.live import dimensions_of
from services.backends.inference.local import LocalInferenceBackend
from services.backends.media.files import FsspecMediaStore
from services.reindex.testing import Side, Town


@dataclass(frozen=True)
class TwoPacks:
    """Two packs of the same shapes with other weights, as a retrained one would be, and where they run."""

    packs: tuple[Pack, Pack]
    backends: tuple[LocalInferenceBackend, LocalInferenceBackend]


@pytest.fixture(scope="session")
def two_packs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPacks]:
    folders = [tmp_path_factory.mktemp(name) for name in ("old", "new")]
    old = write_tiny_pack(folders[0], sound=False).pack
    made = write_tiny_pack(folders[1], sound=False, seed=6).pack
    write_manifest(folders[1], made.manifest.model_copy(update={"version": "2"}))
    new = Pack.load(folders[1])
    backends = LocalInferenceBackend(old), LocalInferenceBackend(new)
    yield TwoPacks((old, new), backends)
    for backend in backends:
        asyncio.run(backend.aclose())


@pytest.fixture
async def town(two_packs: TwoPacks, tmp_path: Path) -> Town:
    record = FakeRecord()
    sides = []
    for pack, backend in zip(two_packs.packs, two_packs.backends, strict=True):
        index = FakeIndex(record, pack.digest)
        await index.open(dimensions_of(pack))
        sides.append(Side(pack, backend, index))
    await sides[0].index.make_live()
    return Town(sides[0], sides[1], FsspecMediaStore(str(tmp_path / "media")))
