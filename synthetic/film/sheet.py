"""A contact sheet: pictures of all kinds of shots of finished films, some with the boxes of the truth."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np

from synthetic.types import U8

_TILE: Final = (480, 270)
_COLUMNS: Final = 4
_PORTRAITS: Final = 8
_MAX_BYTES: Final = 500_000
_COLORS: Final = {"person": (90, 200, 60), "head": (60, 160, 240), "face": (240, 70, 60)}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pick:
    """A frame to show, and what to write on it; `boxes` draws those of the truth."""

    film: Path
    frame: int
    label: str
    boxes: bool


def write_sheet(films: Sequence[Path], out: Path, per_kind: int = 2) -> list[Pick]:
    """Write the contact sheet of film folders as a JPEG of at most 500 kB; returns what it shows.

    Raises:
        FileNotFoundError: a folder holds no finished film.
        ValueError: no film was given.
    """
    if not films:
        raise ValueError("got no film folder, need at least one that `python -m synthetic render` has finished")
    truths = {film: _truth(film) for film in films}
    picks = choose(truths, per_kind)
    tiles = [_tile(pick, truths[pick.film]) for pick in picks]
    while len(tiles) % _COLUMNS:
        tiles.append(np.full_like(tiles[0], 255))
    rows = [np.hstack(tiles[k : k + _COLUMNS]) for k in range(0, len(tiles), _COLUMNS)]
    rows.append(_portraits(films, truths, rows[0].shape[1]))
    _save(np.vstack(rows), out)
    return picks


def choose(truths: dict[Path, Json], per_kind: int) -> list[Pick]:
    """Choose frames: of each kind of shot the fullest ones, one in the dark, one in the middle of a dissolve."""
    shots = [(film, truth, shot) for film, truth in truths.items() for shot in truth["shots"]]
    picks: list[Pick] = []
    for kind in dict.fromkeys(shot["kind"] for _, _, shot in shots):
        mine = [(film, truth, shot) for film, truth, shot in shots if shot["kind"] == kind]
        mine.sort(key=lambda entry: (_is_dark(entry[1], entry[2]), -_people(entry[1], entry[2]), entry[2]["shot_id"]))
        step = max(len(mine) // (2 * per_kind), 1)
        for n, (film, _, shot) in enumerate(mine[::step][:per_kind]):
            picks.append(Pick(film, (shot["start_frame"] + shot["end_frame"]) // 2, kind, boxes=n % 2 == 1))
    for film, truth, shot in shots:
        if _is_dark(truth, shot) and shot["kind"] in ("medium", "wide", "talk"):
            picks.append(Pick(film, (shot["start_frame"] + shot["end_frame"]) // 2, "dark", boxes=False))
            break
    for film, _, shot in shots:
        if shot["transition"] == "dissolve":
            picks.append(Pick(film, shot["start_frame"], "dissolve", boxes=False))
            break
    return picks + _fill([(film, shot) for film, _, shot in shots], picks)


def _fill(shots: list[tuple[Path, Json]], picks: list[Pick]) -> list[Pick]:
    """Further frames, so that the last row is full when there are shots enough."""
    taken = {(pick.film, pick.frame) for pick in picks}
    middles = [(film, (shot["start_frame"] + shot["end_frame"]) // 2, shot["kind"]) for film, shot in shots]
    free = [Pick(film, frame, kind, boxes=False) for film, frame, kind in middles if (film, frame) not in taken]
    return free[: -len(picks) % _COLUMNS]


def _people(truth: Json, shot: Json) -> int:
    return sum(t["shot_id"] == shot["shot_id"] for t in truth["tracklets"])


def _is_dark(truth: Json, shot: Json) -> bool:
    return any(scene["dark"] for scene in truth["scenes"] if scene["scene_id"] == shot["scene_id"])


def _truth(film: Path) -> Json:
    path = film / "truth.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing, expected a finished film: run `python -m synthetic render` first")
    truth: Json = json.loads(path.read_text())
    return truth


def _tile(pick: Pick, truth: Json) -> U8:
    picture = read_frame(pick.film / "film.mp4", pick.frame)
    if pick.boxes:
        for tracklet in truth["tracklets"]:
            frames = tracklet["frames"]
            if pick.frame in frames["index"]:
                _draw_boxes(picture, frames, frames["index"].index(pick.frame))
    small = cv2.resize(picture, _TILE, interpolation=cv2.INTER_AREA)
    for thickness, grey in ((3, 0), (1, 255)):
        cv2.putText(small, pick.label, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (grey,) * 3, thickness, cv2.LINE_AA)
    return np.asarray(small, dtype=np.uint8)


def _draw_boxes(picture: U8, frames: Json, at: int) -> None:
    for name, color in _COLORS.items():
        box = frames[name][at]
        if box is not None and frames["visibility"][at] >= 0.1:
            x0, y0, x1, y1 = (round(v) for v in box)
            cv2.rectangle(picture, (x0, y0), (x1, y1), color, 3)


def read_frame(video: Path, frame: int) -> U8:
    """Return frame number `frame` of a video: uint8[H, W, 3] RGB.

    Raises:
        IndexError: the video is shorter.
    """
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        rate, base = stream.average_rate, stream.time_base
        assert rate is not None
        assert base is not None
        container.seek(int(frame / rate / base), stream=stream)
        for picture in container.decode(stream):
            if picture.pts is not None and round(picture.pts * base * rate) >= frame:
                return np.asarray(picture.to_ndarray(format="rgb24"), dtype=np.uint8)
    raise IndexError(f"{video} ends before frame {frame}; does its truth.json belong to it?")


def _portraits(films: Sequence[Path], truths: dict[Path, Json], width: int) -> U8:
    """A row of query portraits of different people."""
    paths = [film / q["path"] for film in films for q in truths[film]["queries"] if q["kind"] == "portrait"]
    step = max(len(paths) // _PORTRAITS, 1)
    size = width // _PORTRAITS
    row = np.full((size, width, 3), 255, np.uint8)
    for k, path in enumerate(paths[::step][:_PORTRAITS]):
        picture = cv2.imread(str(path))
        assert picture is not None
        rgb = cv2.cvtColor(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
        row[:, k * size : (k + 1) * size] = rgb
    return row


def _save(sheet: U8, out: Path) -> None:
    """Write a JPEG, as good as 500 kB allow."""
    out.parent.mkdir(parents=True, exist_ok=True)
    bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
    for quality in range(90, 20, -5):
        _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if len(data) <= _MAX_BYTES:
            break
    out.write_bytes(data.tobytes())
