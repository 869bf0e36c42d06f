"""APES's three samplings: what is drawn, where training begins, and what it teaches made-up people."""

from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.datasets.store import write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.protocols.apes.samplings import MAPS, NAMES, read_sampling
from models.fusion.projected import projected_streams
from packs.spec import Modality
from training.__main__ import main
from training.data.associations import PARTS, load_associations
from training.data.shards import DataError
from training.samplings import Recipe, draw, train_maps

FACE, VOICE = Modality.FACE, Modality.VOICE


def film(name: str, seed: int, people: int = 6, each: int = 6) -> Tracklets:
    """People of their own in each film; little of an embedding says who, the rest is noise of few directions."""
    random = np.random.default_rng(seed)
    who = np.tile(np.arange(people), each)
    noise = np.random.default_rng(0)
    rows = {}
    for modality, dim in PARTS:
        directions = noise.normal(size=(20, dim))
        own = 6.0 * random.normal(size=(people, dim)) / np.sqrt(dim)
        vectors = own[who] + random.normal(size=(len(who), 20)) @ directions / np.sqrt(dim)
        rows[modality] = ModalityRows.of(vectors)
    starts = 2.0 * np.arange(len(who))
    return Tracklets.of(
        [f"{name}/{row}" for row in range(len(who))],
        [name] * len(who),
        [f"{name}/{one}" for one in who],
        rows,
        spans_s=np.stack([starts, starts + 1.0], axis=1),
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read-backs")
    for seed, name in enumerate(("one", "two", "three")):
        facts = {"films": {name: "0"}, "pack": {"name": "demo", "version": "0", "digest": "0" * 64}}
        tracklets = film(name, seed)
        write_search(folder / f"{name}.npz", CastSearch(name, tracklets, tracklets.take(np.arange(2))), facts)
    return folder


def test_triplets_are_those_of_the_paper() -> None:
    identity = np.array([0, 0, 1, 1, 2, 2, 3])
    where = np.array([0, 0, 0, 0, 1, 1, 1])
    rows, random = np.arange(7), np.random.default_rng(0)
    weak = draw(rows, identity, where, "Weak", 500, random)
    assert (weak.positive == weak.anchor).all()
    assert (weak.negative != weak.anchor).all()
    # Any other tracklet: of the same person now and then, which is why it is not clean.
    assert (identity[weak.negative] == identity[weak.anchor]).any()
    for name in ("Within", "Across"):
        found = draw(rows, identity, where, name, 500, random)
        assert (identity[found.positive] == identity[found.anchor]).all()
        assert (found.positive != found.anchor).all()
        assert (identity[found.negative] != identity[found.anchor]).all()
        assert (where[found.negative] == where[found.anchor]).all() == (name == "Within")
        # Who is seen once has no positive.
        assert 6 not in found.anchor
        assert set(found.anchor.tolist()) == set(range(6))


def test_nothing_to_draw_is_told() -> None:
    alone = np.array([0, 1])
    with pytest.raises(DataError, match="no tracklet of 2 has a positive and a negative for Across"):
        draw(np.arange(2), alone, np.zeros(2, np.int64), "Across", 4, np.random.default_rng(0))
    with pytest.raises(DataError, match="nobody has what Weak"):
        draw(np.arange(0), alone, np.zeros(2, np.int64), "Weak", 4, np.random.default_rng(0))


def test_streams_lie_side_by_side_voice_first() -> None:
    torch.manual_seed(0)
    network = projected_streams(face_dim=5, voice_dim=4, stream_dim=3, joint_dim=2)
    faces, voices = torch.randn(2, 5), torch.zeros(2, 4)
    found = network(faces, voices)
    assert (found.voice == 0).all(), "what is missing adds nothing"
    expected = found.face @ network.joint.weight[:, 3:].T
    assert torch.allclose(found.joint, expected)


def separation(vectors: np.ndarray, identity: np.ndarray) -> float:
    """Mean cosine of pairs of one person less that of pairs of two."""
    alike = vectors @ vectors.T
    same = identity[:, None] == identity[None, :]
    return float(alike[same & ~np.eye(len(identity), dtype=bool)].mean() - alike[~same].mean())


def test_training_tells_people_of_another_film_apart_better_than_where_it_begins(data: Path) -> None:
    learnt, other = load_associations(data, ["one", "two"]), load_associations(data, ["three"])

    def told_apart(steps: int) -> float:
        rate = 3e-3 if steps > 1 else 0.0
        maps = train_maps(
            learnt, "Across", Recipe(steps=steps, dim=32, batch=64, learning_rate=rate), lambda line: None
        )
        made = other.vectors[0] @ maps["face"].T
        return separation(made / np.linalg.norm(made, axis=1, keepdims=True), other.identity)

    assert told_apart(60) > told_apart(1) + 0.05


def test_the_command_writes_three_trainings_again_and_again_the_same(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.samplings.Recipe", lambda: Recipe(steps=20))
    torch.set_num_threads(1)
    for out in ("a", "b"):
        words = ["samplings", "--data", str(data), "--films", "one", "two", "--out", str(tmp_path / out)]
        assert main(words) == 0
    for name in NAMES:
        first, second = (tmp_path / out / f"{name.lower()}.npz" for out in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()
        found = read_sampling(first)
        assert (found.name, found.films, set(found.maps)) == (name, ("one", "two"), set(MAPS))


def test_a_film_that_is_not_there_is_told(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["samplings", "--data", str(data), "--films", "four", "--out", str(tmp_path)]) == 2
    assert "is not there" in capsys.readouterr().err
