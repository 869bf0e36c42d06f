"""The networks of iQIYI-VID's task: people are known, and each clip is one of them or a stranger.

Source: Liu et al., "iQIYI-VID", sections 5.2 and 5.3 and Table 3 (methods.md 5.1): every modality is mapped to one
length, attention lets them strengthen each other, a classifier over the flattened result names the clip. Three networks
are trained, each as an ensemble of three on other two thirds of the clips, whose probabilities are averaged:

- `+ classifier`: what the other two are to be compared with, no NetVLAD and no attention;
- `+ NetVLAD`: the faces of a clip go through NetVLAD;
- `+ MMA`: and multi-modal attention, gamma 0.05, follows.

What a clip is, is the protocol's: one embedding a modality, as the index keeps it. So NetVLAD has sets of one face to
work with here, and is a soft choice among eight directions rather than a way to weigh frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from evaluation.datasets.errors import DataError as ReadBackError
from evaluation.datasets.iqiyi import ClipIdentification, is_iqiyi, load_iqiyi
from evaluation.datasets.store import read_search
from evaluation.datasets.tracklets import Tracklets
from evaluation.protocols.iqiyi.cards import ClipCard, clip_inputs, digest_of_clips
from evaluation.protocols.iqiyi.split import split_cast, thirds_of
from export.onnx_from_network import onnx_from_network
from models.fusion import ClipIdentifier, FrameMean, MultiModalAttention, drop_modalities, netvlad
from packs.fuser import FuserPart
from packs.spec import Modality
from training.data.shards import DataError

__all__ = ["ROWS", "AveragedIdentifiers", "ClipRecipe", "Row", "clips_of", "make_clip_networks", "train_row"]

ORDER = (Modality.FACE, Modality.HEAD, Modality.VOICE, Modality.BODY)
Parts = Sequence[tuple[Modality, int]]


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """Everything that a training depends on; chosen on development films alone."""

    seed: int = 1401
    epochs: int = 60
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    dropout: float = 0.3
    common_dim: int = 128
    comparison_dim: int = 64
    clusters: int = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the paper's table, and what the network of it has."""

    name: str
    file: str
    vlad: bool
    gamma: float


ROWS = (
    Row("+ classifier", "classifier", vlad=False, gamma=0.0),
    Row("+ NetVLAD", "netvlad", vlad=True, gamma=0.0),
    Row("+ MMA", "mma", vlad=True, gamma=0.05),
)


class AveragedIdentifiers(nn.Module):
    """Probabilities of several networks, averaged.

    Args:
        networks: Each to logits [B, K].
    """

    def __init__(self, networks: Sequence[ClipIdentifier]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, present: Tensor, *frames: Tensor) -> Tensor:
        """Name clips: [B, M] and M times [B, 1, D_m] to [B, K], float32, rows that add up to 1.

        Shape legend: B clips, M modalities, D_m dimensions, K people.
        """
        said = [one(present, *frames).softmax(dim=1) for one in self.networks]
        return torch.stack(said).mean(dim=0)


def clips_of(appearances: Path | None, data: Path | None) -> ClipIdentification:
    """The clips of the protocol: of films that were read back, or of iQIYI-VID. Raises DataError."""
    try:
        if data is not None:
            if not is_iqiyi(data):
                raise DataError(f"{data} has no train_gt.txt beside val_gt.txt, expected the layout of iQIYI-VID 2019")
            return load_iqiyi(data)
        if appearances is None:
            raise DataError("nothing to learn from: give read-backs of films, or the folder of iQIYI-VID")
        return split_cast(read_search(appearances)[0])
    except (ReadBackError, ValueError) as error:
        raise DataError(str(error)) from error


def make_clip_networks(
    clips: ClipIdentification, out: Path, *, recipe: ClipRecipe | None = None, say: Callable[[str], None]
) -> list[Path]:
    """Train every row on the training clips, and write OUT/NAME.onnx with its card. The test is not looked at."""
    recipe = recipe or ClipRecipe()
    train = clips.train
    people = sorted({name for name in train.identities if name is not None})
    parts = [(one, train.rows[one].vectors.shape[1]) for one in ORDER if one in train.rows and one in clips.test.rows]
    if len(people) < 2 or not parts:
        raise DataError(f"{clips.name}: {len(people)} people and {len(parts)} modalities can teach nothing")
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for row in ROWS:
        network = train_row(train, people, parts, row, recipe, say).eval()
        path = out / f"{row.file}.onnx"
        example = [torch.ones(2, len(parts)), *(torch.randn(2, 1, dim) for _, dim in parts)]
        names = ("present", *(str(modality) for modality, _ in parts))
        onnx_from_network(network, example, inputs=names, outputs=("probabilities",), path=path)
        card = ClipCard(
            name=row.name,
            people=tuple(people),
            clips=digest_of_clips(train),
            parts=tuple(FuserPart(modality=modality, dim=dim) for modality, dim in parts),
            recipe=asdict(recipe) | {"gamma": row.gamma},
        )
        path.with_suffix(".json").write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
        say(f"{path}: {len(people)} people, {len(train)} clips, {path.stat().st_size / 1e6:.1f} MB")
        made.append(path)
    return made


def train_row(
    train: Tracklets, people: Sequence[str], parts: Parts, row: Row, recipe: ClipRecipe, say: Callable[[str], None]
) -> AveragedIdentifiers:
    """Train the three networks of a row."""
    order = np.array(sorted(range(len(train)), key=lambda place: train.ids[place]))
    sorted_clips = train.take(order)
    networks = []
    for number, kept in enumerate(thirds_of(sorted_clips, people)):
        network, loss = _train(sorted_clips.take(kept), people, parts, row, recipe, number)
        say(f"{row.name}, {number + 1} of 3: {int(kept.sum())} clips, loss {loss:.3f}")
        networks.append(network)
    return AveragedIdentifiers(networks)


def _train(
    clips: Tracklets, people: Sequence[str], parts: Parts, row: Row, recipe: ClipRecipe, number: int
) -> tuple[ClipIdentifier, float]:
    torch.manual_seed(recipe.seed + number)
    network = _network(parts, len(people), row, recipe).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    present, vectors = clip_inputs(clips, parts)
    labels = np.array([people.index(str(name)) for name in clips.identities], dtype=np.int64)
    usable = np.flatnonzero(present.any(axis=1))
    random = np.random.default_rng([recipe.seed, number])
    loss = float("nan")
    for _ in range(recipe.epochs):
        mixed = random.permutation(usable)
        # The norm of NetVLAD's assignment needs two clips.
        for rows in (mixed[first : first + recipe.batch] for first in range(0, len(mixed), recipe.batch)):
            if len(rows) > 1:
                loss = _step(network, optimiser, present[rows], vectors, rows, labels[rows], recipe.dropout)
    return network, loss


def _step(
    network: ClipIdentifier,
    optimiser: torch.optim.Optimizer,
    present: NDArray[np.float32],
    vectors: Mapping[Modality, NDArray[np.float32]],
    rows: NDArray[np.int64],
    labels: NDArray[np.int64],
    dropout: float,
) -> float:
    held = torch.from_numpy(present)
    kept = drop_modalities(held, torch.rand_like(held), dropout)
    frames = [torch.from_numpy(one[rows]) for one in vectors.values()]
    value = functional.cross_entropy(network(kept, *frames), torch.from_numpy(labels))
    optimiser.zero_grad()
    value.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return float(value.detach())


def _network(parts: Parts, people: int, row: Row, recipe: ClipRecipe) -> ClipIdentifier:
    streams: list[nn.Module] = [
        netvlad(dim, clusters=recipe.clusters, embedding_dim=recipe.common_dim)
        if row.vlad and modality is Modality.FACE
        else FrameMean(projection=nn.Linear(dim, recipe.common_dim))
        for modality, dim in parts
    ]
    attention = MultiModalAttention(
        projection=nn.Linear(recipe.common_dim, recipe.comparison_dim, bias=False), gamma=row.gamma
    )
    return ClipIdentifier(
        streams=streams, attention=attention, classifier=nn.Linear(len(parts) * recipe.common_dim, people)
    )
