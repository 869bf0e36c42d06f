"""A large gallery of made-up people, with the associations that a linker would have found; nothing is rendered.

People come in families whose faces are alike, so that some edges join two people as they do in films. An appearance's
face is its person's with noise; a part of them are seen from behind and hang on others by their clothes. Edges by face
are the nearest faces of the family (between families none is near enough), weighed by the pack's calibration and the
linker's prior; edges by body join appearances of one video that follow each other, a part of them wrongly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from packs.arrays import F32, F64, I64
from packs.manifest import Pack
from packs.spec import Modality
from services.association.evidence import LinkEvidence, evidence_of
from services.association.settings import DEFAULT_PRIORS, LinkingSettings
from services.backends.associations.layout import EDGE_LIMITS
from services.backends.index.live import dimensions_of
from services.backends.schemas import Appearance, AppearanceKind, EmbeddingRow, SpeechSpan, Video, VideoState

__all__ = ["Crowd", "Ends"]

VIDEO_APPEARANCES = 100
PERSON_APPEARANCES = 60
PEOPLE_OF_A_VIDEO = 10
FAMILY = 20
SEEN, HEARD = 0.8, 0.4
# A face shows its person by so much, the rest of it is noise: cosines of one person's are about 0.7, of two people's
# of one family 0.45, of others 0.
OWN = (0.55, 0.85)
SHARED = 0.64
FOLLOWING = 4
WRONG_CLOTHES = 0.1
SHOT_S = 4.0
FACE_AND_VOICE = (Modality.FACE, Modality.VOICE)


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Edges as each end keeps them: int64[E] of it, int64[E] of the other end, modality and float32[E] probability."""

    own: I64
    far: I64
    modality: Modality
    probability: F32


class Crowd:
    """N appearances in N / 100 videos, and N / 35 people.

    Args:
        count: N, a multiple of 100.
        pack: Its calibration and the length of its faces.
        seed: Of everything.
    """

    def __init__(self, count: int, pack: Pack, seed: int) -> None:
        self.count, self._seed = count, seed
        self._calibrated = evidence_of(pack.calibration, DEFAULT_PRIORS)
        dice = np.random.default_rng(seed)
        self.people = max(FAMILY, count // PERSON_APPEARANCES // FAMILY * FAMILY)
        self._centres = {one: self._people(dice, dimensions_of(pack)[one]) for one in FACE_AND_VOICE}
        self.person = _casting(dice, count, self.people)
        self.video = np.arange(count) // VIDEO_APPEARANCES
        self.quality = dice.uniform(0.4, 1.0, count).astype(np.float32)
        self.has = {
            Modality.FACE: dice.uniform(size=count) < SEEN,
            Modality.VOICE: dice.uniform(size=count) < HEARD,
        }
        self.vectors = {one: self.look(one, self.person, dice) for one in FACE_AND_VOICE}

    def _people(self, dice: np.random.Generator, dimension: int) -> F64:
        families = _unit(dice.standard_normal((self.people // FAMILY, dimension)))
        own = _unit(dice.standard_normal((self.people, dimension)))
        return _unit(np.sqrt(SHARED) * np.repeat(families, FAMILY, axis=0) + np.sqrt(1.0 - SHARED) * own)

    def look(self, modality: Modality, person: I64, dice: np.random.Generator) -> F32:
        """Faces, or voices, float32[K, D] of people int64[K], each time another."""
        centres = self._centres[modality]
        noise = dice.standard_normal((len(person), centres.shape[1])) / np.sqrt(centres.shape[1])
        own = dice.uniform(*OWN, len(person))[:, None]
        return _unit(np.sqrt(own) * centres[person] + np.sqrt(1.0 - own) * noise).astype(np.float32)

    def id_of(self, row: int, gallery: str) -> str:
        """The id of an appearance."""
        return hashlib.sha256(f"{gallery}/{row}".encode()).hexdigest()[:32]

    def video_id(self, number: int, gallery: str) -> str:
        """The id of a video."""
        return hashlib.sha256(f"{gallery}/video/{number}".encode()).hexdigest()[:32]

    def ends(self) -> Iterator[Ends]:
        """All edges that appearances keep, the strongest of each modality."""
        for modality in FACE_AND_VOICE:
            yield from self._long_term_ends(modality)
        yield self._body_ends()

    def videos(self, gallery: str) -> Iterator[Video]:
        """The videos, all of them ready."""
        for number in range(self.count // VIDEO_APPEARANCES):
            name = self.video_id(number, gallery)
            yield Video(name, gallery, f"{name}.mp4", VideoState.READY, 1, 1e9 + number, 2 * name, 400.0)

    def appearances(self, gallery: str) -> Iterator[Appearance]:
        """The appearances, one after the other in each video; some speak."""
        for row in range(self.count):
            start_s = SHOT_S * (row % VIDEO_APPEARANCES)
            end_s = start_s + SHOT_S - 0.5
            modalities = (*(one for one in FACE_AND_VOICE if self.has[one][row]), Modality.BODY)
            name, video = self.id_of(row, gallery), self.video_id(row // VIDEO_APPEARANCES, gallery)
            speech = (SpeechSpan(start_s, end_s, 0.9),) if self.has[Modality.VOICE][row] else ()
            kind = AppearanceKind.TRACKLET
            yield Appearance(name, gallery, video, kind, start_s, end_s, 1, modalities, speech=speech)

    def rows(self, modality: Modality, gallery: str) -> Iterator[EmbeddingRow]:
        """The faces, or the voices."""
        for row in np.flatnonzero(self.has[modality]).tolist():
            start_s = SHOT_S * (row % VIDEO_APPEARANCES)
            name, video = self.id_of(row, gallery), self.video_id(row // VIDEO_APPEARANCES, gallery)
            quality, vector = float(self.quality[row]), self.vectors[modality][row]
            yield EmbeddingRow(name, gallery, video, start_s, start_s + SHOT_S - 0.5, 1, quality, vector)

    def _long_term_ends(self, modality: Modality) -> Iterator[Ends]:
        evidence, most = self._calibrated[modality], EDGE_LIMITS[modality]
        for family in range(self.people // FAMILY):
            rows = np.flatnonzero((self.person // FAMILY == family) & self.has[modality])
            vectors, quality = self.vectors[modality][rows], self.quality[rows]
            said = _probabilities(evidence, vectors @ vectors.T, np.minimum.outer(quality, quality))
            np.fill_diagonal(said, 0.0)
            order = np.argsort(-said, axis=1)[:, :most]
            kept = np.take_along_axis(said, order, axis=1)
            one, place = np.nonzero(kept >= LinkingSettings().min_probability)
            yield Ends(rows[one], rows[order[one, place]], modality, kept[one, place].astype(np.float32))

    def _body_ends(self) -> Ends:
        """Each with those of its person in the video that follow, and with a few of the next person."""
        dice = np.random.default_rng(self._seed + 1)
        order = np.lexsort((np.arange(self.count), self.person, self.video))
        steps = range(1, FOLLOWING + 1)
        one = np.concatenate([order[:-step] for step in steps])
        other = np.concatenate([order[step:] for step in steps])
        same = (self.person[one] == self.person[other]) | (dice.uniform(size=len(one)) < WRONG_CLOTHES)
        good = same & (self.video[one] == self.video[other])
        probability = dice.uniform(0.3, 0.95, np.count_nonzero(good)).astype(np.float32)
        both = np.concatenate([one[good], other[good]]), np.concatenate([other[good], one[good]])
        return Ends(*both, Modality.BODY, np.tile(probability, 2))


def _casting(dice: np.random.Generator, count: int, people: int) -> I64:
    """Who each appearance is: a video has few people, and every person comes about as often."""
    deals = -(-(count // VIDEO_APPEARANCES) * PEOPLE_OF_A_VIDEO // people)
    cast = np.concatenate([dice.permutation(people) for _ in range(deals)])
    cast = cast[: count // VIDEO_APPEARANCES * PEOPLE_OF_A_VIDEO].reshape(-1, PEOPLE_OF_A_VIDEO)
    picked = dice.integers(0, PEOPLE_OF_A_VIDEO, count)
    return np.asarray(cast[np.arange(count) // VIDEO_APPEARANCES, picked], dtype=np.int64)


def _probabilities(evidence: LinkEvidence, cosines: F32, quality: F32) -> F64:
    nats = evidence.calibration.logit_of(cosines, quality.astype(np.float64)) + evidence.prior_log_odds
    return np.asarray(1.0 / (1.0 + np.exp(-nats)), dtype=np.float64)


def _unit(vectors: F64) -> F64:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float64)
