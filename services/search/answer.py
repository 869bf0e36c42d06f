"""An answer as plain values: hits with their reasons, and tracks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from packs.spec import Modality
from services.backends.schemas import Appearance, Box
from services.search.query import Task


class Degradation(StrEnum):
    """What an answer had to do without."""

    ASSOCIATIONS = "associations"
    INDEX_LOADING = "index_loading"
    FUSION = "fusion"


@dataclass(frozen=True, slots=True)
class Share:
    """How much one modality counted, in [0, 1]."""

    modality: Modality
    share: float


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the reasoning: from a part of the query (int) or an appearance (its id) to an appearance.

    Attributes:
        source: Index of the part, or id of the appearance reached before.
        target: Id of the appearance that is reached.
        modality: What the step rests on.
        probability: Calibrated probability of "same person" of this step alone.
        cosine: Of the two embeddings; None when the step was read from the association cache.
        confirmed: Whether it rests on what somebody said, and on no modality.
    """

    source: int | str
    target: str
    modality: Modality
    probability: float
    cosine: float | None = None
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Who:
    """The identity of an appearance; without a name where nobody gave one."""

    identity_id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Belief:
    """How far an appearance is believed to be the person asked for, and why.

    Attributes:
        appearance_id: The appearance.
        score: Probability in [0, 1].
        shares: Of the modalities, largest first, summing to 1.
        chain: From a part of the query to the appearance; never empty.
    """

    appearance_id: str
    score: float
    shares: tuple[Share, ...]
    chain: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A belief about an appearance that is there, and who it is, as far as that is known."""

    appearance: Appearance
    belief: Belief
    who: Who | None = None

    @property
    def score(self) -> float:
        """Probability that this is the person asked for."""
        return self.belief.score


@dataclass(frozen=True, slots=True)
class TextReading:
    """Which words of the text of a part the pack does not know, each once."""

    part_index: int
    unknown_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query was answered.

    Attributes:
        hits: Best first.
        degraded: What was missing.
        portrait_faces: The face that was used of each portrait part, in order.
        task: What was answered.
        voice_speech_s: Seconds of speech that were heard in each voice clip, in the order of the parts.
        text_readings: How each text was read, in the order of the parts.
    """

    hits: tuple[Hit, ...]
    degraded: frozenset[Degradation] = frozenset()
    portrait_faces: tuple[Box, ...] = ()
    task: Task = Task.SEEN
    voice_speech_s: tuple[float, ...] = ()
    text_readings: tuple[TextReading, ...] = ()


@dataclass(frozen=True, slots=True)
class TrackSpan:
    """A stretch [start_s, end_s) of one video in which the person appears, and the hits that make it up."""

    video_id: str
    start_s: float
    end_s: float
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Track:
    """One person through the gallery, in order of time."""

    spans: tuple[TrackSpan, ...]
    degraded: frozenset[Degradation] = frozenset()
