"""Who speaks in an appearance: what the index says, what that means for a task, and which appearances answer it.

A tracklet shows one person, and ingest links speech to it with some confidence; a speech appearance is heard with
nobody on screen. So an appearance may show a person, let them be heard, or both, and a hit of one task may be none of
another:

- SEEN: tracklets, silent or not.
- HEARD: tracklets that speak, and speech appearances.
- SEEN_AND_HEARD: tracklets that speak.
- PRESENT (a track): all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from packs.spec import Modality
from services.backends.index.protocol import IndexLoadingError, VectorIndex
from services.backends.schemas import Appearance, AppearanceKind
from services.runtime.chunks import chunks_of
from services.runtime.trust import confidence_of
from services.search.query import Task

# Appearances that one read may ask for.
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Speakers:
    """How sure it is that who is heard in an appearance is who is seen in it.

    Attributes:
        confidence: By appearance id, in [0, 1]; of speech with nobody on screen 1. Silent ones are not here.
        known: The ids that were asked for, so that one that is not in `confidence` is silent.
        loading: Whether some could not be read, since the index was loading.
    """

    confidence: Mapping[str, float] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    loading: bool = False

    def link(self, appearance_id: str) -> float:
        """How far a voice tells who is seen; 1 where nobody asked, 0 for what is silent."""
        return self.confidence.get(appearance_id, 0.0 if appearance_id in self.known else 1.0)

    def joined(self, other: Speakers) -> Speakers:
        """What both know."""
        return Speakers(
            {**self.confidence, **other.confidence}, self.known | other.known, self.loading or other.loading
        )


class SpeakerReader:
    """Asks the index who speaks."""

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    async def of(self, gallery: str, appearance_ids: Collection[str]) -> Speakers:
        """What is known of some appearances."""
        ids = sorted(appearance_ids)
        if not ids:
            return Speakers()
        try:
            read = await asyncio.gather(*(self._index.get_appearances(gallery, page) for page in chunks_of(ids, PAGE)))
        except IndexLoadingError:
            return Speakers(loading=True)
        found = {
            one.appearance_id: confidence for page in read for one in page.values() if (confidence := speaker_of(one))
        }
        return Speakers(found, frozenset(ids))


def speaker_of(appearance: Appearance) -> float:
    """How sure it is that who is heard is who is seen, in [0, 1]; 0 for a silent tracklet, 1 for speech alone."""
    if appearance.kind is AppearanceKind.SPEECH:
        return 1.0
    if appearance.speech:
        return confidence_of(appearance.speech)
    return 1.0 if Modality.VOICE in appearance.modalities else 0.0


def answers(task: Task, appearance: Appearance) -> bool:
    """Whether an appearance may be a hit of a task."""
    tracklet = appearance.kind is AppearanceKind.TRACKLET
    match task:
        case Task.SEEN:
            return tracklet
        case Task.HEARD:
            return speaker_of(appearance) > 0.0
        case Task.SEEN_AND_HEARD:
            return tracklet and speaker_of(appearance) > 0.0
        case Task.PRESENT:
            return True
