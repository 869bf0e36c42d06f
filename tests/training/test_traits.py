import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from synthetic.identity import make_identity
from training.data.crops import load_crops
from training.data.shards import DataError, open_frames
from training.data.traits import trait_table, traits_of
from training.losses import TraitReader
from training.recipe import CropChoice

FACE = CropChoice(kind="face", least_width_px=1, least_visibility=0, largest_yaw_deg=180, label="identity")


def test_traits_are_the_persons_own() -> None:
    one, again, other = (traits_of(make_identity(5, number)) for number in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.isfinite(one).all()


def test_a_mole_is_told_by_its_place() -> None:
    person = make_identity(5, 3)
    plain, left, right = (
        traits_of(replace(person, skin=replace(person.skin, marks=marks)))
        for marks in ((), ((-0.9, 0.0, 0.03, 0.5),), ((0.9, 0.0, 0.03, 0.5),))
    )
    assert (plain != left).sum() == (plain != right).sum() == 1
    assert (left != right).sum() == 2


def test_every_column_is_scaled_over_the_people() -> None:
    table = trait_table((7, number) for number in range(60))
    np.testing.assert_allclose(table.mean(axis=0), 0.0, atol=1e-4)
    spread = table.std(axis=0)
    assert (np.isclose(spread, 1.0, atol=1e-3) | (spread == 0.0)).all()
    assert (spread > 0.0).sum() > 60


def test_one_person_alone_has_no_spread() -> None:
    assert not trait_table([(7, 1)]).any()
    with pytest.raises(ValueError, match="no people"):
        trait_table([])


def test_relatives_are_nearer_than_strangers() -> None:
    people = [make_identity(11, number) for number in range(120)]
    table = trait_table((11, number) for number in range(120))
    pairs = [(person.index, person.relative) for person in people if person.relative is not None]
    kin = np.mean([np.linalg.norm(table[one] - table[other]) for one, other in pairs])
    strangers = np.mean([np.linalg.norm(table[one] - table[(other + 37) % 120]) for one, other in pairs])
    assert len(pairs) > 5
    assert kin < 0.8 * strangers


def test_the_reader_is_a_line_on_the_direction() -> None:
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(4, 3, generator=generator)
    reader = TraitReader(embedding_dim=8, table=table)
    embeddings, labels = torch.randn(5, 8, generator=generator), torch.tensor([0, 1, 2, 3, 0])
    expected = []
    for row, label in zip(embeddings.tolist(), labels.tolist(), strict=True):
        length = math.sqrt(sum(value * value for value in row))
        direction = torch.tensor([value / length * math.sqrt(8) for value in row])
        read = reader.read.weight.detach() @ direction + reader.read.bias.detach()
        expected.append(float(((read - table[label]) ** 2).mean()))
    assert reader(embeddings, labels).item() == pytest.approx(sum(expected) / 5, rel=1e-5)
    torch.testing.assert_close(reader(3.0 * embeddings, labels), reader(embeddings, labels))


def test_classes_know_their_people(data) -> None:
    sets = [open_frames(data / name) for name in ("train", "closeups")]
    crops = load_crops(sets, FACE)
    wearers = crops.wearers_of_classes()
    assert len(wearers) == crops.classes
    for row in range(len(crops)):
        assert wearers[crops.labels[row]][:2] == tuple(crops.wearers[row, :2])
    assert {seed for seed, _, _ in wearers} == {0, 3}


def test_a_set_that_is_still_rendered_does_not_know_them(data, tmp_path) -> None:
    shard = next(iter(open_frames(data / "train").shards))
    (tmp_path / shard.name).write_bytes(shard.read_bytes())
    with pytest.raises(DataError, match=r"index\.json"):
        load_crops([open_frames(tmp_path)], FACE).wearers_of_classes()
