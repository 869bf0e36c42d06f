"""Associations with what people said: rejected pairs are no edges, confirmed ones are edges of probability 1."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from packs.spec import Modality
from services.association.handlers import DEFAULT_MIN_PROBABILITY, AssociationHandlers, Dropped
from services.association.identities.people import People
from services.association.identities.watching import IdentityWatch
from services.backends.schemas import AppearanceKind, Association

__all__ = ["CorrectedAssociations"]


class CorrectedAssociations:
    """What `AssociationHandlers` does, corrected; ask it rather than them.

    Args:
        associations: The edges as they were computed.
        watch: What was said.
    """

    def __init__(self, associations: AssociationHandlers, watch: IdentityWatch) -> None:
        self._associations, self._watch = associations, watch

    async def associate_video(self, gallery: str, video_id: str) -> int:
        """Compute a video's edges, as `AssociationHandlers.associate_video`; then its people get identities."""
        count = await self._associations.associate_video(gallery, video_id)
        self._watch.changed(gallery)
        return count

    async def list_associations(
        self,
        gallery: str,
        appearance_ids: Sequence[str],
        modalities: Sequence[Modality] = (),
        min_probability: float = DEFAULT_MIN_PROBABILITY,
    ) -> list[Association]:
        """Read the edges at some appearances, strongest first, each once, with what was said of them.

        Raises:
            GalleryNotFoundError: If there is no such gallery.
            BackendUnavailableError: If the index or the cache does not answer, or mending takes too long.
        """
        edges = await self._associations.list_associations(gallery, appearance_ids, modalities, min_probability)
        people = await self._watch.said(gallery)
        if people is None or not people.state.in_force:
            return edges
        return _corrected(edges, people, frozenset(appearance_ids), modalities)

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        """Forget the edges of a video at both ends, and look again."""
        return await self._associations.drop_video(gallery, video_id)


def _corrected(
    edges: Iterable[Association], people: People, asked: Collection[str], modalities: Sequence[Modality]
) -> list[Association]:
    apart = people.state.apart
    found = {
        (edge.first, edge.second, edge.modality): edge for edge in edges if edge.second not in apart.get(edge.first, ())
    }
    for edge in _confirmed(people, asked):
        if not modalities or edge.modality in modalities:
            found[edge.first, edge.second, edge.modality] = edge
    return sorted(found.values(), key=lambda edge: (-edge.probability, edge.first, edge.second, edge.modality))


def _confirmed(people: People, asked: Collection[str]) -> Iterator[Association]:
    """The confirmed edges at some appearances: a person is seen at both ends, or heard where one is only speech."""
    for first, second in people.state.confirmed:
        if first not in asked and second not in asked:
            continue
        kinds = {people.nodes[end].kind for end in (first, second)}
        modality = Modality.VOICE if AppearanceKind.SPEECH in kinds else Modality.FACE
        yield Association(first, second, modality, 1.0, confirmed=True)
