"""Associations with what is known of people: in the context of who is who, and of what somebody said.

Rejected pairs are no edges, confirmed ones are edges of probability 1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from packs.arrays import I64
from packs.spec import Modality
from services.association.context import in_context
from services.association.handlers import DEFAULT_MIN_PROBABILITY, AssociationHandlers, Dropped
from services.association.identities.people import People
from services.association.identities.watching import IdentityWatch
from services.backends.associations.blocks import MODALITY_CODES, EdgeBlock
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
        return (await self.edge_block(gallery, appearance_ids, modalities, min_probability)).associations()

    async def edge_block(
        self,
        gallery: str,
        appearance_ids: Sequence[str],
        modalities: Sequence[Modality] = (),
        min_probability: float = DEFAULT_MIN_PROBABILITY,
    ) -> EdgeBlock:
        """Read what `list_associations` reads, as arrays and in no order. Raises what that does.

        Where it is known who is who, edges are worth what they mean there (`context`).
        """
        block = await self._associations.edge_block(gallery, appearance_ids, modalities, min_probability)
        context = self._watch.context(gallery)
        if context is not None:
            block = in_context(block, context)
            block = block.where(block.probabilities >= min_probability)
        people = await self._watch.said(gallery)
        if people is None or not people.state.in_force:
            return block
        said = [
            edge
            for edge in _confirmed(people, frozenset(appearance_ids))
            if not modalities or edge.modality in modalities
        ]
        return EdgeBlock.joined([_allowed(block, people, said), EdgeBlock.of(said)])

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        """Forget the edges of a video at both ends, and look again."""
        return await self._associations.drop_video(gallery, video_id)


def _allowed(block: EdgeBlock, people: People, said: Iterable[Association]) -> EdgeBlock:
    """The edges of a block without those that were rejected, and those that something said takes the place of."""
    rows = {name: row for row, name in enumerate(block.names)}
    apart = people.state.apart
    rejected = [(rows[one], rows[other]) for one in apart.keys() & rows.keys() for other in apart[one] & rows.keys()]
    stand_in = [(rows[edge.first], rows[edge.second]) for edge in said if edge.first in rows and edge.second in rows]
    codes = [MODALITY_CODES[edge.modality] for edge in said if edge.first in rows and edge.second in rows]
    pairs = _pair_keys(block.one, block.other)
    kept = ~np.isin(pairs, _pair_keys(*_columns(rejected)))
    # A code is below 8.
    kept &= ~np.isin(8 * pairs + block.codes, 8 * _pair_keys(*_columns(stand_in)) + np.array(codes, dtype=np.int64))
    return block.where(kept)


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[I64, I64]:
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return first, second


def _pair_keys(one: I64, other: I64) -> I64:
    """A number for each pair of rows, int64[E], whichever end comes first."""
    return np.asarray((np.minimum(one, other) << 29) + np.maximum(one, other), dtype=np.int64)


def _confirmed(people: People, asked: Collection[str]) -> Iterator[Association]:
    """The confirmed edges at some appearances: a person is seen at both ends, or heard where one is only speech."""
    for first, second in people.state.confirmed:
        if first not in asked and second not in asked:
            continue
        kinds = {people.nodes[end].kind for end in (first, second)}
        modality = Modality.VOICE if AppearanceKind.SPEECH in kinds else Modality.FACE
        yield Association(first, second, modality, 1.0, confirmed=True)
