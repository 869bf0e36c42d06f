"""Networks over a pack's embeddings, for another version of it: as they are, when nothing changed of what they take.

A text pair, or a calibration, can be replaced without a network that fuses knowing: it never sees either. The trainings
of APES's samplings (`evaluation.protocols.apes.samplings`) take faces and voices alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from evaluation.protocols.apes.samplings import read_sampling, write_sampling
from packs.errors import PackError
from packs.fuser import FuserSettings
from packs.fusers import FuserPack
from packs.manifest import DetectionSettings, Pack, write_manifest
from packs.spec import Modality, ModelSpec
from training.fuser_card import write_fuser_card
from training.fuser_pack import METRICS_FILE

__all__ = ["move_fusers", "move_samplings"]


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
    _must_embed_alike(list(dict.fromkeys(fused)), old, new)
    manifest = fusers.pack.manifest
    write_manifest(
        directory, manifest.model_copy(update={"fusers": tuple(_moved(one, new) for one in manifest.fusers)})
    )
    write_fuser_card(directory, json.loads((directory / METRICS_FILE).read_text(encoding="utf-8")))
    return Pack.load(directory)


def move_samplings(directory: Path, old: Pack, new: Pack) -> list[Path]:
    """Say of trainings of APES's samplings that they go with another pack.

    Args:
        directory: Folder of them; each is written anew with the same numbers.
        old: The pack that they go with.
        new: The pack that they are to go with.

    Returns:
        Those that were moved.

    Raises:
        DataError: If one cannot be read.
        PackError: If one does not go with `old`, or `new` embeds, or finds, faces or voices in another way.
    """
    found = {path: read_sampling(path) for path in sorted(directory.glob("*.npz"))}
    if strange := [path.name for path, one in found.items() if one.pack != old.digest]:
        raise PackError(
            f"{', '.join(strange)} learned from another pack than {old.digest[:12]}: give the pack it goes with"
        )
    _must_embed_alike([Modality.FACE, Modality.VOICE], old, new)
    for path, one in found.items():
        write_sampling(path, replace(one, pack=new.digest))
    return list(found)


def _must_embed_alike(taken: Sequence[Modality], old: Pack, new: Pack) -> None:
    names = [str(modality) for modality in taken if old.model_for(modality) != new.model_for(modality)]
    changed = [*names, *(["detection"] if _detection(old) != _detection(new) else [])]
    if changed:
        said = f"{new.directory} differs from {old.directory} in {', '.join(changed)}"
        raise PackError(f"{said}: train the networks anew")


def _detection(pack: Pack) -> tuple[DetectionSettings, ModelSpec] | None:
    """Where faces and bodies are found, which decides what is cut out of a picture."""
    how = pack.manifest.detection
    return None if how is None else (how, pack.model(how.model))


def _moved(fuser: FuserSettings, new: Pack) -> FuserSettings:
    return fuser.model_copy(update={"card": fuser.card.model_copy(update={"pack": new.digest})})
