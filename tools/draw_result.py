"""Draw the picture of the README: one portrait and its best hits, from a running stack that holds the demo film.

    personsearch demo && python tools/draw_result.py PORTRAIT OUT.png [--gallery G]

Every hit is its key frame with the person's box, the time, the score and the chain of evidence in words.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import cv2
import numpy as np
from numpy.typing import NDArray

from personsearch.query import portrait
from personsearch.sync import connect
from personsearch.v1 import geometry_pb2, hit_pb2, modality_pb2

WIDTH, HEIGHT, CAPTION, COLUMNS = 384, 216, 34, 3
INK, PAPER, FRAME = (40, 40, 40), (250, 250, 250), (60, 170, 60)

Image = NDArray[np.uint8]


def read(path: Path) -> Image:
    """Read a picture, BGR."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SystemExit(f"{path} is no picture that OpenCV reads")
    return image.astype(np.uint8)


def box_at(hit: hit_pb2.Hit) -> geometry_pb2.Box:
    """The person's box nearest to the key frame."""
    shown = hit.appearance
    return min(shown.boxes, key=lambda box: abs(box.time_s - shown.key_frame_s)).person


def words(hit: hit_pb2.Hit) -> str:
    """Time, score and evidence of a hit."""
    span = hit.appearance.span
    chain = " > ".join(modality_pb2.Modality.Name(step.modality)[9:].lower() for step in hit.evidence)
    times = "-".join(f"{int(t) // 60}:{t % 60:04.1f}" for t in (span.start_s, span.end_s))
    return f"{times}   {100 * hit.score:.0f} %   by {chain}"


def tile(image: Image, caption: str) -> Image:
    """A picture of the tile's size above a line of text."""
    canvas = np.full((HEIGHT + CAPTION, WIDTH, 3), PAPER, np.uint8)
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left = (WIDTH - small.shape[1]) // 2
    canvas[: small.shape[0], left : left + small.shape[1]] = small
    place = (8, HEIGHT + 23)
    return np.asarray(cv2.putText(canvas, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA), np.uint8)


def hit_tile(hit: hit_pb2.Hit) -> Image:
    """The key frame of a hit with the person's box."""
    image = read(Path(url2pathname(urlparse(hit.appearance.key_frame_uri).path)))
    height, width = image.shape[:2]
    box = box_at(hit)
    corners = [(int(x * width), int(y * height)) for x, y in ((box.x_min, box.y_min), (box.x_max, box.y_max))]
    return tile(np.asarray(cv2.rectangle(image, corners[0], corners[1], FRAME, 4), np.uint8), words(hit))


def main() -> None:
    """Ask, and draw what comes back."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("portrait", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--gallery", default="default")
    asked = parser.parse_args()
    with connect() as client:
        answer = client.search([portrait(asked.portrait)], gallery=asked.gallery, min_score=0.3, top_k=5)
    tiles = [tile(read(asked.portrait), "asked for"), *(hit_tile(hit) for hit in answer.hits)]
    tiles += [np.full_like(tiles[0], PAPER)] * (-len(tiles) % COLUMNS)
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    cv2.imwrite(str(asked.out), np.vstack(rows))


if __name__ == "__main__":
    main()
