"""What search asks of the rooms beside it; they are reached over gRPC or mounted in the same process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from packs.arrays import F32, F64, U8
from packs.detections import Detections
from packs.spec import Modality
from services.backends.associations.views import EdgeView
from services.backends.vision import Embedded
from services.search.answer import Share, Who
from services.search.query import Task


class PortUnavailableError(Exception):
    """The service behind a port did not answer: the search goes on without it and says so."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one vector of the query says of one appearance.

    Attributes:
        part_index: The part that the vector is of.
        modality: Of both embeddings.
        cosine: In [-1, 1].
        weight: Of the part, in [-1, 1]; below 0 it counts against.
        quality: Of the appearance's embedding, in [0, 1]; of a voice, of the weaker of the two.
    """

    part_index: int
    modality: Modality
    cosine: float
    weight: float
    quality: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the query says of one appearance, and how sure it is that who is heard in it is who is seen."""

    evidence: tuple[Evidence, ...]
    speaker: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What one vector of the query says of N appearances.

    Attributes:
        part_index: The part that the vector is of.
        modality: Of all these embeddings.
        weight: Of the part, in [-1, 1]; below 0 it counts against.
        cosines: float64[N], in [-1, 1]; NaN where an appearance has no such embedding.
        qualities: float64[N], as `Evidence.quality`.
    """

    part_index: int
    modality: Modality
    weight: float
    cosines: F64
    qualities: F64

    def evidence(self, row: int) -> Evidence | None:
        """What it says of one of them, if anything."""
        cosine = float(self.cosines[row])
        if cosine != cosine:
            return None
        return Evidence(self.part_index, self.modality, cosine, self.weight, float(self.qualities[row]))


def candidates_of(columns: Sequence[Column], links: F64) -> list[Candidate]:
    """The appearances of some columns one by one; `links` are their speakers, float64[N]."""
    pieces = ([column.evidence(row) for column in columns] for row in range(len(links)))
    return [
        Candidate(tuple(piece for piece in of if piece is not None), speaker)
        for of, speaker in zip(pieces, links.tolist(), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class FusedEvidence:
    """Calibrated probability of "the person asked for", and the shares of the modalities, largest first."""

    probability: float
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AskedEmbedding:
    """One embedding of the query: float32[D] of length 1; `quality` in [0, 1]; `weight` of its part, in [-1, 1]."""

    modality: Modality
    vector: F32
    quality: float
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class HeldEmbedding:
    """One embedding of an appearance, and the places of those of the query that it may be compared with."""

    modality: Modality
    vector: F32
    quality: float
    asked: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedCandidate:
    """One appearance by its embeddings, and how sure it is that who is heard in it is who is seen."""

    embeddings: tuple[HeldEmbedding, ...]
    speaker: float = 1.0


class Associations(Protocol):
    """Which appearances are the same person.

    The edges keep the rule of the multimodality index: face and voice edges are long-term and cross videos, body
    edges are short-term and stay within one video, or one site, and a window of time.
    """

    async def view(self, gallery: str, modalities: Sequence[Modality], min_probability: float) -> EdgeView:
        """The edges of a gallery for one query. It, and what it gives, raise PortUnavailableError."""
        ...


class Identities(Protocol):
    """Who appearances are."""

    async def labels(self, gallery: str, appearance_ids: Sequence[str]) -> Mapping[str, Who]:
        """The identities of some appearances, as far as they are known in time; it never fails."""
        ...


class Fusion(Protocol):
    """How much each modality counts."""

    async def fuse(self, candidates: Sequence[Candidate], task: Task) -> list[FusedEvidence]:
        """One verdict for each candidate, in order, on what is asked. Raises PortUnavailableError."""
        ...

    async def seen(self, columns: Sequence[Column], links: F64) -> F64:
        """The probabilities alone that each of very many appearances shows the person. Raises PortUnavailableError.

        Args:
            columns: What the query's vectors say of them.
            links: float64[N], how sure it is that who is heard in each is who is seen.

        Returns:
            float64[N]; 0 without evidence for it.
        """
        ...

    @property
    def by_network(self) -> bool:
        """Whether a network shall weigh who can be compared in two or more modalities."""
        ...

    async def fuse_embeddings(
        self, asked: Sequence[AskedEmbedding], candidates: Sequence[EmbeddedCandidate], task: Task
    ) -> list[FusedEvidence]:
        """The same, weighed by a network. Raises PortUnavailableError."""
        ...


class Hearing(Protocol):
    """The networks that hear a voice clip; `services.backends.hearing.HearingModels` is one."""

    @property
    def can_hear(self) -> bool:
        """Whether the pack has them; without, only this may be asked."""
        ...

    @property
    def threshold(self) -> float:
        """Probability from which a frame of 10 ms counts as speech."""
        ...

    async def speech(self, samples: F32) -> F32:
        """Probability of speech in each 10 ms of a sound float32[N], mono, 16 kHz."""
        ...

    async def embed(self, clips: Sequence[F32], *, activity: Sequence[F32] | None = None) -> Embedded:
        """Embed clips of one voice each; `activity` is what `speech` says of each."""
        ...


class Word(Protocol):
    """A word of a text as the pack's tokenizer cuts it."""

    @property
    def text(self) -> str:
        """In lower case; a mark of punctuation is a word too."""
        ...

    @property
    def tokens(self) -> int:
        """Numbers that it takes in a row."""
        ...

    @property
    def known(self) -> bool:
        """Whether the vocabulary has it."""
        ...


class Words(Protocol):
    """The network that reads a description; `services.backends.words.WordModels` is one."""

    @property
    def can_read(self) -> bool:
        """Whether the pack has a text pair; without, only this may be asked."""
        ...

    @property
    def most_tokens(self) -> int:
        """Numbers that are read at once."""
        ...

    def words(self, text: str) -> Sequence[Word]:
        """The words of a text, in order."""
        ...

    def known_words(self) -> Sequence[str]:
        """Whole words of the vocabulary."""
        ...

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Embed N texts, each of at most `most_tokens`."""
        ...


class Vision(Protocol):
    """The networks that read a portrait; `services.backends.vision.VisionModels` is one."""

    async def detect(self, images: Sequence[U8]) -> list[Detections]:
        """What is in each image uint8[H, W, 3]."""
        ...

    async def embed(self, modality: Modality, crops: U8) -> Embedded:
        """Embed crops uint8[N, h, w, 3]."""
        ...

    def crop(self, modality: Modality, image: U8, box: Sequence[float] | F32) -> U8:
        """Cut a box float32[4] out as the modality's network wants it."""
        ...
