import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from google.rpc import code_pb2
from typer.testing import CliRunner

from personsearch.cli.main import app
from personsearch.testing import FakeStack, Refusal


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    return path


def test_ingest_waits_and_says_what_it_found(run, film: Path) -> None:
    result = run("ingest", film, "--site", "hall", "--recorded-at", "2026-03-01T12:00:00")
    assert result.exit_code == 0
    assert "film.mp4: ready, 3 appearances" in result.stdout


def test_ingest_sends_where_and_when_it_was_recorded(run, stack: FakeStack, film: Path) -> None:
    run("ingest", film, "--site", "hall", "--camera", "c1", "--recorded-at", "2026-03-01T12:00:00", "-g", "town")
    request = stack.requests[0]
    assert (request.site, request.camera_id, request.gallery) == ("hall", "c1", "town")
    assert request.recorded_at.ToJsonString() == "2026-03-01T12:00:00Z"


def test_no_wait_queues_only(run, stack: FakeStack, film: Path) -> None:
    result = run("ingest", film, "--no-wait")
    assert result.exit_code == 0
    assert "queued" in result.stdout
    assert len(stack.requests) == 1


def test_ingest_as_json_prints_videos_and_no_bar(run, film: Path) -> None:
    result = run("ingest", film, "--json")
    assert result.stderr == ""
    video = json.loads(result.stdout)["videos"][0]
    assert video["state"] == "ready"
    assert video["source_uri"] == str(film)


def test_one_failed_file_does_not_stop_the_others(run, film: Path) -> None:
    broken = film.with_name("a.broken.mp4")
    broken.write_bytes(b"film")
    result = run("ingest", broken, film)
    assert result.exit_code == 1
    assert "film.mp4: ready" in result.stdout
    assert "a.broken.mp4: the file ends in the middle" in result.stderr


def test_a_refused_file_is_reported(run, stack: FakeStack, film: Path) -> None:
    stack.refusals["IngestVideo"] = Refusal(code_pb2.INVALID_ARGUMENT, "UNREADABLE_VIDEO", "it has no video stream")
    result = run("ingest", film)
    assert result.exit_code == 1
    assert "error: it has no video stream" in result.stderr


def test_ctrl_c_leaves_the_ingest_running(film: Path) -> None:
    with FakeStack(stalls=True) as stack:
        addresses = {"PERSONSEARCH_SEARCH__ADDRESS": stack.address, "PERSONSEARCH_INGEST__ADDRESS": stack.address}
        command = [sys.executable, "-m", "personsearch.cli.main", "ingest", str(film)]
        with subprocess.Popen(command, env=os.environ | addresses, stderr=subprocess.PIPE, text=True) as process:
            assert stack.stalled.wait(30)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "goes on in the background" in told
        assert len(stack.galleries["default"]) == 1


def test_videos_are_listed(run, film: Path) -> None:
    run("ingest", film)
    assert "film.mp4" in run("videos").stdout
    assert json.loads(run("videos", "--json").stdout)["videos"][0]["appearance_count"] == 3


def test_an_unknown_gallery_is_one_line(run) -> None:
    result = run("videos", "--gallery", "nowhere")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: there is no gallery 'nowhere'")


def test_delete_asks_first(run, stack: FakeStack, film: Path) -> None:
    run("ingest", film)
    (video_id,) = stack.galleries["default"]
    assert run("delete", video_id, input="n\n").exit_code == 1
    assert stack.galleries["default"]
    result = run("delete", video_id, "--yes")
    assert result.exit_code == 0
    assert "still there" in result.stdout
    assert stack.galleries["default"] == {}


def test_delete_as_json_gives_the_receipts(run, stack: FakeStack, film: Path) -> None:
    run("ingest", film)
    (video_id,) = stack.galleries["default"]
    view = json.loads(run("delete", video_id, "--yes", "--json").stdout)
    assert view["deleted"] == [{"video_id": video_id, "receipts": [{"store": "index", "deleted": 3, "remaining": 0}]}]


def test_galleries_are_made_listed_and_deleted(run) -> None:
    assert "no gallery yet" in run("galleries", "list").stdout
    assert run("galleries", "create", "town").stdout == "created town\n"
    assert run("galleries", "create", "town").exit_code == 1
    assert json.loads(run("galleries", "list", "--json").stdout)["galleries"][0]["name"] == "town"
    assert "town" in run("galleries", "list").stdout
    assert "deleted town" in run("galleries", "delete", "town", "--yes").stdout
    assert run("galleries", "delete", "town", "--yes", "--json").exit_code == 1


def test_help_and_version_need_no_stack() -> None:
    assert "Exit codes" in CliRunner().invoke(app, ["--help"]).stdout
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("personsearch ")
