"""Simulated corrections on films of made-up people, and reading a record that was left behind."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluation.identities.cli import measure_identities
from evaluation.identities.correcting import figures_of
from evaluation.identities.loading import KeptGallery, KeptVideo, composed, read_gallery
from evaluation.identities.report import page_of, report_of
from evaluation.truth import Film
from packs.spec import Modality
from packs.testing import DIMENSION, write_tiny_pack
from services.association.identities.state import IdentityState
from services.backends.index.milvus import MilvusIndex
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, Gallery, Video, VideoState
from services.runtime.ports import free_ports
from services.supervisor.child import Child
from services.supervisor.stores import milvus_child


def digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def film_at(path: Path, name: str) -> Film:
    return Film(name, path, 640, 360, 25.0, 60.0, (), (), {})


def kept_video(number: int, people: int, shots: int, noise: float) -> KeptVideo:
    """A film of people whose faces are a direction each, turned by noise."""
    random = np.random.default_rng(number)
    video = Video(digits(f"film {number}"), "evaluation", "file:///x", VideoState.READY, 1, float(number), "c" * 64)
    appearances, faces, who = [], [], {}
    for person in range(people):
        for shot in range(shots):
            one, start_s = digits(f"{number}/{person}/{shot}"), 10.0 * shot + person
            look = np.eye(DIMENSION)[person] + noise * random.normal(size=DIMENSION)
            vector = (look / np.linalg.norm(look)).astype(np.float32)
            place = (one, "evaluation", video.video_id)
            faces.append(EmbeddingRow(*place, start_s, start_s + 0.5, 1, 1.0, vector))
            row = Appearance(*place, AppearanceKind.TRACKLET, start_s, start_s + 0.5, 1, (Modality.FACE,))
            appearances.append(row)
            who[one] = f"person {person}"
    film = film_at(Path("x"), f"film {number}")
    return KeptVideo(film, video, appearances, {Modality.FACE: faces}, who)


@pytest.fixture
def gallery(tmp_path: Path) -> KeptGallery:
    pack = write_tiny_pack(tmp_path).pack
    videos = [kept_video(number, people=4, shots=6, noise=0.33) for number in range(2)]
    return KeptGallery("evaluation", videos, pack)


async def test_corrections_help_and_undo_takes_them_back(gallery: KeptGallery) -> None:
    result = await measure_identities(gallery, corrections=8)
    assert result.undone
    for name, one in result.alone.items():
        assert one.before[name].pairwise.f1 < 1.0, "a film on which nothing is to be corrected shows nothing"
        assert one.after[name].pairwise.f1 >= one.before[name].pairwise.f1
        assert one.confirmed + one.rejected <= 8
    assert any(one.after[name].pairwise.f1 > one.before[name].pairwise.f1 for name, one in result.alone.items())
    assert set(result.together.before) == {"film 0", "film 1", ""}
    report = report_of(result)
    assert report["undo_restores_bit_for_bit"]
    assert report["films"]["film 0"]["before"]["pairwise"]["f1"] == result.alone["film 0"].before["film 0"].pairwise.f1
    told = report["films"]["film 0"]["before"]["b_cubed"]
    assert told["interval"]["low"] <= told["f1"] <= told["interval"]["high"]
    assert (told["interval"]["drawn"], told["interval"]["count"]) == ("identities", 4)
    assert 0.0 < told["chance_f1"] < told["f1"]
    people = {f"person {number}": {"sex": "female" if number % 2 else "male"} for number in range(4)}
    grouped = replace(result, attributes=people)
    facts = report_of(grouped)["by_group"]["b_cubed_f1"]["sex"]
    assert facts["male"]["identities"] == facts["female"]["identities"] == 2
    assert facts["male"]["chance"] < facts["male"]["mean"]
    assert "| sex: female |" in page_of(grouped)
    page = page_of(result)
    assert "group, all films" not in page
    assert "| film 0 |" in page
    assert "| all films |" in page
    assert "bit for bit: yes" in page


async def test_films_come_one_after_the_other_and_are_all_there(gallery: KeptGallery) -> None:
    served = await composed(gallery, gallery.videos)
    people = await served.keeper.people("evaluation")
    assert people.nodes.keys() == {one.appearance_id for kept in gallery.videos for one in kept.appearances}
    await served.aclose()


def test_figures_are_of_what_the_truth_knows() -> None:
    state = IdentityState.of({"A": ("1", "2"), "B": ("3", "stranger")})
    figures = figures_of(state, {"film": {"1": "anna", "2": "anna", "3": "anna"}, "other": {}})
    assert (figures["film"].identities, figures["film"].pairwise.recall) == (2, pytest.approx(1 / 3))
    assert figures["film"] == figures[""]
    assert figures["other"].b_cubed.f1 == 1.0


async def test_a_record_that_was_left_behind_is_read_and_not_changed(gallery: KeptGallery, tmp_path: Path) -> None:
    record, kept = tmp_path / "milvus", gallery.videos[0]
    path = tmp_path / "film.mp4"
    path.write_bytes(b"a film")
    video = replace(kept.video, content_digest=hashlib.sha256(b"a film").hexdigest())
    (port,) = free_ports(1)
    server = await Child.start(milvus_child(record, port), tmp_path)
    await server.until_ready()
    index = MilvusIndex(f"http://127.0.0.1:{port}", gallery.pack.digest)
    await index.open(dict.fromkeys(gallery.pack.modalities, DIMENSION))
    await index.put_gallery(Gallery("evaluation", 0.0))
    await index.put_video(video)
    await index.put_embeddings(Modality.FACE, kept.embeddings[Modality.FACE])
    await index.put_appearances(kept.appearances)
    await index.flush()
    await index.aclose()
    await server.stop()
    before = sorted(each.name for each in record.rglob("*"))
    films = [film_at(path, "there")]
    read = await read_gallery(record, "evaluation", films, gallery.pack)
    assert [(each.film.name, each.video) for each in read.videos] == [("there", video)]
    assert {one.appearance_id for one in read.videos[0].appearances} == kept.who.keys()
    assert len(read.videos[0].embeddings[Modality.FACE]) == len(kept.who)
    assert sorted(each.name for each in record.rglob("*")) == before
    with pytest.raises(ValueError, match="none of the 1 films"):
        await read_gallery(record, "another", films, gallery.pack)
