"""The three samplings of APES, each a training of small maps over a pack's embeddings of face and voice.

Source: Alcazar et al., "APES: Audiovisual Person Search in Untrimmed Video", sections 4.1 and 4.2 and Table 2
(methods.md 3.1 and 3.2). What differs is how a triplet is drawn:

- *Weak*: the positive is the anchor's tracklet, the negative any other tracklet, which may show the same person;
- *Within*: the positive is of the anchor's person, the negative of another person of the same film;
- *Across*: the negative is of another person of any film.

Faces alone, voices alone and both by the sum of three losses are trained apart, as in the paper. A read-back holds one
embedding a tracklet, so the views of a Weak pair are the same embedding under two draws of dropout, where the paper has
two crops; the other samplings have the same dropout. The maps begin as the principal directions of the training
embeddings, which is where the paper's streams begin at those of ImageNet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from evaluation.protocols.apes.samplings import NAMES, SamplingMaps, write_sampling
from models.fusion.projected import ProjectedStreams, projected_streams
from models.fusion.two_stream import TwoStreamEmbeddings
from packs.spec import Modality
from training.data.associations import PARTS, FilmTracklets, load_associations
from training.data.shards import DataError
from training.losses.triplet import TripletMargin
from training.losses.two_stream import TwoStreamLoss

__all__ = ["Recipe", "Triplets", "draw", "make_samplings", "train_maps"]

F32 = NDArray[np.float32]
Rows = NDArray[np.int64]
PLACES = {modality: number for number, (modality, _) in enumerate(PARTS)}
FACE, VOICE = PLACES[Modality.FACE], PLACES[Modality.VOICE]
FACE_DIM, VOICE_DIM = PARTS[FACE][1], PARTS[VOICE][1]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that a training depends on; chosen on films 8101 to 8103, which no training has seen."""

    seed: int = 1301
    steps: int = 300
    batch: int = 128
    learning_rate: float = 3e-4
    margin: float = 1.0
    dropout: float = 0.2
    dim: int = 64


class Triplets(NamedTuple):
    """Rows of anchors, positives and negatives, int64[B] each."""

    anchor: Rows
    positive: Rows
    negative: Rows


def make_samplings(
    data: Path, films: Sequence[str], out: Path, *, recipe: Recipe | None = None, say: Callable[[str], None]
) -> list[Path]:
    """Train all three on read-backs, and write OUT/weak.npz, within.npz and across.npz.

    Raises:
        DataError: If the read-backs are none, or hold too few people for a sampling.
    """
    recipe = recipe or Recipe()
    tracklets = load_associations(data, films)
    made = []
    for name in NAMES:
        maps = train_maps(tracklets, name, recipe, say)
        path = out / f"{name.lower()}.npz"
        write_sampling(path, SamplingMaps(name, tracklets.pack, tuple(films), maps, asdict(recipe)))
        say(f"{path}: {path.stat().st_size / 1e3:.0f} kB")
        made.append(path)
    return made


def train_maps(tracklets: FilmTracklets, sampling: str, recipe: Recipe, say: Callable[[str], None]) -> dict[str, F32]:
    """Train by one sampling: the maps by the names of `evaluation.protocols.apes.samplings.MAPS`."""
    faces, voices = (np.flatnonzero(tracklets.on_screen & (tracklets.present[:, one] > 0)) for one in (FACE, VOICE))
    both = np.intersect1d(faces, voices)
    found: dict[str, F32] = {}
    for part, rows in (("face", faces), ("voice", voices), ("both", both)):
        network = _begun(tracklets, faces, voices, recipe)
        last = _train(network, tracklets, rows, sampling, part, recipe)
        say(f"{sampling}, {part}: {len(rows)} tracklets, loss {last:.3f}")
        streams = ("face", "voice", "joint") if part == "both" else (part,)
        for stream in streams:
            weight = getattr(network, stream).weight.detach().numpy().astype(np.float32)
            found[f"both.{stream}" if part == "both" else stream] = weight
    return found


def draw(rows: Rows, identity: Rows, film: Rows, sampling: str, count: int, random: np.random.Generator) -> Triplets:
    """Draw triplets among rows.

    Args:
        rows: int64[n], of the tracklets that take part.
        identity: int64[N], of all tracklets.
        film: int64[N], likewise.
        sampling: `Weak`, `Within` or `Across`.
        count: How many anchors are drawn; one without a positive or a negative is left out.
        random: Draws.

    Raises:
        DataError: If no anchor has both.
    """
    if not len(rows):
        raise DataError(f"nobody has what {sampling} is to be learned from: give more films")
    places = random.integers(len(rows), size=count)
    anchors = rows[places]
    # bool[count, n]: what may be drawn for each anchor.
    itself = places[:, None] == np.arange(len(rows))[None, :]
    same = identity[anchors][:, None] == identity[rows][None, :]
    near = film[anchors][:, None] == film[rows][None, :]
    positives = itself if sampling == "Weak" else same & ~itself
    negatives = {"Weak": ~itself, "Within": ~same & near, "Across": ~same}[sampling]
    kept = positives.any(axis=1) & negatives.any(axis=1)
    if not kept.any():
        raise DataError(f"no tracklet of {len(rows)} has a positive and a negative for {sampling}: give more films")
    return Triplets(anchors[kept], rows[_one(positives[kept], random)], rows[_one(negatives[kept], random)])


def _one(allowed: NDArray[np.bool_], random: np.random.Generator) -> Rows:
    """One allowed column of each row, every one as likely."""
    return np.asarray(np.where(allowed, random.random(allowed.shape), -1.0).argmax(axis=1), dtype=np.int64)


def _train(
    network: ProjectedStreams, tracklets: FilmTracklets, rows: Rows, sampling: str, part: str, recipe: Recipe
) -> float:
    """Descend; returns the mean loss of the last tenth of the steps."""
    random = np.random.default_rng([recipe.seed, NAMES.index(sampling)])
    dice = torch.Generator().manual_seed(recipe.seed)
    loss = TwoStreamLoss(triplet=TripletMargin(margin=recipe.margin))
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    terms = ("face", "voice", "joint") if part == "both" else (part,)
    values = []
    for _ in range(recipe.steps):
        triplets = draw(rows, tracklets.identity, tracklets.film, sampling, recipe.batch, random)
        views = [_view(network, tracklets, one, recipe.dropout, dice) for one in triplets]
        said = loss(*views)
        total = torch.stack([said[term] for term in terms]).sum()
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        values.append(float(total.detach()))
    return float(np.mean(values[-max(1, recipe.steps // 10) :]))


def _view(
    network: ProjectedStreams, tracklets: FilmTracklets, rows: Rows, dropout: float, dice: torch.Generator
) -> TwoStreamEmbeddings:
    def seen(place: int) -> Tensor:
        vectors = torch.from_numpy(tracklets.vectors[place][rows])
        kept = torch.rand(vectors.shape, generator=dice) >= dropout
        return vectors * kept / (1.0 - dropout)

    said = network(seen(FACE), seen(VOICE))
    return TwoStreamEmbeddings(*(functional.normalize(one, dim=1) for one in said))


def _begun(tracklets: FilmTracklets, faces: Rows, voices: Rows, recipe: Recipe) -> ProjectedStreams:
    """Principal directions in each stream; the joint embedding begins as both streams side by side, halved."""
    torch.manual_seed(recipe.seed)
    network = projected_streams(face_dim=FACE_DIM, voice_dim=VOICE_DIM, stream_dim=recipe.dim, joint_dim=recipe.dim)
    _set(network.face, _directions(tracklets.vectors[FACE][faces], recipe.dim))
    _set(network.voice, _directions(tracklets.vectors[VOICE][voices], recipe.dim))
    sides = np.concatenate(
        [
            vectors[np.union1d(faces, voices)] @ getattr(network, name).weight.detach().numpy().T
            for name, vectors in (("voice", tracklets.vectors[VOICE]), ("face", tracklets.vectors[FACE]))
        ],
        axis=1,
    )
    _set(network.joint, _directions(sides, recipe.dim))
    return network


def _directions(vectors: F32, count: int) -> F32:
    """The directions in which vectors lie most, the mean among them: [count, D], orthonormal."""
    _, directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    return np.ascontiguousarray(directions.T[::-1][:count], dtype=np.float32)


@torch.no_grad()
def _set(layer: nn.Linear, weight: F32) -> None:
    layer.weight.copy_(torch.from_numpy(weight))
