"""Voice edges: long-term, and as sure as it is that the speech is the appearance's own.

A voice row belongs to a tracklet that speech was linked to, or to speech with nobody on screen. An edge says that two
appearances are one person; where a link may be wrong, so may be the edge, and its probability is that of the voices
times the confidence of both links. Speech of half a second says little: its log-likelihood ratio is shrunk.

Two tracklets that overlap in time are two people, however alike they sound. Speech with nobody on screen may well
overlap a tracklet of the same person, who was turned away when it was heard; but two stretches of speech at the same
time are two voices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packs.spec import Modality
from services.association.evidence import LinkEvidence, Timed, overlap
from services.backends.schemas import Appearance, AppearanceKind
from services.runtime.trust import confidence_of, trust_in

__all__ = ["VoiceLinks"]


class VoiceLinks:
    """What is known of the appearances whose voices are compared, by id."""

    def __init__(self, appearances: Mapping[str, Appearance], evidence: LinkEvidence) -> None:
        self._appearances = appearances
        self._evidence = evidence

    def possible(self, one: str, other: str) -> bool:
        """Whether two appearances can be one person at all; one that is not there can be nobody."""
        first, second = self._appearances.get(one), self._appearances.get(other)
        if first is None or second is None:
            return False
        if first.video_id != second.video_id:
            return True
        if first.kind is second.kind is AppearanceKind.TRACKLET:
            return not overlap(first, second)
        return not any(overlap(spoken, also) for spoken in _speech(first) for also in _speech(second))

    def probability(self, one: str, other: str, cosine: float, quality: float) -> float:
        """That two appearances are one person, of the cosine of their voices and the quality of the weaker."""
        voices = self._evidence.probability(cosine, trust_in(Modality.VOICE, quality))
        return voices * self._confidence(one) * self._confidence(other)

    def _confidence(self, appearance_id: str) -> float:
        appearance = self._appearances[appearance_id]
        if appearance.kind is AppearanceKind.SPEECH or not appearance.speech:
            return 1.0
        return confidence_of(appearance.speech)


def _speech(appearance: Appearance) -> Iterable[Timed]:
    """When it is heard; all the time, where nothing more is known."""
    return appearance.speech or (appearance,)
