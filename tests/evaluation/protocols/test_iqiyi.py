import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.iqiyi import ClipIdentification
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from evaluation.fusers.fuser import Fuser
from evaluation.protocols.iqiyi.identifiers import EnsembleIdentifier, PrototypeIdentifier, prototypes_of
from evaluation.protocols.iqiyi.report import page_of_iqiyi, plots_of_iqiyi, report_of_iqiyi
from evaluation.protocols.iqiyi.split import split_cast
from evaluation.protocols.iqiyi.table import run_iqiyi
from packs.spec import Modality

MadeSearch = Callable[..., CastSearch]


@pytest.fixture
def data(made_search: MadeSearch) -> ClipIdentification:
    return split_cast(made_search(people=6, each=20))


def test_one_cast_is_split_by_clip_and_the_others_distract(data: ClipIdentification) -> None:
    known = {name for name in data.train.identities if name is not None}
    assert {name.partition("/")[0] for name in known} == {"cast1"}
    assert None not in data.train.identities
    # 40 % and 30 % of each person's 18 or so clips.
    for person in known:
        train, test = (part.identities.count(person) for part in (data.train, data.test))
        assert train == pytest.approx(0.4 * 17.5, abs=1)
        assert test == pytest.approx(0.3 * 17.5, abs=1)
    assert not set(data.train.ids) & set(data.test.ids)
    others = [name for name, who in zip(data.test.ids, data.test.identities, strict=True) if who is None]
    assert sum(name.startswith("f2") for name in others) == 120


def test_the_split_does_not_depend_on_order(made_search: MadeSearch, data: ClipIdentification) -> None:
    search = made_search(people=6, each=20)
    order = np.random.default_rng(1).permutation(len(search.tracklets))
    shuffled = CastSearch("made", search.tracklets.take(order), search.portraits)
    again = split_cast(shuffled)
    assert set(again.train.ids) == set(data.train.ids)
    assert set(again.test.ids) == set(data.test.ids)


def test_one_cast_alone_gives_a_quarter_of_its_people_as_distractors(made_search: MadeSearch) -> None:
    data = split_cast(made_search(people=8, one_cast=True))
    known = {name for name in data.train.identities if name is not None}
    assert len(known) == 6
    assert None in data.test.identities


def test_too_few_clips_are_told(made_search: MadeSearch) -> None:
    with pytest.raises(ValueError, match="nobody has 4 clips"):
        split_cast(made_search(each=3))


def test_prototypes_are_means_by_quality() -> None:
    rows = {Modality.FACE: ModalityRows.of([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [True, True, False], [0.9, 0.3, 0.0])}
    train = Tracklets.of(["1", "2", "3"], ["", "", ""], ["a", "a", "b"], rows)
    found = prototypes_of(train, ["a", "b"])
    assert found.rows[Modality.FACE].vectors[0] == pytest.approx(np.array([3.0, 1.0]) / np.sqrt(10.0))
    assert found.rows[Modality.FACE].present.tolist() == [True, False]


def test_probabilities_leave_room_for_nobody(data: ClipIdentification, fusers: list[Fuser]) -> None:
    people = sorted({str(name) for name in data.train.identities})
    one = PrototypeIdentifier("face", fusers[0], (Modality.FACE,))
    for way in (one, EnsembleIdentifier("+ ensemble", one)):
        found = way.probabilities(data.train, data.test, people)
        assert found.shape == (6, len(data.test))
        assert (found >= 0).all()
        assert (found.sum(axis=0) < 1).all()


class Oracle:
    """A network that knows."""

    name = "+ MMA"

    def probabilities(self, train: Tracklets, test: Tracklets, people: Sequence[str]) -> np.ndarray:
        return np.array([[float(who == person) for who in test.identities] for person in people])


def test_the_table(data: ClipIdentification, fusers: list[Fuser], tmp_path: Path) -> None:
    result = run_iqiyi(data, fusers, (Oracle(),), lambda line: None)
    names = [row.name for row in result.rows]
    rising = ["face + voice", "+ body", "+ ensemble"]
    assert names == ["random", "face alone", "voice alone", "body alone", *rising, *rising, "+ MMA"]
    maps = {(row.name, row.fuser): row.mean_average_precision.value for row in result.rows}
    assert maps["random", "-"] < 0.1 < maps["face alone", "-"] < maps["+ body", "late fusion"]
    assert maps["+ MMA", "network"] == 1.0
    assert result.not_given == ["+ NetVLAD"]
    report = report_of_iqiyi(result, {}, {})
    assert json.loads(json.dumps(report)) == report
    assert report["counts"]["distractors"] == data.test.identities.count(None)
    page = page_of_iqiyi(report, plots_of_iqiyi(report, tmp_path))
    assert "No network was given for the rows + NetVLAD." in page


def test_nothing_in_common_is_told(data: ClipIdentification, fusers: list[Fuser]) -> None:
    def only(part: Tracklets, modality: Modality) -> Tracklets:
        return Tracklets.of(part.ids, part.movies, part.identities, {modality: part.rows[modality]})

    apart = ClipIdentification("d", only(data.train, Modality.FACE), only(data.test, Modality.BODY))
    with pytest.raises(ValueError, match="no modality in common"):
        run_iqiyi(apart, fusers, (), lambda line: None)
