"""The whole path: a film goes in, a person is found, and deletion leaves nothing."""

import json
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

from evaluation.truth import Film

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
GALLERY = "demo"


@pytest.fixture(scope="module")
def people(machine) -> list[dict[str, list]]:
    """What `personsearch demo` says of each of the cast, moment by moment."""
    done = machine.command("demo", "--json", timeout_s=400)
    assert done.returncode == 0, done.stderr + machine.logs()
    return json.loads(done.stdout)["people"]


@pytest.fixture(scope="module")
def video_id(machine, people) -> str:
    (video,) = json.loads(machine.command("videos", "--gallery", GALLERY, "--json").stdout)["videos"]
    assert video["state"] == "ready"
    return str(video["video_id"])


def test_the_demo_finds_each_of_the_cast(people: list[dict[str, list]], film: Film) -> None:
    assert len(people) == len({portrait.identity for portrait in film.portraits})
    right, wrong = (sum(len(person[verdict]) for person in people) for verdict in ("right", "wrong"))
    missed = sum(moment["face_visible"] for person in people for moment in person["missed"])
    assert all(person["right"] for person in people)
    assert right > 5 * wrong
    assert right > 2 * missed


def test_the_command_prints_what_is_promised(machine, film: Film, video_id: str) -> None:
    done = machine.command("search", "--portrait", film.portraits[0].path, "--gallery", GALLERY, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"task", "voice_speech_s", "text_readings", "hits", "degraded"}
    assert (answer["task"], answer["voice_speech_s"]) == ("seen", [])
    first = answer["hits"][0]
    assert set(first) == {
        "appearance_id", "kind", "video_id", "start_s", "end_s", "score", "modalities", "speech", "evidence", "media",
        "identity",
    }  # fmt: skip
    assert first["video_id"] == video_id
    assert first["evidence"][0]["part_index"] == 0
    assert sum(first["modalities"].values()) == pytest.approx(1.0, abs=1e-3)
    picture = Path(url2pathname(urlparse(first["media"]["key_frame_uri"]).path))
    assert picture.read_bytes()[:2] == b"\xff\xd8"


def test_a_hit_leads_to_more_of_the_person_and_to_a_track(machine, film: Film, video_id: str) -> None:
    found = machine.command("search", "--portrait", film.portraits[0].path, "--gallery", GALLERY, "--json")
    best = json.loads(found.stdout)["hits"][0]["appearance_id"]
    like = json.loads(machine.command("search", "--like", best, "--gallery", GALLERY, "--json").stdout)
    assert like["hits"][0]["appearance_id"] == best
    track = json.loads(machine.command("track", best, "--gallery", GALLERY, "--json").stdout)
    starts = [span["start_s"] for span in track["spans"]]
    assert starts == sorted(starts)
    assert any(hit["appearance_id"] == best for span in track["spans"] for hit in span["hits"])


def test_the_same_file_twice_is_one_video(machine, film: Film, video_id: str) -> None:
    again = json.loads(machine.command("ingest", film.path, "--gallery", GALLERY, "--json").stdout)
    assert [video["video_id"] for video in again["videos"]] == [video_id]
    listed = json.loads(machine.command("videos", "--gallery", GALLERY, "--json").stdout)
    assert len(listed["videos"]) == 1


def test_galleries_do_not_see_each_other(machine, film: Film, video_id: str) -> None:
    machine.command("galleries", "create", "empty")
    done = machine.command("search", "--portrait", film.portraits[0].path, "--gallery", "empty", "--json")
    nothing = {"task": "seen", "voice_speech_s": [], "text_readings": [], "hits": [], "degraded": []}
    assert json.loads(done.stdout) == nothing


def test_deletion_leaves_nothing(machine, film: Film, video_id: str) -> None:
    """Last of this file: it takes the film out."""
    done = machine.command("delete", video_id, "--gallery", GALLERY, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    receipts = json.loads(done.stdout)["deleted"][0]["receipts"]
    assert {receipt["store"] for receipt in receipts} == {"index", "associations", "media"}
    assert all(receipt["remaining"] == 0 for receipt in receipts)
    found = machine.command("search", "--portrait", film.portraits[0].path, "--gallery", GALLERY, "--json")
    assert json.loads(found.stdout)["hits"] == []
