"""The descriptions of a set of frames: the same people in the same clothes, and marks that hold."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from synthetic.cli import app
from synthetic.descriptions import (
    HELD_OUT_TEMPLATES,
    DescriptionsError,
    attributes,
    dressed,
    has_held_out_words,
    write_descriptions,
)
from synthetic.identity import make_identity
from synthetic.outfit import make_outfit, make_uniform
from synthetic.words import top_terms

# One word at least of each thing that has held-out words, from the tables of `words.py` and `describe.py`.
HELD_OUT_WORDS = {
    *("ebony", "anthracite", "slate", "silvery", "ivory", "midnight", "azure", "petrol", "emerald", "crimson", "wine"),
    *("raven", "umber", "hazel", "copper", "sandy", "flaxen", "hoary", "banded", "tartan", "speckled", "motley"),
    *("cropped", "pageboy", "horse-tail", "chignon", "frizzy", "flowing", "close-cut", "hairless", "gown", "sports"),
    *("singlet", "jersey", "jumper", "bermudas", "dungarees", "breeches", "granny", "old-timer", "lass", "dame"),
    *("lad", "fellow", "bloke", "peaked", "fedora", "whiskers"),
}


def write_set(folder: Path, pairs: list[tuple[int, int]], seed: int = 5) -> Path:
    """A set of frames without pictures: what the descriptions are made from."""
    names = []
    for number in range(2):
        rows = pairs[number::2]
        names.append(f"shard_{number:04d}.npz")
        np.savez(folder / names[-1], identity=[k for k, _ in rows], outfit=[n for _, n in rows])
    index = {"schema": "synthcast-frames/2", "world_version": 2, "seed": seed, "shards": names}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def described(folder: Path, pairs: list[tuple[int, int]], rounds: int = 3) -> list[dict]:
    write_descriptions(write_set(folder, pairs), rounds)
    return json.loads((folder / "descriptions.json").read_text())["people"]


def test_everybody_is_described_once_in_each_outfit(tmp_path: Path) -> None:
    people = described(tmp_path, [(1, 0), (0, 103), (1, 0), (0, 2)])
    assert [(person["identity"], person["outfit"]) for person in people] == [(0, 2), (0, 103), (1, 0)]
    for person in people:
        texts = [sentence["text"] for sentence in person["sentences"]]
        assert len(texts) == len(set(texts)) >= 8
        assert {sentence["kind"] for sentence in person["sentences"]} == {"full", "partial", "negated", "synonym"}


def test_the_same_set_gives_the_same_file(tmp_path: Path) -> None:
    pairs = [(0, 0), (1, 1), (2, 101)]
    described(tmp_path, pairs)
    first = (tmp_path / "descriptions.json").read_bytes()
    write_descriptions(tmp_path, 3)
    assert (tmp_path / "descriptions.json").read_bytes() == first
    # More rounds go on where fewer end.
    fewer = json.loads(first)["people"]
    write_descriptions(tmp_path, 5)
    more = json.loads((tmp_path / "descriptions.json").read_text())["people"]
    for one, other in zip(fewer, more, strict=True):
        assert other["sentences"][: len(one["sentences"])] == one["sentences"]


def test_numbers_of_outfits_are_those_of_the_frames() -> None:
    person = make_identity(5, 3)
    assert dressed(5, 3, 2) == (person, make_outfit(person, 0, 2))
    assert dressed(5, 3, 107) == (person, make_uniform(person, 0, 7))


def test_attributes_are_what_is_worn() -> None:
    for number in range(40):
        person, outfit = dressed(5, number, 0)
        said = attributes(person, outfit)
        assert said["top"].endswith(top_terms(outfit).plain)
        assert ("hat" in said) == (outfit.hat != "none")
        assert not any("{" in text or has_held_out_words(text, person, outfit) for text in said.values())


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    pairs = [(k, n) for k in range(150) for n in (0, 1, 100 + k % 60)]
    people = described(tmp_path_factory.mktemp("set"), pairs, rounds=4)
    return [sentence for person in people for sentence in person["sentences"]]


def test_held_out_templates_are_those_that_sentences_own_up_to(sentences: list[dict]) -> None:
    seen = {sentence["template"] for sentence in sentences if not sentence["held_out"]}
    assert seen.isdisjoint(HELD_OUT_TEMPLATES)
    # Without held-out words, only the template can be the reason.
    plain = [s for s in sentences if s["kind"] != "synonym"]
    assert {s["template"] for s in plain if s["held_out"]} | {"dressed"} == HELD_OUT_TEMPLATES
    assert all(s["held_out"] == s["held_out_template"] for s in plain)


def test_held_out_words_are_found_by_what_no_other_sentence_says(sentences: list[dict]) -> None:
    def words(sentence: dict) -> set[str]:
        return set(re.findall(r"[\w-]+", sentence["text"]))

    assert all(s["held_out"] for s in sentences if s["held_out_words"])
    allowed = set().union(*(words(s) for s in sentences if not s["held_out"]))
    assert not allowed & HELD_OUT_WORDS
    for sentence in sentences:
        assert bool(words(sentence) & HELD_OUT_WORDS) <= sentence["held_out_words"]
        if sentence["held_out_words"]:
            assert words(sentence) - allowed


def test_both_reasons_happen_alone(sentences: list[dict]) -> None:
    reasons = [(s["held_out_template"], s["held_out_words"]) for s in sentences]
    for reason in ((True, False), (False, True), (True, True)):
        assert reasons.count(reason) > 20


def test_what_is_no_finished_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DescriptionsError, match="finish the frames first"):
        write_descriptions(tmp_path, 1)
    (tmp_path / "index.json").write_text(json.dumps({"schema": "synthcast-frames/2", "world_version": 1}))
    with pytest.raises(DescriptionsError, match="of world 1, expected"):
        write_descriptions(tmp_path, 1)


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    write_set(tmp_path, [(0, 0), (1, 0)])
    result = CliRunner().invoke(app, ["descriptions", str(tmp_path), "--rounds", "1"])
    assert result.exit_code == 0
    assert "8 sentences about 2 people" in result.output
    assert CliRunner().invoke(app, ["descriptions", str(tmp_path / "none")]).exit_code == 2
