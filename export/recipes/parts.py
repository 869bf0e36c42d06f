"""Puts models that were made from a public checkpoint into a pack, new or old."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.output_parity import OutputParity
from export.recipes.errors import RecipeError
from packs.manifest import MANIFEST_FILE, DetectionSettings, Pack, PackManifest, file_sha256, write_manifest
from packs.spec import ModelSpec

DESCRIPTION = "Networks of the user's own choice, made from public checkpoints; their licences stand at each model."


@dataclass(frozen=True, slots=True)
class Part:
    """A model whose file lies in the pack's folder.

    Attributes:
        spec: Its declaration; the digest is taken of the file here.
        detection: First operating point of a detector.
    """

    spec: ModelSpec
    detection: DetectionSettings | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A model that was written.

    Attributes:
        part: What goes into the manifest.
        figures: How far runtimes lie from the reference.
    """

    part: Part
    figures: Sequence[OutputParity]


def add_parts(directory: Path, parts: Sequence[Part], *, name: str, version: str) -> Pack:
    """Write the models into the folder's manifest.

    A model takes the place of one of the same name or the same modality. A calibration of its modality goes: it was
    measured with another network. Other models, and what was measured of them, stay.

    Args:
        directory: Folder with the files.
        parts: The models.
        name: Name of the pack, when there is none yet.
        version: Version of the weights.

    Raises:
        RecipeError: If two models are for the same modality.
        packs.errors.PackError: If the manifest that is already there cannot be read.
    """
    _check_distinct(parts)
    before = Pack.load(directory).manifest if (directory / MANIFEST_FILE).exists() else None
    new = {part.spec.name: _with_digest(directory, part.spec) for part in parts}
    made = {spec.modality for spec in new.values() if spec.modality is not None}
    kept = [model for model in before.models if model.name not in new and model.modality not in made] if before else []
    detection = next((part.detection for part in parts if part.detection), before.detection if before else None)
    hearing = before.hearing if before and before.hearing and before.hearing.model not in new else None
    calibration = {key: line for key, line in before.calibration.items() if key not in made} if before else {}
    manifest = PackManifest(
        name=before.name if before else name,
        version=version,
        description=before.description if before else DESCRIPTION,
        models=(*kept, *new.values()),
        detection=detection,
        hearing=hearing,
        calibration=calibration,
    )
    write_manifest(directory, manifest)
    return Pack.load(directory)


def _with_digest(directory: Path, spec: ModelSpec) -> ModelSpec:
    return spec.model_copy(update={"sha256": file_sha256(directory / spec.file)})


def _check_distinct(parts: Sequence[Part]) -> None:
    made = [part.spec.modality for part in parts if part.spec.modality is not None]
    if len(set(made)) != len(made):
        raise RecipeError(f"a pack has one network per modality, got {', '.join(made)}")
