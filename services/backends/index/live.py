"""Only the live pack serves: whoever opens the index with another one is told so, and does not start."""

from __future__ import annotations

from packs.manifest import Pack
from packs.spec import Modality
from services.backends.index.protocol import VectorIndex

__all__ = ["OtherPackLiveError", "claim", "dimensions_of", "is_live"]


class OtherPackLiveError(RuntimeError):
    """The index answers with another pack than the one that this process was given."""

    def __init__(self, live: str, own: str) -> None:
        super().__init__(
            f"the index answers with pack {live}, this process was given pack {own}: "
            f"`personsearch reindex --to FOLDER` re-embeds it for that pack and switches over, "
            f"`personsearch pack list` shows which folder holds the one that is live"
        )
        self.live, self.own = live, own


async def claim(index: VectorIndex) -> None:
    """Make the index's pack the live one where nothing is stored yet; else see that it is.

    Raises:
        OtherPackLiveError: If another pack is live.
    """
    live = await index.live_pack()
    if live == index.pack_key:
        return
    # Nothing has been embedded yet, so there is nothing that another pack could be asked about.
    if live is not None and await index.list_videos():
        raise OtherPackLiveError(live, index.pack_key)
    await index.make_live()


async def is_live(index: VectorIndex) -> bool:
    """Say whether the index's pack is the live one."""
    return await index.live_pack() == index.pack_key


def dimensions_of(pack: Pack) -> dict[Modality, int]:
    """The length of a pack's embeddings, by modality, as `VectorIndex.open` takes them."""
    return {modality: pack.model_for(modality).embedding_dim or 0 for modality in pack.modalities}
