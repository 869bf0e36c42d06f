"""What every media store does."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from services.backends.media.files import FsspecMediaStore
from services.backends.media.protocol import MediaStore
from services.runtime.errors import BackendUnavailableError


@pytest.fixture(params=["folder", "path", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MediaStore:
    if request.param == "memory":
        return FsspecMediaStore(f"memory://{uuid.uuid4().hex}")
    return FsspecMediaStore((tmp_path / "media").as_uri() if request.param == "folder" else str(tmp_path / "media"))


async def test_reads_what_was_written(store: MediaStore) -> None:
    uri = await store.put("town/0a/key.jpg", b"one")
    assert uri.startswith(("file:///", "memory://"))
    assert uri.endswith("town/0a/key.jpg")
    assert await store.get("town/0a/key.jpg") == b"one"


async def test_replaces(store: MediaStore) -> None:
    await store.put("town/0a/key.jpg", b"one")
    await store.put("town/0a/key.jpg", b"two")
    assert await store.get("town/0a/key.jpg") == b"two"
    assert await store.count_prefix("town/0a") == 1


async def test_no_such_file(store: MediaStore) -> None:
    assert await store.get("town/0a/none.jpg") is None


async def test_deletes_below_a_prefix_and_nothing_beside_it(store: MediaStore) -> None:
    for key in ("town/0a/1.jpg", "town/0a/2.jpg", "town/0ab/1.jpg", "town-2/0a/1.jpg"):
        await store.put(key, b"x")
    assert await store.count_prefix("town/0a") == 2
    assert await store.delete_prefix("town/0a") == 2
    assert await store.count_prefix("town/0a") == 0
    assert await store.count_prefix("town") == 1
    assert await store.delete_prefix("town") == 1
    assert await store.count_prefix("town-2") == 1


async def test_deleting_nothing_is_no_error(store: MediaStore) -> None:
    assert await store.delete_prefix("town/0a") == 0
    assert await store.count_prefix("town") == 0


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "town/../x", "town//x", "town/.hidden", "a/b/", "a/\n"])
async def test_refuses_keys_that_leave_the_store(store: MediaStore, key: str) -> None:
    with pytest.raises(ValueError, match="media key"):
        await store.put(key, b"x")
    with pytest.raises(ValueError, match="media key"):
        await store.delete_prefix(key)


async def test_says_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "media").write_text("a file where the folder should be")
    with pytest.raises(BackendUnavailableError, match="media"):
        await FsspecMediaStore(str(tmp_path / "media")).put("town/0a/key.jpg", b"x")


async def test_deletes_some_files_and_leaves_those_beside_them(store: MediaStore) -> None:
    for key in ("town/0a/1.jpg", "town/0a/2.jpg", "town/0a/1.jpg.jpg", "town/0b/1.jpg"):
        await store.put(key, b"x")
    wanted = ["town/0a/1.jpg", "town/0b/1.jpg", "town/0c/1.jpg", "town/0a"]
    assert await store.count(wanted) == 2
    assert await store.delete(wanted) == 2
    assert await store.delete(wanted) == 0
    assert await store.count(wanted) == 0
    assert await store.count_prefix("town") == 2
    assert await store.delete([]) == 0


async def test_a_file_that_goes_meanwhile_is_no_error(store: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    # Another call deletes between the look and the deletion; no store lets a test stop there.
    monkeypatch.setattr(store, "_present", lambda paths: paths)
    assert await store.delete(["town/0a/1.jpg"]) == 1


@pytest.mark.parametrize("key", ["", "../x", "town/.hidden"])
async def test_refuses_to_delete_what_is_not_in_the_store(store: MediaStore, key: str) -> None:
    for call in (store.delete, store.count):
        with pytest.raises(ValueError, match="media key"):
            await call([key])
