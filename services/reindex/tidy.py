"""What a killed run may leave in the new pack's collections is put right, and what cannot be explained is an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from packs.spec import Modality
from services.backends.index.protocol import VectorIndex
from services.backends.schemas import Scope

__all__ = ["IncompleteCopyError", "tidy"]


class IncompleteCopyError(RuntimeError):
    """The new pack's collections do not hold what was written to them."""


async def tidy(index: VectorIndex, scope: Scope, *, last: bool = False) -> list[str]:
    """Compare a pack's embeddings with its appearances, in some video.

    Embeddings without an appearance that names them are deleted. Appearances that lack one, or have one twice, are
    deleted with all their embeddings, to be written again.

    Args:
        index: Of the new pack.
        scope: Some videos.
        last: Whether nobody will write them again.

    Returns:
        The ids of the appearances to write again.

    Raises:
        IncompleteCopyError: If there are any, and it is the last look.
    """
    rows = await index.list_appearances(scope)
    doubtful = _twice(row.appearance_id for row in rows)
    for modality in Modality:
        named = {row.appearance_id for row in rows if modality in row.modalities}
        found = [place.appearance_id for place in await index.list_places(modality, scope)]
        await index.delete_embeddings(modality, scope.gallery, sorted(set(found) - named))
        doubtful |= (named - set(found)) | (_twice(found) & named)
    if doubtful and last:
        raise IncompleteCopyError(
            f"{len(doubtful)} appearances of {', '.join(scope.video_ids)} are not whole in the collections of pack "
            f"{index.pack_key} though they were written twice; look at the index's log and run the reindex again"
        )
    await _delete(index, scope.gallery, sorted(doubtful))
    return sorted(doubtful)


async def _delete(index: VectorIndex, gallery: str, ids: list[str]) -> None:
    if ids:
        await index.delete_appearances(gallery, ids)
        for modality in Modality:
            await index.delete_embeddings(modality, gallery, ids)


def _twice(ids: Iterable[str]) -> set[str]:
    return {one for one, count in Counter(ids).items() if count > 1}
