from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.errors import DataError
from evaluation.datasets.store import read_search, write_search
from evaluation.datasets.tracklets import CastSearch, ModalityRows, Tracklets
from packs.spec import Modality


def made() -> CastSearch:
    random = np.random.default_rng(0)
    rows = {
        Modality.FACE: ModalityRows.of(random.normal(size=(3, 4)), [True, False, True], [0.5, 0.0, 0.25]),
        Modality.VOICE: ModalityRows.of(random.normal(size=(3, 2))),
    }
    tracklets = Tracklets.of(
        ["a", "b", "c"],
        ["f", "f", "g"],
        ["p", None, ""],
        rows,
        spans_s=[(0, 1), (2, 3), (4, 5)],
        on_screen=[True, True, False],
        speaks=[False, True, True],
        speaker=[0.25, 0.5, 1.0],
        outfits=["f/o1", "", "g/o1"],
    )
    portrait = Tracklets.of(["q"], ["f"], ["p"], {Modality.FACE: ModalityRows.of(random.normal(size=(1, 4)))})
    return CastSearch("made", tracklets, portrait, None, {"p": {"sex": "female"}})


def test_a_search_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "s.npz"
    search = made()
    write_search(path, search, {"films": ["f"]})
    found, facts = read_search(path)
    assert facts == {"films": ["f"]}
    assert (found.name, found.voices, found.attributes) == ("made", None, {"p": {"sex": "female"}})
    for ours, theirs in ((search.tracklets, found.tracklets), (search.portraits, found.portraits)):
        for name in ("ids", "movies", "identities", "outfits"):
            assert getattr(ours, name) == getattr(theirs, name)
        for name in ("spans_s", "on_screen", "face_visible", "speaks", "speaker"):
            assert np.array_equal(getattr(ours, name), getattr(theirs, name))
        assert ours.rows.keys() == theirs.rows.keys()
        for modality, rows in ours.rows.items():
            for name in ("vectors", "present", "quality"):
                assert np.array_equal(getattr(rows, name), getattr(theirs.rows[modality], name))


def test_what_is_no_such_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "s.npz"
    with pytest.raises(DataError, match="is not there"):
        read_search(path)
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="make it anew"):
        read_search(path)
    np.savez(path, other=np.zeros(1))
    with pytest.raises(DataError, match="make it anew"):
        read_search(path)
    np.savez(path, head=np.array('{"schema": "older"}'))
    with pytest.raises(DataError, match="schema 'older'"):
        read_search(path)
    np.savez(path, allow_pickle=True, head=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="make it anew"):
        read_search(path)


def test_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="an id twice"):
        Tracklets.of(["a", "a"], ["f", "f"], [None, None], {})
    with pytest.raises(ValueError, match="beside columns"):
        Tracklets.of(["a"], ["f", "g"], [None], {})
    with pytest.raises(ValueError, match="0 or not finite"):
        ModalityRows.of(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="expected N rows"):
        ModalityRows.of(np.ones((2, 2)), [True])


def test_a_modality_that_nobody_has_is_left_out() -> None:
    rows = {Modality.FACE: ModalityRows.of(np.zeros((2, 3)), [False, False])}
    assert Tracklets.of(["a", "b"], ["f", "f"], [None, None], rows).rows == {}
