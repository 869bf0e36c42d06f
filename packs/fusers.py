"""Packs of networks that fuse: beside a pack that embeds, so that its digest, and with it every gallery, stays.

A network that fuses makes no embedding that is stored. If it stood in the manifest of the pack that embeds, a new one
would change that pack's digest, and everything ingested would have to be embedded again for nothing. So it lies in a
folder of its own, whose cards name the digest that they learned from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from packs.errors import PackError
from packs.fuser import FuserCard, FusionMethod
from packs.manifest import MANIFEST_FILE, Pack
from packs.spec import ModelSpec

__all__ = ["FUSERS_DIR", "FuserPack", "ServedFuser", "fusers_beside"]

# Those of the demo pack, in this source tree.
FUSERS_DIR = Path(__file__).parent / "demo-fusers"


@dataclass(frozen=True, slots=True)
class ServedFuser:
    """A network that fuses: how it is served, and what is known of it."""

    method: FusionMethod
    spec: ModelSpec
    card: FuserCard


@dataclass(frozen=True, slots=True)
class FuserPack:
    """A pack of networks that fuse, and each of them by its method."""

    pack: Pack
    fusers: Mapping[FusionMethod, ServedFuser]

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read a folder; weights are not opened.

        Raises:
            PackError: If there is no manifest, it does not hold together, or it names no network that fuses.
        """
        pack = Pack.load(directory)
        named = pack.manifest.fusers
        if not named:
            raise PackError(f"{directory} has no networks that fuse: its manifest names none in `fusers`")
        return cls(pack, {one.method: ServedFuser(one.method, pack.models[one.model], one.card) for one in named})

    def goes_with(self, pack: Pack) -> bool:
        """Whether all of them learned from what a pack embeds."""
        return all(fuser.card.pack == pack.digest for fuser in self.fusers.values())


def fusers_beside(pack: Pack, directory: Path | None = None) -> FuserPack | None:
    """The networks that fuse what a pack embeds.

    Args:
        pack: The pack that embeds.
        directory: Where they lie; None takes those of this source tree, if they go with the pack.

    Returns:
        None where no directory was given and the source tree has none for this pack.

    Raises:
        PackError: If the manifest is unsound; if a directory was given, also if it is for another pack.
    """
    if directory is None and not (FUSERS_DIR / MANIFEST_FILE).is_file():
        return None
    found = FuserPack.load(directory or FUSERS_DIR)
    if found.goes_with(pack):
        return found
    if directory is None:
        return None
    learned = ", ".join(sorted({fuser.card.pack[:12] for fuser in found.fusers.values()}))
    raise PackError(f"{directory} fuses embeddings of the pack {learned}, not of {pack.digest[:12]}: train it anew")
