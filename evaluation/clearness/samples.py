"""Faces of films, each beside the body of its frame: blurred by and by, and turned as they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluation.encoders.footage import chosen_frames
from evaluation.truth import Film, TruthTracklet
from packs.arrays import F32, U8
from packs.spec import Modality

__all__ = ["BLURS", "YAWS_DEG", "FaceSample", "face_samples"]

# Standard deviations of the Gaussian, as shares of the width of the face.
BLURS = (0.0, 0.02, 0.04, 0.06, 0.08, 0.12, 0.16)
# Bounds of the bins of yaw; a face that is turned by more than 75 degrees is rarely found: no bin of its own.
YAWS_DEG = (0.0, 15.0, 30.0, 45.0, 60.0, 90.0)
# Blur is measured on faces that look at the camera, so that nothing else is wrong with them.
FRONTAL_DEG = 30.0


class Cuts(Protocol):
    """What cuts crops (`services.backends.vision.VisionModels`)."""

    def crop(self, modality: Modality, image: U8, box: F32) -> U8:
        """Cut a box, float32[4] in pixels, as the encoder of a modality wants it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FaceSample:
    """A face and the body that it belongs to, as their encoders want them: uint8[h, w, 3].

    Attributes:
        identity: Whose.
        tracklet: In which tracklet of the truth.
        condition: Number of the blur or of the bin of yaw.
        face: The face.
        body: The body of the same frame, as it is.
    """

    identity: str
    tracklet: str
    condition: int
    face: U8
    body: U8


def face_samples(film: Film, vision: Cuts) -> tuple[list[FaceSample], list[FaceSample]]:
    """Faces of a film at each blur, one a tracklet; and at each yaw, one a bin and tracklet.

    Of a bin the frame in the middle is taken, of the blur the one in which the face looks most at the camera. Only
    tracklets that count take part, and in these only frames in which the face is large enough and uncovered.
    """
    wanted: dict[int, list[tuple[TruthTracklet, int, int | None]]] = {}
    for tracklet in film.tracklets:
        for row, bin_ in _chosen(tracklet) if tracklet.counts else ():
            wanted.setdefault(int(tracklet.views.tube.frames[row]), []).append((tracklet, row, bin_))
    blurred, turned = list[FaceSample](), list[FaceSample]()
    for number, picture in chosen_frames(film.path, wanted.keys()):
        for tracklet, row, bin_ in wanted[number]:
            body = tracklet.tube.at(np.array([number])).boxes
            if len(body) == 0:
                continue
            box = tracklet.views.tube.boxes[row]
            dressed = vision.crop(Modality.BODY, picture, body[0].astype(np.float32))
            conditions = enumerate(BLURS) if bin_ is None else [(bin_, 0.0)]
            for condition, share in conditions:
                face = _face(picture, box, share, vision)
                sample = FaceSample(tracklet.identity, tracklet.key, condition, face, dressed)
                (blurred if bin_ is None else turned).append(sample)
    return blurred, turned


def _chosen(tracklet: TruthTracklet) -> Iterator[tuple[int, int | None]]:
    """Rows of the views: for the blur (None), and for each bin of yaw."""
    yaw_deg = tracklet.views.yaw_deg
    if len(yaw_deg) == 0:
        return
    frontal = int(np.argmin(yaw_deg))
    if yaw_deg[frontal] <= FRONTAL_DEG:
        yield frontal, None
    for bin_, (least, most) in enumerate(itertools.pairwise(YAWS_DEG)):
        inside = np.flatnonzero((yaw_deg >= least) & (yaw_deg < most))
        if len(inside):
            yield int(inside[len(inside) // 2]), bin_


def _face(picture: U8, box: NDArray[np.float64], share: float, vision: Cuts) -> U8:
    """Blur the face and what is around it, then cut."""
    if share == 0.0:
        return vision.crop(Modality.FACE, picture, box.astype(np.float32))
    width = box[2] - box[0]
    left, top = np.maximum(np.floor(box[:2] - width), 0).astype(int)
    right, bottom = np.ceil(box[2:] + width).astype(int)
    patch = cv2.GaussianBlur(picture[top:bottom, left:right], (0, 0), float(share * width))
    moved = (box - [left, top, left, top]).astype(np.float32)
    return vision.crop(Modality.FACE, np.asarray(patch, dtype=np.uint8), moved)
