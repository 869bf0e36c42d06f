"""iQIYI-VID's files through the restricted unpickler, and pickles that must not run."""

import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evaluation.datasets.errors import DataError
from evaluation.datasets.iqiyi import is_iqiyi, load_iqiyi
from evaluation.datasets.restricted_pickle import read_pickle
from packs.spec import Modality


def python_2_array(values: list[float]) -> bytes:
    """The opcodes that Python 2's pickle, protocol 2, writes for a float16 vector."""
    data = np.array(values, dtype="<f2").tobytes()

    def text(value: bytes) -> bytes:
        return b"U" + struct.pack("<B", len(value)) + value

    built = b"cnumpy.core.multiarray\n_reconstruct\n" + b"cnumpy\nndarray\n" + b"K\x00\x85" + text(b"b") + b"\x87R"
    kind = b"cnumpy\ndtype\n" + text(b"f2") + b"K\x00K\x01\x87R"
    kind += b"(K\x03" + text(b"<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01K" + struct.pack("<B", len(values)) + b"\x85" + kind + b"\x89" + text(data) + b"tb"
    return built + state


def python_2(clips: dict[bytes, bytes]) -> bytes:
    items = b"".join(b"U" + struct.pack("<B", len(name)) + name + value for name, value in clips.items())
    return b"\x80\x02}(" + items + b"u."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "train_gt.txt").write_text("t1.mp4 7\nt2.mp4 8\n")
    (tmp_path / "val_gt.txt").write_text("7 v1.mp4 v2.mp4\n0 v3.mp4\n")
    face = np.array([1, 0, 0], np.float16), np.array([0, 2, 0], np.float16)
    frames = {
        "train_v2": {"t1.mp4": [["0", [0, 0, 9, 9], 0.9, 80.0, face[0]]], "t2.mp4": []},
        "val_v2": {
            "v1.mp4": [["0", [0, 0, 9, 9], 0.9, 90.0, face[0]], ["5", [0, 0, 9, 9], 0.9, 30.0, face[1]]],
            "v3.mp4": [["0", [0, 0, 9, 9], 0.9, 50.0, face[1]]],
        },
    }
    for split, clips in frames.items():
        (tmp_path / f"face_{split}.pickle").write_bytes(pickle.dumps(clips, protocol=2))
    for split, names in (("train", (b"t1.mp4", b"t2.mp4")), ("val", (b"v1.mp4", b"v2.mp4"))):
        made = python_2({name: python_2_array([1.0, 0.5]) for name in names})
        (tmp_path / f"audio_{split}.pickle").write_bytes(made)
    return tmp_path


def test_clips_features_and_distractors_are_read(data: Path) -> None:
    assert is_iqiyi(data)
    found = load_iqiyi(data)
    assert found.train.identities == ("7", "8")
    assert (found.test.ids, found.test.identities) == (("v1.mp4", "v2.mp4", "v3.mp4"), ("7", "7", None))
    face = found.test.rows[Modality.FACE]
    assert face.present.tolist() == [True, False, True]
    # Weighted by quality, 0.9 to 0.3, and made one long.
    assert face.vectors[0] == pytest.approx(np.array([3.0, 1.0, 0.0]) / np.sqrt(10.0), abs=1e-3)
    assert face.quality == pytest.approx([0.6, 0.0, 0.5])
    assert found.train.rows[Modality.VOICE].vectors[0] == pytest.approx(np.array([2.0, 1.0]) / np.sqrt(5.0), abs=1e-3)
    assert found.train.rows[Modality.FACE].present.tolist() == [True, False]


def test_arrays_of_python_2_and_3_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.pickle"
    path.write_bytes(b"\x80\x02" + python_2_array([0.25, -2.0]) + b".")
    assert np.asarray(read_pickle(path)).tolist() == [0.25, -2.0]
    for value in (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3)), np.zeros((0, 4), ">f4")):
        path.write_bytes(pickle.dumps([value, np.float32(1.5)], protocol=2))
        array, number = read_pickle(path)
        assert np.array_equal(array, value)
        assert number == 1.5


class Evil:
    """Leaves a trace when it is run."""

    def __init__(self, reached: Any, *arguments: Any) -> None:
        self.reached, self.arguments = reached, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reached, self.arguments


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_code_is_refused_before_it_runs(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "trace"
    path = tmp_path / "face_val_v2.pickle"
    for evil in (Evil(os.mkdir, str(trace)), Evil(eval, "1"), Evil(getattr, "a", "upper"), Evil(np.load, str(path))):
        path.write_bytes(pickle.dumps({"v1.mp4": [evil]}, protocol=protocol))
        with pytest.raises(DataError, match=r"is refused \(it asks for .*a pickle can run code"):
            read_pickle(path)
    assert not trace.exists()


def test_a_malicious_file_of_the_data_set_is_refused_by_its_loader(data: Path) -> None:
    trace = data / "trace"
    (data / "face_val_v2.pickle").write_bytes(pickle.dumps({"v1.mp4": Evil(os.mkdir, str(trace))}, protocol=2))
    with pytest.raises(DataError, match=r"face_val_v2.pickle: is refused"):
        load_iqiyi(data)
    assert not trace.exists()


@pytest.mark.parametrize(
    "value",
    [
        np.array([{"an": "object"}], dtype=object),
        np.zeros(2, dtype=[("a", "f4"), ("b", "O")]),
        np.zeros(2, dtype="datetime64[s]"),
        np.ma.masked_array([1.0]),
    ],
    ids=["objects", "records", "dates", "subclass"],
)
def test_arrays_that_hold_more_than_numbers_are_refused(tmp_path: Path, value: np.ndarray) -> None:
    path = tmp_path / "a.pickle"
    path.write_bytes(pickle.dumps(value, protocol=2))
    with pytest.raises(DataError, match="is refused"):
        read_pickle(path)


def test_an_array_whose_bytes_are_too_few_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pickle"
    path.write_bytes(b"\x80\x02" + python_2_array([1.0, 2.0]).replace(b"(K\x01K\x02\x85", b"(K\x01K\xff\x85") + b".")
    with pytest.raises(DataError, match=r"shape \(255,\) in 4 bytes"):
        read_pickle(path)


def test_makers_cannot_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "a.pickle"
    # BUILD with a state for the maker of arrays: it has nothing to be set.
    path.write_bytes(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n}U\x01aK\x01sb.")
    with pytest.raises(DataError, match="no whole pickle"):
        read_pickle(path)


@pytest.mark.parametrize("content", [b"", b"\x80\x02}", b"not a pickle", b"\x80\x02Pabc\n."])
def test_what_is_no_pickle_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pickle"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.pickle"):
        read_pickle(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_gt.txt", "t1.mp4\n", "line 1 has 1 words"),
        ("val_gt.txt", "7 v1.mp4\n8 v1.mp4\n", "line 2 names v1.mp4 a second time"),
        ("val_gt.txt", "7 t1.mp4\n", "has 1 clips of train_gt.txt"),
        ("val_gt.txt", "", "is empty"),
        ("face_val_v2.pickle", pickle.dumps([1], 2), "holds list, expected a dictionary"),
        ("face_val_v2.pickle", pickle.dumps({"v1.mp4": [["0", [], 1.0]]}, 2), "expected frames of 4 values"),
        ("face_val_v2.pickle", pickle.dumps({"v1.mp4": [["0", [], 1.0, 9.0, "x"]]}, 2), "no vector of numbers"),
        ("face_val_v2.pickle", pickle.dumps({"other.mp4": []}, 2), r"lengths \[\]"),
    ],
)
def test_bad_files_are_told(data: Path, name: str, content: str | bytes, message: str) -> None:
    (data / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=message):
        load_iqiyi(data)


def test_a_folder_without_features_says_which(data: Path) -> None:
    for path in data.glob("*.pickle"):
        path.unlink()
    with pytest.raises(DataError, match="expected face_train"):
        load_iqiyi(data)
