from __future__ import annotations

import hashlib
import os

import pytest

from services.ingest.source import content_digest, probe, resolve
from services.runtime.errors import InvalidFieldError, UnreadableVideoError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a film.mp4"
    path.write_bytes(b"content")
    return path


def test_paths_and_uris_name_the_same_file(file):
    assert resolve(str(file), ()) == file
    assert resolve(file.as_uri(), ()) == file
    assert resolve(f"file://localhost{file.as_uri()[7:]}", ()) == file


@pytest.mark.parametrize("uri", ["film.mp4", "http://host/film.mp4", "file://host/film.mp4", "file:film.mp4", "/a\0b"])
def test_other_names_are_refused(uri):
    with pytest.raises(InvalidFieldError) as caught:
        resolve(uri, ())
    assert caught.value.violations[0].field == "source_uri"


def test_only_files_below_the_roots_are_read(file, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "link.mp4").symlink_to(file)
    (inside / "film.mp4").write_bytes(b"content")
    assert resolve(str(inside / "film.mp4"), (inside,)) == inside / "film.mp4"
    for uri in (str(file), str(inside / "link.mp4"), str(inside / ".." / file.name)):
        with pytest.raises(InvalidFieldError, match="expected a file below"):
            resolve(uri, (inside,))


def test_what_is_no_file_is_unreadable(tmp_path):
    with pytest.raises(UnreadableVideoError, match="No such file"):
        resolve(str(tmp_path / "absent.mp4"), ())
    with pytest.raises(UnreadableVideoError, match="no regular file"):
        resolve(str(tmp_path), ())
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(UnreadableVideoError, match="no regular file"):
        resolve(str(tmp_path / "pipe.mp4"), ())


def test_probe_says_what_it_is(film, script, file):
    assert probe(film(script(frames=10))).width_px == 480
    with pytest.raises(UnreadableVideoError, match=r"a film\.mp4"):
        probe(file)


def test_digest_is_that_of_the_content(file):
    assert content_digest(file) == hashlib.sha256(b"content").hexdigest()
