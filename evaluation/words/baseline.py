"""The same appearances ranked without a network: colours of their crops, and which words go with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from evaluation.encoders.footage import chosen_frames
from evaluation.metrics.ranking import RankedHit
from evaluation.naive import BagOfWords, colour_histogram, unit
from evaluation.predictions import PredictedTracklet
from evaluation.truth import Film
from evaluation.truth_words import Description
from evaluation.words.figures import Ranking
from packs.arrays import F32, U8
from packs.preprocessing import crop_stretch

__all__ = ["CROPS", "colours_of", "rank_by_colours"]

# Of each appearance, spread over its time.
CROPS = 4
# As the bodies that taught the bag.
HEIGHT, WIDTH = 128, 64
LEAST_PX = 2.0


def colours_of(film: Film, tracklets: Sequence[PredictedTracklet]) -> dict[str, F32]:
    """Colours of each appearance, float32[F] of length one, by its id: the mean over its crops.

    The crops are cut out of the film where the product says that the person is. An appearance without a box of at least
    two pixels inside the picture is left out.
    """
    places: dict[int, list[tuple[str, list[float]]]] = {}
    for one in tracklets:
        for frame, box in _places(one, film):
            places.setdefault(frame, []).append((one.appearance_id, box))
    crops: dict[str, list[U8]] = {}
    for frame, picture in chosen_frames(film.path, places):
        for appearance_id, box in places[frame]:
            crops.setdefault(appearance_id, []).append(crop_stretch(picture, box, HEIGHT, WIDTH))
    means = {name: colour_histogram(np.stack(some)).mean(axis=0) for name, some in crops.items()}
    return {name: unit(mean[None])[0] for name, mean in means.items()}


def rank_by_colours(bag: BagOfWords, colours: dict[str, F32], asked: Sequence[Description]) -> list[Ranking]:
    """Let each description ask all appearances by the words that their colours suggest."""
    names = sorted(colours)
    if not names:
        return [Ranking(one, ()) for one in asked]
    scores = bag.of_texts([one.text for one in asked]) @ bag.of_bodies(np.stack([colours[name] for name in names])).T
    return [Ranking(one, _ordered(names, row)) for one, row in zip(asked, scores, strict=True)]


def _ordered(names: Sequence[str], scores: F32) -> tuple[RankedHit, ...]:
    order = np.argsort(-scores, kind="stable")
    return tuple(RankedHit(names[place], float(scores[place])) for place in order.tolist())


def _places(one: PredictedTracklet, film: Film) -> Iterator[tuple[int, list[float]]]:
    count = len(one.tube.frames)
    last = round(film.duration_s * film.frames_per_second) - 1
    for row in sorted({int((part + 0.5) / CROPS * count) for part in range(CROPS)}) if count else ():
        box = np.clip(one.tube.boxes[row], 0.0, [film.width_px, film.height_px] * 2)
        if (box[2:] - box[:2]).min() >= LEAST_PX and one.tube.frames[row] <= last:
            yield int(one.tube.frames[row]), box.tolist()
