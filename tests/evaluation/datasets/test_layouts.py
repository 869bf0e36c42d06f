"""Each loader on a tiny folder in the published layout, and what it says of broken ones."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from evaluation.datasets.apes import is_apes, load_apes
from evaluation.datasets.errors import DataError
from evaluation.datasets.ppcc import is_ppcc, load_across, load_within
from evaluation.datasets.references import attach, not_embedded
from evaluation.datasets.wider import is_wider, load_wider, with_voices
from packs.spec import Modality

WriteJson = Callable[[str, object], Path]


@pytest.fixture
def write(tmp_path: Path) -> WriteJson:
    def put(name: str, value: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path

    return put


@pytest.fixture
def ppcc(tmp_path: Path, write: WriteJson) -> Path:
    info = {"tt1": {"num_tracklet": 3, "pids": ["nm1", "nm2"], "labels": ["nm1", "others", "nm2"]}}
    write("meta/test.json", {"movie": ["tt1"], "info": info})
    write("meta/across_test.json", [{"pid": "nm1", "plabel": 0}, {"pid": "nm2", "plabel": 1}])
    for folder, count in (("in/tt1", 3), ("across", 2)):
        place = tmp_path / "affinity/test" / folder
        place.mkdir(parents=True)
        for region in ("face", "body"):
            for link in ("mean", "max"):
                np.save(place / f"{region}_{link}_ct_affmat.npy", np.full((2, count), 0.25))
                np.save(place / f"{region}_{link}_tt_affmat.npy", np.eye(count))
    return tmp_path


def test_ppcc(ppcc: Path) -> None:
    assert is_ppcc(ppcc)
    movie = load_within(ppcc)["tt1"]
    assert (movie.cast, movie.labels) == (("nm1", "nm2"), ("nm1", None, "nm2"))
    assert movie.direct("face", "mean").shape == (2, 3)
    assert movie.links("body", "max").tolist() == np.eye(3).tolist()
    across = load_across(ppcc)
    assert (across.cast, across.labels) == (("nm1", "nm2"), ("nm1", "nm2"))
    assert across.direct("body", "mean").shape == (2, 2)


def test_ppcc_says_what_is_wrong(ppcc: Path, write: WriteJson) -> None:
    movie = load_within(ppcc)["tt1"]
    np.save(movie.folder / "face_mean_ct_affmat.npy", np.zeros((2, 9)))
    with pytest.raises(DataError, match=r"shape \(2, 9\), expected numbers of shape \(2, 3\)"):
        movie.direct("face", "mean")
    np.save(movie.folder / "face_mean_ct_affmat.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"no plain \.npy file"):
        movie.direct("face", "mean")
    (movie.folder / "face_mean_ct_affmat.npy").unlink()
    with pytest.raises(DataError, match="is not there"):
        movie.direct("face", "mean")
    write("meta/test.json", {"movie": ["tt1"], "info": {"tt1": {"num_tracklet": 9, "pids": ["a"], "labels": ["a"]}}})
    with pytest.raises(DataError, match="1 labels and num_tracklet 9"):
        load_within(ppcc)
    write("meta/across_test.json", [{"pid": "a", "plabel": 0}, {"pid": "b", "plabel": 0}])
    with pytest.raises(DataError, match="`plabel` 0 is a and, in record 1, b"):
        load_across(ppcc)
    write("meta/test.json", "{")
    with pytest.raises(DataError, match="is not JSON"):
        load_within(ppcc)


def wider() -> dict[str, object]:
    cast = [{"id": "tt1_nm1", "img": "tt1/cast/nm1.jpg", "label": "nm1"}]
    shown = {"id": "tt1_0001", "img": "tt1/candidates/0001.jpg", "bbox": [10, 20, 30, 60], "label": "nm1"}
    other = {"id": "tt1_0002", "img": "tt1/candidates/0002.jpg", "bbox": [1, 2, 3, 6], "label": "others"}
    return {"tt1": {"cast": cast, "candidates": [shown, other]}}


def test_wider(tmp_path: Path, write: WriteJson) -> None:
    write("val.json", wider())
    assert is_wider(tmp_path)
    found = load_wider(tmp_path)
    assert [query.identity for query in found.queries] == ["nm1"]
    assert [one.identity for one in found.tracklets] == ["nm1", None]
    assert found.tracklets[0].box_px == (10.0, 20.0, 30.0, 60.0)
    assert found.tracklets[0].media[Modality.BODY] == (tmp_path / "val/tt1/candidates/0001.jpg",)


def test_wider_takes_labels_from_their_own_file(tmp_path: Path, write: WriteJson) -> None:
    write("val.json", wider())
    write("val_label.json", {"tt1_nm1": ["tt1_0002"]})
    found = load_wider(tmp_path)
    assert [query.identity for query in found.queries] == ["tt1_nm1"]
    assert [one.identity for one in found.tracklets] == [None, "tt1_nm1"]


def test_wider_says_what_is_wrong(tmp_path: Path, write: WriteJson) -> None:
    broken = wider()
    broken["tt1"]["candidates"][0]["bbox"] = [1, 2]  # type: ignore[index]
    write("val.json", broken)
    with pytest.raises(DataError, match=r"tt1_0001 has the box \[1, 2\]"):
        load_wider(tmp_path)
    write("val.json", {"tt1": []})
    with pytest.raises(DataError, match="has list for tt1, expected an object"):
        load_wider(tmp_path)


def test_voices_of_csm_v(tmp_path: Path, write: WriteJson) -> None:
    write("val.json", wider())
    write("voices.json", {"tt1": {"tt1_0002": [{"wav": "voices/2.wav", "t_start": 1.0, "t_end": 2.5}]}})
    found = with_voices(load_wider(tmp_path), tmp_path).tracklets
    assert [one.speaks for one in found] == [False, True]
    assert found[1].media[Modality.VOICE] == (tmp_path / "voices/2.wav",)
    write("voices.json", {"tt1": {"tt1_0002": [{"wav": "voices/2.wav", "t_start": 3.0, "t_end": 2.5}]}})
    with pytest.raises(DataError, match="`t_start` before `t_end`"):
        with_voices(load_wider(tmp_path), tmp_path)
    write("voices.json", {"tt1": {"nobody": []}})
    with pytest.raises(DataError, match="voices of 1 tracklets that are not there"):
        with_voices(load_wider(tmp_path), tmp_path)


AVA = """v1,902.1,0.1,0.1,0.3,0.4,NOT_SPEAKING,v1_0902:1
v1,902.0,0.1,0.1,0.3,0.4,SPEAKING_AUDIBLE,v1_0902:1
v1,903.0,0.5,0.1,0.7,0.4,SPEAKING_NOT_AUDIBLE,v1_0902:2
v1,904.0,0.5,0.1,0.7,0.4,NOT_SPEAKING,v1_0902:3
"""
APES = """entity_id,video_id,identity
v1_0902_1,v1,0
v1_0902_2,v1,0
v1_0902_3,v1,EXTRA_OR_AMBIGUOUS
"""


def test_apes(tmp_path: Path, write: WriteJson) -> None:
    write("APES-val.csv", APES)
    write("ava_activespeaker_val.csv", AVA)
    assert is_apes(tmp_path)
    first, second = load_apes(tmp_path).tracklets
    assert (first.id, first.movie, first.identity) == ("v1_0902:1", "v1", "v1/0")
    assert first.span_s == (902.0, 902.1)
    assert [one.speaks for one in (first, second)] == [True, False]
    assert first.media[Modality.FACE][0] == tmp_path / "faces/v1_0902:1/902.0.jpg"
    assert first.media[Modality.VOICE] == (tmp_path / "audio/v1_0902:1.wav",)


def test_apes_takes_the_published_codes_own_file(tmp_path: Path, write: WriteJson) -> None:
    rows = ["v1,902.0,0,0,1,1,x,v1_0902:1,v1_0902:1,1,7", "v1,903.0,0,0,1,1,x,v1_0902:2,v1_0902:2,0,8"]
    write("APES-val.csv", APES)
    write("ava_activespeaker_val.csv", "\n".join(["video_id,frame_timestamp,a,b,c,d,e,f,entity_id,label_id,id", *rows]))
    assert [one.speaks for one in load_apes(tmp_path).tracklets] == [True, False]


@pytest.mark.parametrize(
    ("apes", "ava", "message"),
    [
        (APES, AVA.replace("NOT_SPEAKING,", "WHISTLING,"), "line 1 has the label 'WHISTLING'"),
        (APES, AVA.replace("902.1", "soon"), "line 1 has the time 'soon'"),
        (APES, "v1,902.1\n", "line 1 has 2 columns"),
        (APES, "", "has no rows"),
        (APES + "v9_1_1,v9,3\n", AVA, "v9_1:1 of v9 is not in the active-speaker file"),
        ("entity_id\nv1_0902_1\n", AVA, "line 2 has 1 columns"),
        ("entity_id,video_id,identity\n", AVA, "names nobody"),
    ],
)
def test_apes_says_what_is_wrong(tmp_path: Path, write: WriteJson, apes: str, ava: str, message: str) -> None:
    write("APES-val.csv", apes)
    write("ava_activespeaker_val.csv", ava)
    with pytest.raises(DataError, match=message):
        load_apes(tmp_path)


def test_embeddings_come_back_by_id(tmp_path: Path, write: WriteJson) -> None:
    write("val.json", wider())
    references = load_wider(tmp_path)
    error = not_embedded(references, tmp_path)
    assert "embed 2 tracklets and 1 queries (body)" in str(error)
    path = tmp_path / "made.npz"
    np.savez(path, ids=np.array(["unasked", "tt1_0002"]), **{"body.vectors": np.array([[1.0, 0.0], [0.0, 3.0]])})
    joined = attach(references.tracklets, path)
    assert joined.ids == ("tt1_0001", "tt1_0002")
    assert joined.present(Modality.BODY).tolist() == [False, True]
    assert joined.rows[Modality.BODY].vectors.tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert not joined.present(Modality.FACE).any()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": np.array(["a"])}, "expected `ids`"),
        ({"ids": np.array(["tt1_0001"])}, "expected `<modality>.vectors`"),
        ({"ids": np.array(["x"]), "body.vectors": np.ones((1, 2))}, "holds none of the 2 ids"),
        ({"ids": np.array(["tt1_0001"]), "body.vectors": np.zeros((1, 2))}, "0 or not finite"),
        ({"ids": np.array(["tt1_0001", "y"]), "body.vectors": np.ones((1, 2))}, "2 ids and 1 rows of body"),
        ({"ids": np.array([{}], dtype=object), "body.vectors": np.ones((1, 2))}, "no .npz of plain arrays"),
    ],
)
def test_bad_embeddings_are_told(tmp_path: Path, write: WriteJson, arrays: dict[str, np.ndarray], message: str) -> None:
    write("val.json", wider())
    np.savez(tmp_path / "made.npz", allow_pickle=True, **arrays)
    with pytest.raises(DataError, match=message):
        attach(load_wider(tmp_path).tracklets, tmp_path / "made.npz")
