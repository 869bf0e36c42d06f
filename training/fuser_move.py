"""Networks that fuse, for another version of their pack: as they are, when nothing changed of what they fuse.

A text pair, or a calibration, can be replaced without a network that fuses knowing: it never sees either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from packs.errors import PackError
from packs.fuser import FuserSettings
from packs.fusers import FuserPack
from packs.manifest import DetectionSettings, Pack, write_manifest
from packs.spec import Modality, ModelSpec
from training.fuser_card import write_fuser_card
from training.fuser_pack import METRICS_FILE

__all__ = ["move_fusers"]


def move_fusers(directory: Path, old: Pack, new: Pack) -> Pack:
    """Say of a pack of networks that fuse that it goes with another pack.

    Args:
        directory: Its folder; manifest and card are written anew, no network is.
        old: The pack that it goes with.
        new: The pack that it is to go with.

    Raises:
        PackError: If it does not go with `old`, or `new` embeds, or finds, something that is fused in another way.
    """
    fusers = FuserPack.load(directory)
    if not fusers.goes_with(old):
        raise PackError(
            f"{directory} fuses what another pack embeds than {old.digest[:12]}: give the pack it goes with"
        )
    fused = [part.modality for one in fusers.fusers.values() for part in one.card.parts]
    if changed := _changed(list(dict.fromkeys(fused)), old, new):
        raise PackError(
            f"{new.directory} differs from {old.directory} in {', '.join(changed)}: train the networks anew"
        )
    manifest = fusers.pack.manifest
    write_manifest(
        directory, manifest.model_copy(update={"fusers": tuple(_moved(one, new) for one in manifest.fusers)})
    )
    write_fuser_card(directory, json.loads((directory / METRICS_FILE).read_text(encoding="utf-8")))
    return Pack.load(directory)


def _changed(fused: Sequence[Modality], old: Pack, new: Pack) -> list[str]:
    """What of two packs makes other embeddings of what is fused."""
    names = [str(modality) for modality in fused if old.model_for(modality) != new.model_for(modality)]
    return [*names, *(["detection"] if _detection(old) != _detection(new) else [])]


def _detection(pack: Pack) -> tuple[DetectionSettings, ModelSpec] | None:
    """Where faces and bodies are found, which decides what is cut out of a picture."""
    how = pack.manifest.detection
    return None if how is None else (how, pack.model(how.model))


def _moved(fuser: FuserSettings, new: Pack) -> FuserSettings:
    return fuser.model_copy(update={"card": fuser.card.model_copy(update={"pack": new.digest})})
