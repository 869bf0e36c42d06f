"""Associations with what is known of people: in the context of who is who, and of what somebody said.

Rejected pairs are no edges, confirmed ones are edges of probability 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from packs.arrays import I64, Bool
from packs.spec import Modality
from services.association.handlers import DEFAULT_MIN_PROBABILITY, AssociationHandlers, Dropped
from services.association.identities.watching import IdentityWatch
from services.association.meaning import Meaning
from services.association.preparing import Preparer
from services.association.settings import LinkingSettings
from services.backends.associations.blocks import EdgeBlock, wanted_codes
from services.backends.associations.roster import Roster
from services.backends.schemas import Association

__all__ = ["CorrectedAssociations", "CorrectedView"]


class CorrectedAssociations:
    """What `AssociationHandlers` does, corrected; ask it rather than them.

    Args:
        associations: The edges as they were computed.
        watch: What was said.
        settings: How edges are read behind the back of queries.
    """

    def __init__(self, associations: AssociationHandlers, watch: IdentityWatch, settings: LinkingSettings) -> None:
        self._associations, self._watch = associations, watch
        self._preparer = Preparer(associations.store, self.meaning, settings)

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
        view = await self.view(gallery, modalities, min_probability)
        asked = view.roster.places(list(dict.fromkeys(appearance_ids)))
        return (await view.read(asked)).compact(asked)

    async def view(
        self, gallery: str, modalities: Sequence[Modality] = (), min_probability: float = DEFAULT_MIN_PROBABILITY
    ) -> CorrectedView:
        """The edges of a gallery as they are now, to be read again and again. Raises what `list_associations` does."""
        meaning = await self.meaning(gallery)
        self._preparer.later(gallery, meaning)
        return CorrectedView(self._associations, gallery, meaning, wanted_codes(modalities), min_probability)

    async def meaning(self, gallery: str) -> Meaning:
        """The edges of a gallery that are in memory, and what they mean now. Raises BackendUnavailableError."""
        shelf, people = await self._associations.shelf(gallery), await self._watch.said(gallery)
        context, meaning = self._watch.context(gallery), shelf.beside
        if not isinstance(meaning, Meaning) or not meaning.holds(shelf, context, people):
            meaning = shelf.beside = Meaning(shelf, context, people)
        return meaning

    async def prepare(self, gallery: str) -> None:
        """Read all edges of a gallery that there is room for. Raises BackendUnavailableError."""
        await self._preparer.prepare(gallery)

    async def aclose(self) -> None:
        """Stop what goes on in the background."""
        await self._preparer.aclose()

    async def drop_video(self, gallery: str, video_id: str) -> Dropped:
        """Forget the edges of a video at both ends, and look again."""
        return await self._associations.drop_video(gallery, video_id)


class CorrectedView:
    """The edges of a gallery at one moment.

    Args:
        associations: The edges as they were computed.
        gallery: Whose.
        meaning: What they mean.
        wanted: bool[256], of which modalities, by code.
        least: The least that they say.
    """

    def __init__(
        self, associations: AssociationHandlers, gallery: str, meaning: Meaning, wanted: Bool, least: float
    ) -> None:
        self._associations, self._gallery = associations, gallery
        self._meaning, self._wanted, self._least = meaning, wanted, least

    @property
    def roster(self) -> Roster:
        """The rows of the gallery's appearances."""
        return self._meaning.shelf.roster

    async def read(self, rows: I64) -> EdgeBlock:
        """The edges at some rows; the block's names are those of the roster. Raises what `list_associations` does."""
        await self._associations.fill(self._gallery, self._meaning.shelf, rows)
        return self._meaning.edges(rows, self._wanted, self._least)
