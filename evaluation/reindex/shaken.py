"""A second pack with other weights: the networks of a pack, each weight moved a little, as more training would."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from packs.manifest import Pack, file_sha256, write_manifest
from packs.spec import Modality

__all__ = ["shaken_pack"]

STRENGTH = 0.3  # of each tensor's own spread: rankings move, and do not become those of noise
SHAKEN = (Modality.FACE, Modality.BODY)


def shaken_pack(pack: Pack, folder: Path, *, seed: int = 1, strength: float = STRENGTH) -> Pack:
    """Write a pack whose face and body encoders are others, and whose other networks are the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    models = []
    for spec in pack.manifest.models:
        target = folder / spec.file
        shutil.copyfile(pack.file_of(spec), target)
        if spec.modality in SHAKEN:
            _shake(target, random, strength)
        models.append(spec.model_copy(update={"sha256": file_sha256(target)}))
    changed = {"models": tuple(models), "version": f"{pack.version}-shaken", "description": "For a check alone."}
    write_manifest(folder, pack.manifest.model_copy(update=changed))
    shaken = Pack.load(folder)
    shaken.verify()
    return shaken


def _shake(path: Path, random: np.random.Generator, strength: float) -> None:
    model = onnx.load(str(path))
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind != "f" or values.ndim < 2:
            continue
        noise = random.standard_normal(values.shape) * float(values.astype(np.float64).std()) * strength
        moved = (values.astype(np.float64) + noise).astype(values.dtype)
        tensor.CopyFrom(numpy_helper.from_array(moved, tensor.name))
    onnx.save(model, str(path))
