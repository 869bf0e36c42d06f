from pathlib import Path

from evaluation.asking import Answer
from evaluation.gallery.memory import AnswerMemory, IngestMemory, source_digest
from evaluation.metrics.ranking import RankedHit


def test_an_answer_comes_back_as_it_was(tmp_path: Path, answer) -> None:
    given = answer("a", kind="voice")
    given = Answer(given.question, (RankedHit("1", 0.1 + 0.2, "voice"),), 0.25, degraded=True, refusal="NO_SPEECH")
    memory = AnswerMemory(tmp_path, ["v2", "v1"], "pack", "source")
    assert memory.get(given.question) is None
    memory.put(given)
    assert AnswerMemory(tmp_path, ["v1", "v2"], "pack", "source").get(given.question) == given
    for other in (answer("a", kind="voice", expand=False), answer("a"), answer("a", kind="voice", number=1)):
        assert memory.get(other.question) is None


def test_answers_of_another_gallery_pack_or_product_are_not_taken(tmp_path: Path, answer) -> None:
    given = answer("a", ("1", 0.5))
    AnswerMemory(tmp_path, ["v"], "pack", "source").put(given)
    for made_by in ((["v", "w"], "pack", "source"), (["v"], "other", "source"), (["v"], "pack", "other")):
        assert AnswerMemory(tmp_path, *made_by).get(given.question) is None


def test_ingest_times_are_kept(tmp_path: Path) -> None:
    IngestMemory(tmp_path / "answers" / "ingest.json").put("v", 12.5, "source")
    memory = IngestMemory(tmp_path / "answers" / "ingest.json")
    assert memory.wall_s("v") == 12.5
    assert memory.source("v") == "source"
    assert memory.wall_s("other") is None
    memory.put("v", None, "source")
    assert memory.wall_s("v") is None


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "a.py").write_text("one")
    first = source_digest(tmp_path, ["room"])
    (tmp_path / "room" / "notes.txt").write_text("any")
    assert source_digest(tmp_path, ["room"]) == first
    (tmp_path / "room" / "a.py").rename(tmp_path / "room" / "b.py")
    assert source_digest(tmp_path, ["room"]) != first
